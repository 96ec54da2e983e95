"""Asking transmission devices: queries, their clock, duty checks 查岗; what came of it, and who did not answer."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.commands import CommandKind
from gateway.contract.times import format_at, to_ms
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.fire import ledger
from services.fire.names import device as device_name
from services.fire.tables import FireCommand
from services.flows import hearing
from services.flows.fire.places import care_policy
from services.flows.telling import clear_and_tell, raise_and_tell
from services.kernel import audit, timers
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.ids import new_id
from services.kernel.timers import Timer

Send = Callable[[str, str, dict[str, Any]], None]
"""`(site, source, body)`: hands a command to whatever carries it to the gateway."""

COMMAND_TIMER, DUTY_TIMER = "fire.command", "fire.duty"
DUTY_RULE = "FIRE-DUTY"
KINDS: tuple[str, ...] = get_args(CommandKind)
EXPIRES_AFTER = timedelta(minutes=5)
"""A query that its device has not had by then is not worth asking any more."""
AGAIN_AFTER = timedelta(seconds=5)
SETTLED_AFTER = timedelta(seconds=45)
"""So long after it expired the gateway has said what became of it: three tries of 10 s are over."""
DUTY_SLACK = timedelta(minutes=2)
"""A device given 10 minutes for a duty check is waited for 12."""
DUTY_MINUTES = range(1, 61)
MOST_PARAMS = 16
CLOCKS_DIFFER = timedelta(seconds=10)
"""An answer may seem to come so long before its question: the gateway's clock is another one."""


def ask(
    session: Session,
    config: SiteConfig,
    source: str,
    kind: str,
    params: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
) -> FireCommand:
    """Ask a transmission device; it is sent by the worker. Raises NotFound, Invalid, Conflict (one duty check each)."""
    declared = config.fire.source_by_id.get(source)
    if declared is None:
        raise NotFound(f"There is no fire source {source!r}", hint="Choose one from the list", field="source")
    if declared.protocol != "gb26875":
        raise Invalid(
            f"{source} speaks {declared.protocol}, which we only listen to",
            hint="Only devices of GB/T 26875.3 can be asked",
            field="source",
        )
    if kind not in KINDS:
        raise Invalid(f"There is no command {kind!r}", hint=f"Use one of: {', '.join(KINDS)}", field="kind")
    given = dict(params)
    if len(given) > MOST_PARAMS:
        raise Invalid(f"{len(given)} parameters are too many", hint="Give those that the command has", field="params")
    if kind == "duty_check":
        minutes = given.setdefault("minutes", 10)
        if type(minutes) is not int or minutes not in DUTY_MINUTES:
            raise Invalid("A duty check takes 1 to 60 minutes", hint="10 is usual", field="minutes")
        waiting = ledger.open_duty_check(session, config.site.id, source, now)
        if waiting is not None:
            raise Conflict(
                f"Duty check {waiting.id} of {source} still waits for its answer",
                hint="Wait for it",
                current={"id": waiting.id, "answer_by": (waiting.answer_by or waiting.expires_at).isoformat()},
            )
    command = FireCommand(
        id=new_id(),
        site=config.site.id,
        source=source,
        kind=kind,
        params=given,
        asked_at=now,
        asked_by=actor,
        expires_at=now + EXPIRES_AFTER,
        sent_at=None,
        outcome="",
        outcome_at=None,
        answer={},
        answer_by=None,
        answered_at=None,
    )
    session.add(command)
    session.flush()
    timers.schedule(session, COMMAND_TIMER, command.id, now)
    audit.record(
        session, now, actor, "fire.command", command.id, site=config.site.id, source=source, kind=kind, params=given
    )
    return command


def send_due(session: Session, timer: Timer, now: datetime, send: Send | None) -> str:
    """Hand a command over to be sent, again until somebody said that it was; write down that it expired."""
    command = session.get(FireCommand, timer.ref, with_for_update=True, populate_existing=True)
    if command is None or command.outcome:
        return f"outcome: {command.outcome}" if command is not None else "gone"
    if now < command.expires_at and command.sent_at is None:
        if send is not None:
            send(command.site, command.source, body_of(command))
        timer.due_at = min(now + AGAIN_AFTER, command.expires_at)
        return ""
    settled_at = command.expires_at + (SETTLED_AFTER if command.sent_at is not None else timedelta(0))
    if now < settled_at:
        timer.due_at = settled_at
        return ""
    command.outcome, command.outcome_at = "expired", now
    return "expired"


def body_of(command: FireCommand) -> dict[str, Any]:
    """What goes to the gateway."""
    return {
        "id": command.id,
        "kind": command.kind,
        "params": dict(command.params),
        "expires_at": format_at(to_ms(command.expires_at)),
    }


def note_sent(session: Session, command_id: str, now: datetime) -> None:
    """The broker has it. From now on the gateway says what becomes of it."""
    command = session.get(FireCommand, command_id, with_for_update=True, populate_existing=True)
    if command is None or command.sent_at is not None:
        return
    command.sent_at = now
    session.flush()
    if not command.outcome:
        timers.schedule(session, COMMAND_TIMER, command.id, command.expires_at + SETTLED_AFTER)


def note_outcome(
    session: Session, config: SiteConfig, command_id: str, outcome: str, answer: Mapping[str, Any], at: datetime
) -> FireCommand | None:
    """The gateway says what became of a command; None: there is no such command of this site.

    A device that confirmed a duty check has only received it: the time to answer runs from here.
    """
    command = session.get(FireCommand, command_id, with_for_update=True, populate_existing=True)
    if command is None or command.site != config.site.id:
        return None
    if command.outcome_at is not None and command.outcome != "expired" and at < command.outcome_at:
        return command
    command.outcome, command.outcome_at = outcome[:16], at
    command.sent_at = command.sent_at or at
    if answer:
        command.answer = {**command.answer, **answer}
    session.flush()
    if command.kind == "duty_check" and outcome not in ledger.UNREACHED and command.answered_at is None:
        command.answer_by = at + timedelta(minutes=int(command.params.get("minutes", 10))) + DUTY_SLACK
        session.flush()
        timers.schedule(session, DUTY_TIMER, command.id, command.answer_by)
    return command


def note_duty_answer(
    session: Session, config: SiteConfig, source: str, operator: int | None, at: datetime, now: datetime
) -> FireCommand | None:
    """Somebody pressed the key. It answers the newest check asked before and not answered; None: nobody had asked.

    A late answer is written down as such and ends the alert all the same: somebody is there.
    """
    query = (
        select(FireCommand)
        .where(
            FireCommand.site == config.site.id,
            FireCommand.source == source,
            FireCommand.kind == "duty_check",
            FireCommand.asked_at <= at + CLOCKS_DIFFER,
            FireCommand.asked_at > at - timedelta(days=1),
            FireCommand.answered_at.is_(None),
        )
        .order_by(FireCommand.id.desc())
        .limit(1)
        .with_for_update()
    )
    command = session.scalar(query)
    if command is not None:
        command.answered_at = at
        command.answer = {**command.answer, "operator": operator}
        session.flush()
        timers.cancel(session, [DUTY_TIMER], command.id, now, "answered")
    alert = alerts.find_open(session, DUTY_RULE, f"{config.site.id}/{source}")
    if alert is not None and at + CLOCKS_DIFFER >= datetime.fromisoformat(alert.detail["asked_at"]):
        clear_and_tell(session, config, DUTY_RULE, alert.target, at, now)
    return command


def duty_due(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """The time to answer is over. Nobody is accused of silence while we may be deaf ourselves."""
    command = session.get(FireCommand, timer.ref, with_for_update=True, populate_existing=True)
    if command is None or command.answered_at is not None:
        return "answered"
    if not hearing.hears_all(session, command.site, now):
        timer.due_at = now + hearing.CAUGHT_UP_AFTER
        return ""
    target = f"{command.site}/{command.source}"
    before = alerts.find_open(session, DUTY_RULE, target)
    if before is not None and before.active:  # missed again is news, also to whoever has seen the last one
        alerts.clear_alert(session, DUTY_RULE, target, now, None, now)
    name, name_en = device_name(config, command.source)
    due_at = command.answer_by or timer.due_at
    raise_and_tell(
        session,
        config,
        alerts.Activation(
            site=command.site,
            rule=DUTY_RULE,
            target=target,
            title=f"{name}：查岗无人应答",
            title_en=f"{name_en}: nobody answered the duty check",
            severity="high",
            event_at=due_at,
            source="GB/T 26875.3",
            requirement=DUTY_RULE,
            policy=care_policy(config),
            detail={
                "command": command.id,
                "asked_at": command.asked_at.isoformat(),
                "asked_by": command.asked_by,
                "minutes": command.params.get("minutes"),
            },
        ),
        now,
    )
    return "missed: alert raised"

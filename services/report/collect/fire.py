"""Incidents, signals, outages, tests, drills and duty checks of a month."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from gateway.contract.fire_terms import SYSTEM_TYPES
from gateway.site.equipment import ledger_entries
from gateway.site.equipment_kinds import kinds_of
from services.alert.tables import Alert
from services.equipment.tables import Certificate
from services.fire import ledger, names, upkeep
from services.fire.model import Holding, Signal, apply
from services.fire.signals import stored
from services.fire.tables import (
    FireCall,
    FireCommand,
    FireIncident,
    FireIncidentEvent,
    FireOutage,
    FireSignal,
    FireStep,
    FireTest,
    FireTestMode,
)
from services.flows.fire.link import LINK_RULE
from services.report.chapters.fire import trend_since
from services.report.chapters.fire_records import (
    Alarm,
    Announced,
    Began,
    Check,
    Entry,
    Examiner,
    FireFacts,
    Outage,
    RepeatedPoint,
    began,
)
from services.report.collect import fire_forms
from services.report.collect.links import alerts_of_month, area, chunks, kind, person
from services.report.collect.pump_room import FIRE_PUMPS, pumps
from services.report.collect.source import Source
from services.report.collect.tasks import tasks
from services.report.model import Month
from services.report.months import next_first

METHODS = {"visual": "外观", "pressure": "压力", "smoke": "加烟", "button": "按下", "function": "联动"}
KINDS = {
    "smoke": "烟感", "heat": "温感", "flame": "火焰探测器", "gas": "可燃气体探测器",
    "manual_call_point": "手动报警按钮", "hydrant_button": "消火栓按钮", "extinguisher": "灭火器",
    "hydrant": "消火栓", "hose": "消防水带",
    "emergency_light": "应急照明", "exit_sign": "疏散指示标志", "other": "其他",
}  # fmt: skip
EQUIPMENT = (*kinds_of("fire_water"), *kinds_of("fire_alarm"), *kinds_of("fire_gear"))
_CHECK = "duty_check"
SYSTEM = "系统"
"""Who writes tests down that a signal in test mode proves; no tester."""


def collect(source: Source, month: Month) -> FireFacts:
    """Everything the chapter and its forms need."""
    config, session, site = source.config, source.session, source.config.site.id
    fire = config.fire
    if not (fire.panels or fire.points or fire.appliances):
        return FireFacts(declared=False)
    incidents = _incidents(source, month)
    outages = _outages(source, month)
    quarter = upkeep.quarter_of(month.since_at, ZoneInfo(month.timezone))
    entries = tuple(_entries(source, month))
    return FireFacts(
        declared=True,
        panels=bool(fire.panels),
        watched_at=_watched_at(source, month),
        alarms=tuple(_alarms(source, incidents, month)),
        began=tuple(_began(source, month)),
        offline=tuple((one.id, _device(source, one.target)) for one in _offline(source, month)),
        outages=outages,
        tests=ledger.month_of_tests(session, config, month.first_on, month.now),
        entries=entries,
        kind_names=tuple(KINDS.items()),
        quarter=ledger.quarter_of_drills(session, config, quarter, month.ends_at),
        rates=tuple(_rates(source, month)),
        repeated=tuple(_repeated(source, month)),
        modes=tuple(_modes(source, month)),
        checks=tuple(checks(source, month)),
        repairs=fire_forms.repairs(source, month, outages, EQUIPMENT),
        items=fire_forms.items(source, month, EQUIPMENT),
        shifts=fire_forms.shifts(source, month),
        testers=tuple(_testers(source, entries, site, month)),
        tasks=tasks(source, month, EQUIPMENT),
        pumps=pumps(source, month, FIRE_PUMPS),
    )


def _watched_at(source: Source, month: Month) -> datetime | None:
    """When the first signal or incident was heard of, if before the end of what is counted."""
    site = source.config.site.id
    first = (
        source.session.scalar(select(func.min(FireSignal.received_at)).where(FireSignal.site == site)),
        source.session.scalar(select(func.min(FireIncident.opened_at)).where(FireIncident.site == site)),
    )
    return min((one for one in first if one is not None and one < month.ends_at), default=None)


def _incidents(source: Source, month: Month) -> list[FireIncident]:
    query = select(FireIncident).where(
        FireIncident.site == source.config.site.id,
        FireIncident.opened_at >= month.since_at,
        FireIncident.opened_at < month.ends_at,
    )
    return list(source.session.scalars(query.order_by(FireIncident.opened_at, FireIncident.id)))


def _alarms(source: Source, rows: Sequence[FireIncident], month: Month) -> Iterable[Alarm]:
    session, ids = source.session, [one.id for one in rows]
    arrived: dict[str, datetime] = {}
    called: dict[str, datetime] = {}
    plans: dict[str, set[str]] = {}
    graded: dict[str, datetime] = {}
    for some in chunks(ids):
        first = select(FireCall.incident_id, func.min(FireCall.arrived_at)).where(FireCall.incident_id.in_(some))
        for incident, at in session.execute(first.group_by(FireCall.incident_id)):
            if at is not None:
                arrived[incident] = at
        for step in session.scalars(select(FireStep).where(FireStep.incident_id.in_(some))):
            plans.setdefault(step.incident_id, set()).add(step.plan)
            if step.step == "call-119" and step.done_at is not None and not step.not_needed:
                called[step.incident_id] = step.done_at
        events = select(FireIncidentEvent).where(FireIncidentEvent.incident_id.in_(some))
        for event in session.scalars(events.order_by(FireIncidentEvent.incident_id, FireIncidentEvent.seq)):
            if event.kind == "graded":
                graded.setdefault(event.incident_id, event.at)
    for row in rows:
        confirmed = [one for one in (arrived.get(row.id), graded.get(row.id)) if one is not None]
        grades = plans.get(row.id, set())
        closed = row.closed_at is not None and row.closed_at < month.now
        yield Alarm(
            id=row.id, number=row.number, opened_at=row.opened_at, place=_places(source, row),
            verdict=row.verdict if closed else "", grade="large" if "large" in grades else "small" if grades else "",
            confirmed_at=min(confirmed, default=None), called_119_at=called.get(row.id),
            closed_at=row.closed_at if closed else None, cause=row.cause if closed else "", signals=row.signals,
        )  # fmt: skip


def _places(source: Source, row: FireIncident) -> str:
    building = names.building(source.config, row.building)[0]
    found = [names.component(source.config, one)[0] for keys in row.zones.values() for one in keys]
    return building + (f" {found[0]}" + (f" 等 {len(found)} 处" if len(found) > 1 else "") if found else "")


def _began(source: Source, month: Month) -> Iterable[Began]:
    """Per panel: what it said in the month, after the newest it said of the same components before."""
    config = source.config
    verdicts = _verdicts(source, month)
    for panel in sorted(_panels(source, month)):
        query = select(FireSignal).where(
            FireSignal.site == config.site.id, FireSignal.panel == panel,
            FireSignal.received_at >= month.since_at, FireSignal.received_at < month.ends_at,
        )  # fmt: skip
        rows = list(source.session.scalars(query))
        incident_of = {row.id: row.incident_id or "" for row in rows}
        signals = [stored(row) for row in rows]
        for signal, state in began(signals, _before(source, month, sorted({one.component for one in signals}))):
            yield Began(
                id=signal.id, system=_system(source, signal), component=signal.component,
                name=names.component(config, signal.component, signal.text)[0], state=state, at=signal.at,
                test=signal.test, verdict=verdicts.get(incident_of[signal.id], ""),
            )  # fmt: skip


def _panels(source: Source, month: Month) -> set[str]:
    query = select(FireSignal.panel).where(
        FireSignal.site == source.config.site.id,
        FireSignal.received_at >= month.since_at,
        FireSignal.received_at < month.ends_at,
    )
    return set(source.session.scalars(query.distinct()))


def _verdicts(source: Source, month: Month) -> Mapping[str, str]:
    """Of incidents closed by the cut-off."""
    query = select(FireIncident.id, FireIncident.verdict).where(
        FireIncident.closed_at < month.now,
        FireIncident.site == source.config.site.id,
        FireIncident.opened_at < month.ends_at,
        FireIncident.closed_at >= month.since_at,
    )
    return {row[0]: row[1] for row in source.session.execute(query)}


def _before(source: Source, month: Month, components: Sequence[str]) -> dict[str, Holding]:
    """What held at the month's start, as far as the newest report of each component before it says."""
    found: dict[str, Holding] = {}
    for some in chunks(components):
        newest = (
            select(FireSignal.component, func.max(FireSignal.received_at).label("at"))
            .where(FireSignal.component.in_(some), FireSignal.received_at < month.since_at)
            .group_by(FireSignal.component)
            .subquery()
        )
        query = select(FireSignal).join(
            newest, (FireSignal.component == newest.c.component) & (FireSignal.received_at == newest.c.at)
        )
        for row in source.session.scalars(query.order_by(FireSignal.at, FireSignal.id)):
            held = found.get(row.component, Holding())
            found[row.component], _, _ = apply(held, stored(row))
    return found


def _system(source: Source, signal: Signal) -> str:
    term = SYSTEM_TYPES.get(signal.system_type) if signal.system_type is not None else None
    return term.zh if term is not None else names.device(source.config, signal.panel)[0]


def _offline(source: Source, month: Month) -> Iterable[Alert]:
    alerts = alerts_of_month(source.session, source.config, month, LINK_RULE)
    return (one for one in alerts if one.opened_at >= month.since_at)


def _device(source: Source, target: str) -> str:
    return names.device(source.config, target.partition("/")[2])[0]


def _outages(source: Source, month: Month) -> tuple[Outage, ...]:
    query = select(FireOutage).where(
        FireOutage.site == source.config.site.id,
        FireOutage.began_at < month.ends_at,
        or_(FireOutage.ended_at.is_(None), FireOutage.ended_at >= month.since_at),
    )
    return tuple(
        Outage(
            id=row.id, component=row.component, name=names.component(source.config, row.component)[0], kind=row.kind,
            began_at=row.began_at, ended_at=row.ended_at, filed=row.filed, measures=row.measures,
            noted_by=person(source.config, row.noted_by),
        )
        for row in source.session.scalars(query.order_by(FireOutage.began_at, FireOutage.id))
    )  # fmt: skip


def _entries(source: Source, month: Month) -> Iterable[Entry]:
    config = source.config
    fire = config.fire
    due = {one.id: (one.name, KINDS.get(one.kind, one.kind), one.area) for one in upkeep.devices_of(fire)}
    listed = ledger_entries(config.equipment, fire).values()
    devices = {one.ref: (one.name, kind(one.kind), one.area) for one in listed} | due
    query = select(FireTest).where(
        FireTest.site == config.site.id,
        FireTest.tested_on >= month.first_on,
        FireTest.tested_on < next_first(month.first_on),
        FireTest.at < month.now,
    )
    for row in source.session.scalars(query.order_by(FireTest.tested_on, FireTest.at, FireTest.id)):
        name, kind_name, lies_in = devices.get(row.device, (row.device, "", ""))
        yield Entry(
            id=row.id, device=row.device, name=name, kind_name=kind_name,
            place=area(config, lies_in) if lies_in else "", method=METHODS.get(row.kind, row.kind),
            passed=row.passed, tested_on=row.tested_on, by=person(config, row.by), proven=row.signal_id is not None,
            note=row.note,
        )  # fmt: skip


def _rates(source: Source, month: Month) -> Iterable[upkeep.FalseRate]:
    since = upkeep.midnight(trend_since(month.first_on), ZoneInfo(month.timezone))
    return (one for one in ledger.false_rates(source.session, source.config, since) if one.month <= month.first_on)


def _repeated(source: Source, month: Month) -> Iterable[RepeatedPoint]:
    settings = source.config.fire.settings
    until = month.ends_at
    falses = [one for one in ledger.false_alarms(source.session, source.config, until) if one.closed_at < until]
    for one in upkeep.repeated_false(falses, until - settings.false_within, settings.false_count):
        yield RepeatedPoint(names.component(source.config, one.component)[0], len(one.incidents), one.last_at)


def _modes(source: Source, month: Month) -> Iterable[Announced]:
    config = source.config
    query = select(FireTestMode).where(
        FireTestMode.site == config.site.id,
        FireTestMode.begun_at < month.ends_at,
        FireTestMode.until > month.since_at,
    )
    for row in source.session.scalars(query.order_by(FireTestMode.begun_at, FireTestMode.id)):
        ended = min(row.until, row.ended_at or row.until)
        if ended > month.since_at:
            yield Announced(
                names.device(config, row.panel)[0], names.zone(config, row.zone)[0] if row.zone else "", row.reason,
                row.begun_at, min(ended, month.ends_at), person(config, row.begun_by), person(config, row.second),
            )  # fmt: skip


def checks(source: Source, month: Month) -> Iterable[Check]:
    """Duty checks of the control room that were asked in the month."""
    config = source.config
    query = select(FireCommand).where(
        FireCommand.site == config.site.id, FireCommand.kind == _CHECK,
        FireCommand.asked_at >= month.since_at, FireCommand.asked_at < month.ends_at,
    )  # fmt: skip
    for row in source.session.scalars(query.order_by(FireCommand.asked_at, FireCommand.id)):
        yield Check(
            id=row.id, asked_at=row.asked_at, source=names.device(config, row.source)[0],
            by=person(config, row.asked_by), outcome=_outcome(row, month.now), answered_at=row.answered_at,
        )  # fmt: skip


def _outcome(row: FireCommand, now: datetime) -> str:
    if row.answered_at is not None:
        return "answered"
    if row.outcome in ledger.UNREACHED:
        return "failed"
    return "open" if (row.answer_by or row.expires_at) > now else "missed"


def _testers(source: Source, entries: Sequence[Entry], site: str, month: Month) -> Iterable[Examiner]:
    """Who tested, with the newest certificate of kind person that names them."""
    papers: dict[str, Certificate] = {}
    query = select(Certificate).where(
        Certificate.site == site, Certificate.kind == "person", Certificate.created_at < month.now
    )
    for one in source.session.scalars(query.order_by(Certificate.expires_on, Certificate.id)):
        papers[one.subject.strip()] = one
        papers[person(source.config, one.subject.strip())] = one
    counts = Counter(one.by for one in entries if one.by != SYSTEM)
    for name in sorted(counts):
        paper = papers.get(name)
        yield Examiner(name, counts[name], paper.number if paper else "", paper.expires_on if paper else None)

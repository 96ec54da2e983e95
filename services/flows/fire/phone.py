"""What a guard's phone says of a fire: each word once, then done as on the console; what came too late is a remark."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire import incidents
from services.fire.incident import Fact, NotConfirmed, Reported
from services.fire.tables import FireIncident, FireIncidentEvent
from services.flows.fire import response as fire_response
from services.kernel import audit
from services.kernel.audit import Audit
from services.kernel.errors import Invalid

Kind = Literal["fire_accept", "fire_arrive", "fire_grade", "fire_step", "fire_note"]
TAKEN = "fire.phone"
"""The audit of a word: when it came, beside when it was said."""
LATE = timedelta(minutes=1)
"""What came later than this after it was said carries both times."""
_NO_FIRE = "现场未见火情，请监控中心核实后关闭 · No fire seen here: the desk decides"
_SAID: dict[Kind, str] = {
    "fire_accept": "已出发 · On the way",
    "fire_arrive": "已到场 · Arrived",
    "fire_grade": "现场判断 · Graded",
    "fire_step": "步骤完成 · Step done",
    "fire_note": "现场情况 · Seen",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that somebody said on his phone; `at`: when, as well as the clocks tell."""

    client_id: str
    kind: Kind
    by: str
    at: datetime
    incident: str
    grade: Literal["small", "large", "none", ""] = ""
    """none: nothing burns as far as he sees. That is small until the desk closes it with a verdict."""
    plan: str = ""
    step: str = ""
    not_needed: bool = False
    note: str = ""
    photos: tuple[str, ...] = ()
    delivered_by: str = ""


def take(session: Session, config: SiteConfig, word: Word, now: datetime) -> None:
    """Do what was said; the same `client_id` again changes nothing.

    Raises NotFound for an incident or step that is not there, Invalid for a grade that needs a note.
    """
    row = incidents.get(session, word.incident, site=config.site.id)
    ref = f"{config.site.id}/{word.client_id}"
    # The incident is held by now: of two deliveries of the same word the second finds what the first wrote.
    if session.scalar(select(Audit.id).where(Audit.ref == ref, Audit.action == TAKEN).limit(1)) is not None:
        return
    at = min(max(word.at, row.opened_at), now)
    if row.closed_at is not None or (word.kind == "fire_grade" and _is_overtaken(session, row, word, at, now)):
        _remark(session, config, row, word, at, now)
    else:
        _do(session, config, row, word, at, now)
    audit.record(
        session, now, word.delivered_by or word.by, TAKEN, ref,
        kind=word.kind, incident=row.id, by=word.by, said_at=word.at.isoformat(),
    )  # fmt: skip
    session.flush()


def _is_overtaken(session: Session, row: FireIncident, word: Word, at: datetime, now: datetime) -> bool:
    """Whether a grade was said of something else than what there is now: then it decides nothing.

    Raises Invalid when it only lacks the words that it needs, and who said it can still be asked for them.
    """
    if row.graded_at is not None and row.graded_at > at:
        return True
    if word.grade not in ("small", "none"):
        return False  # that it is large is never too late
    if _has_grown(session, row, at):
        return True
    if word.grade == "none" or row.stage != "large" or word.note.strip():
        return False
    if now - at > LATE:
        return True
    raise Invalid(
        "已按大规模处理：要改为小火情，请写明原因后再报 · It is treated as large: say in a few words why it is small",
        hint="Grade it again with a note",
        field="note",
    )


def _has_grown(session: Session, row: FireIncident, since: datetime) -> bool:
    """Whether it went large, or something joined that had not reported before, after that moment."""
    query = select(FireIncidentEvent).where(
        FireIncidentEvent.incident_id == row.id, FireIncidentEvent.kind.in_((Reported.kind, NotConfirmed.kind))
    )
    later = list(session.scalars(query.where(FireIncidentEvent.at > since)))
    if any(Fact.WENT_LARGE in one.data.get("facts", ()) or one.data.get("lines") for one in later):
        return True
    joined = {component for one in later for _, component in one.data.get("fires", ())}
    if joined:
        before = session.scalars(query.where(FireIncidentEvent.at <= since))
        joined -= {component for one in before for _, component in one.data.get("fires", ())}
    return bool(joined)


def _do(session: Session, config: SiteConfig, row: FireIncident, word: Word, at: datetime, now: datetime) -> None:
    match word.kind:
        case "fire_accept":
            fire_response.accept(session, config, row.id, actor=word.by, now=at)
        case "fire_arrive":
            fire_response.arrive(session, config, row.id, actor=word.by, now=at)
        case "fire_step":
            fire_response.finish_step(
                session, config, row.id,
                actor=word.by, now=at, plan=word.plan, step=word.step, not_needed=word.not_needed,
                note=word.note[: fire_response.LONGEST],
            )  # fmt: skip
        case "fire_grade":
            # From now on it counts, whenever he said so: it tells people and stops clocks.
            grade = "small" if word.grade == "none" else word.grade
            note = _told(config, _graded(word), at, now)[: fire_response.LONGEST]
            fire_response.grade(session, config, row.id, actor=word.by, now=now, grade=grade, note=note)
        case "fire_note":
            _remark(session, config, row, word, at, now)


def _graded(word: Word) -> str:
    if word.grade == "none":
        return f"{_NO_FIRE}。{word.note}" if word.note else _NO_FIRE
    return word.note


def _remark(session: Session, config: SiteConfig, row: FireIncident, word: Word, at: datetime, now: datetime) -> None:
    """Nothing that somebody said is lost: what can no longer be done is read in the record."""
    parts = [] if word.kind == "fire_note" else [_SAID[word.kind]]
    parts += [
        word.grade and {"small": "小火情", "large": "大规模", "none": "未见火情"}[word.grade],
        word.step,
        word.note,
    ]
    text = "：".join(part for part in parts if part) or _SAID[word.kind]
    photos = {"photos": list(word.photos)} if word.photos else {}
    incidents.note(session, row, "comment", now, actor=word.by, text=_told(config, text, at, now), **photos)


def _told(config: SiteConfig, text: str, at: datetime, now: datetime) -> str:
    """The text, with both times where it came late."""
    if now - at <= LATE:
        return text
    zone = ZoneInfo(config.site.timezone)
    times = f"{at.astimezone(zone):%H:%M:%S}，{now.astimezone(zone):%H:%M:%S} 送达 · delivered"
    return f"{text}（{times}）" if text else times

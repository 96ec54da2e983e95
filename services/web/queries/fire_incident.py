"""One incident with its plan, the people called, its signals and its timeline; and the list of past ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert.tables import Alert
from services.fire.incident import Fact, Reported
from services.fire.incidents import SYSTEM
from services.fire.tables import FireCall, FireComponent, FireIncident, FireIncidentEvent, FireSignal, FireStep
from services.kernel.errors import NotFound
from services.web import labels
from services.web.deps import Services
from services.web.i18n import N_
from services.web.queries import fire as board
from services.web.queries.fire import IncidentRow
from services.web.queries.fire_log import SignalLine, line
from services.web.queries.fire_names import FireNames

PAGE = 50
SIGNALS_SHOWN = 30
EVENTS_SHOWN = 200
TEXTS = 500
"""So many components are asked for the text they call themselves by."""
NAMED = 6
"""So many components of one event are named; the signals have them all."""
NOT_NEEDED = N_("not needed")
AND_MORE = N_("%(names)s and %(count)s more")
RECORDED_ONLY = frozenset({"lifts", "gas", "power"})
"""Steps of our own plan that name equipment. Nothing here switches it, and the page says so."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of the plan."""

    row: FireStep
    text: str
    role: str
    by: str
    recorded_only: bool


@dataclass(frozen=True, slots=True)
class CallLine:
    """Somebody who was called."""

    row: FireCall
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the timeline."""

    row: FireIncidentEvent
    actor: str
    words: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Everything about one incident."""

    head: IncidentRow
    plans: dict[str, list[StepLine]]
    calls: list[CallLine]
    callable: dict[str, str]
    """Who can still be called: username → name."""
    signals: list[SignalLine]
    signal_count: int
    zones: list[tuple[str, list[str]]]
    """Zone and the components that reported fire there."""
    events: list[EventLine]
    broadcast: str
    alert: Alert | None
    me: FireCall | None

    @property
    def row(self) -> FireIncident:
        """The incident itself."""
        return self.head.row


def one(s: Session, svc: Services, incident_id: str, username: str, language: str) -> IncidentPage:
    """One incident; raises NotFound."""
    row = get(s, incident_id)
    names = FireNames(svc.configs, language)
    config = svc.configs.sites.get(row.site)
    calls = list(
        s.scalars(select(FireCall).where(FireCall.incident_id == row.id).order_by(FireCall.tier, FireCall.called_at))
    )
    called = {one.username for one in calls}
    texts = own_texts(s, row)
    people = config.people if config else ()
    head = board.incident_rows(s, [row], names)[0]
    return IncidentPage(
        head=head,
        plans=_plans(s, row, names),
        calls=[CallLine(one, names.person(one.username), _role(config, one.username)) for one in calls],
        callable={one.username: names.places.name(one) for one in people if one.username not in called},
        signals=signals_of(s, row, names),
        signal_count=s.scalar(select(func.count()).where(FireSignal.incident_id == row.id)) or 0,
        zones=[
            (names.zone(row.site, zone), [component_name(names, key, texts.get(key, "")) for key in keys])
            for zone, keys in row.zones.items()
        ],
        events=_events(s, row, names, texts),
        broadcast=broadcast(row.response, names.english, head.place_said),
        alert=s.get(Alert, row.alert_id) if row.alert_id else None,
        me=next((one for one in calls if one.username == username), None),
    )


def get(s: Session, incident_id: str) -> FireIncident:
    """An incident; raises NotFound."""
    row = s.get(FireIncident, incident_id)
    if row is None:
        raise NotFound(f"There is no incident {incident_id}", hint="Open it from the list", incident=incident_id)
    return row


def past(s: Session, site: str, names: FireNames, before: datetime | None) -> list[IncidentRow]:
    """Incidents, the newest first, a page of them."""
    query = select(FireIncident).where(FireIncident.site == site)
    if before is not None:
        query = query.where(FireIncident.opened_at < before)
    rows = s.scalars(query.order_by(FireIncident.opened_at.desc(), FireIncident.id.desc()).limit(PAGE)).all()
    return board.incident_rows(s, rows, names)


def own_texts(s: Session, row: FireIncident) -> dict[str, str]:
    """Component → what it calls itself, of those that reported fire."""
    keys = [key for ones in row.zones.values() for key in ones][:TEXTS]
    query = select(FireComponent.id, FireComponent.text).where(FireComponent.id.in_(keys), FireComponent.text != "")
    return {found[0]: found[1] for found in s.execute(query)}


def signals_of(s: Session, row: FireIncident, names: FireNames) -> list[SignalLine]:
    """The first signals of an incident, in the order they came."""
    query = select(FireSignal).where(FireSignal.incident_id == row.id)
    rows = s.scalars(query.order_by(FireSignal.received_at, FireSignal.id).limit(SIGNALS_SHOWN))
    return [line(one, names, {row.id: row.number}) for one in rows]


def component_name(names: FireNames, key: str, text: str = "") -> str:
    """What the component of a key `{site}/{panel}/{address}` is called; `text`: as it calls itself."""
    site, panel, address = (*key.split("/", 2), "", "")[:3]
    point = names.fire(site).point_by_address.get((panel, address))
    return names.places.name(point) if point else f"{names.address(site, panel, address)} {text}".strip()


def broadcast(response: Mapping[str, Any], english: bool, place: str) -> str:
    """The evacuation text with the place in it; empty: the plan has none."""
    text = str(response.get("broadcast_en" if english else "broadcast") or response.get("broadcast") or "")
    return text.replace("{place}", place)


def step_texts(response: Mapping[str, Any], plan: str, english: bool) -> dict[str, tuple[str, str]]:
    """Step → its text and whose it usually is, of a plan as it stood when the incident began."""
    found: dict[str, tuple[str, str]] = {}
    for step in response.get(plan) or ():
        text = (english and step.get("text_en")) or step.get("text") or step.get("id", "")
        found[str(step.get("id"))] = (str(text), str(step.get("role") or ""))
    return found


def _plans(s: Session, row: FireIncident, names: FireNames) -> dict[str, list[StepLine]]:
    """The plan that holds comes first; one that a later grade replaced stays readable."""
    query = select(FireStep).where(FireStep.incident_id == row.id).order_by(FireStep.position, FireStep.step)
    found: dict[str, list[StepLine]] = {}
    for one in s.scalars(query):
        text, role = step_texts(row.response, one.plan, names.english).get(one.step, (one.step, ""))
        word = labels.word("role", role, names._) if role else ""
        found.setdefault(one.plan, []).append(
            StepLine(one, text, word, names.person(one.done_by), one.step in RECORDED_ONLY)
        )
    return dict(sorted(found.items(), key=lambda item: (item[0] != row.stage, item[0])))


def _events(s: Session, row: FireIncident, names: FireNames, own: Mapping[str, str]) -> list[EventLine]:
    query = select(FireIncidentEvent).where(FireIncidentEvent.incident_id == row.id)
    texts = {
        (plan, step): text
        for plan in ("small", "large")
        for step, (text, _) in step_texts(row.response, plan, names.english).items()
    }
    return [
        EventLine(one, "" if one.actor == SYSTEM else names.person(one.actor), event_words(one, names, texts, own))
        for one in s.scalars(query.order_by(FireIncidentEvent.seq.desc()).limit(EVENTS_SHOWN))
    ]


def event_words(
    event: FireIncidentEvent, names: FireNames, texts: Mapping[tuple[str, str], str], own: Mapping[str, str]
) -> str:
    """The detail of an event as one line: what somebody wrote, who was called, what reported."""
    data = event.data
    fires = [component_name(names, str(key), own.get(str(key), "")) for _, key in data.get("fires") or ()]
    called = [names.person(one) for one in data.get("usernames") or ()]
    step = (str(data.get("plan", "")), str(data.get("step", "")))
    grown = event.kind == Reported.kind and Fact.WENT_LARGE in data.get("facts", ())
    parts: Sequence[str] = [
        labels.word("fire_stage", "large", names._) if grown else "",
        labels.word("fire_stage", data["grade"], names._) if data.get("grade") else "",
        labels.word("fire_verdict", data["verdict"], names._) if data.get("verdict") else "",
        _some(fires, names),
        names.comma.join(called),
        texts.get(step, step[1]),
        names._(NOT_NEEDED) if data.get("not_needed") else "",
        labels.word("fire_arrived_by", data["by"], names._) if data.get("by") else "",
        *(str(data[key]) for key in ("note", "text", "cause") if data.get(key)),
    ]
    return " · ".join(part for part in parts if part)


def _some(components: Sequence[str], names: FireNames) -> str:
    shown = names.comma.join(components[:NAMED])
    rest = len(components) - NAMED
    return names._(AND_MORE) % {"names": shown, "count": rest} if rest > 0 else shown


def _role(config: SiteConfig | None, username: str) -> str:
    person = config.person_by_username.get(username) if config else None
    return person.role if person else ""

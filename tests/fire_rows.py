"""Rows of fire protection for tests over the shipped site; everything not named has a harmless value."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.contract.times import format_at, to_ms
from gateway.site.model import SiteConfig
from services.device.tables import DeviceState
from services.fire import incidents
from services.fire.incident import Reported
from services.fire.tables import (
    FireCall,
    FireCommand,
    FireComponent,
    FireDrill,
    FireIncident,
    FireOutage,
    FireSignal,
    FireTest,
    FireTestMode,
)

SITE = "yunhe"
PANEL = "fire-panel-1"
SMOKE = "01000300"
"""1号楼3层走廊烟感."""
SHIELDED = "01000c00"
"""1号楼1层手动报警按钮."""
UNKNOWN = "09000100"
"""Nobody has declared it."""
FRAME = "40400100010100000102030405060708090a0b0c300002020102010300010000030002003132330000000000000000000000ab2323"


def online(s: Session, now: datetime, *, yes: bool = True, device: str = PANEL) -> None:
    """The transmission device was heard just now."""
    at_ms = to_ms(now)
    s.merge(DeviceState(device=f"{SITE}/{device}", heard_ms=at_ms, event_ms=at_ms, online=yes, ahead_ms=0))


def component(
    address: str, since: datetime, *states: str, building: str = "building-1", **more: object
) -> FireComponent:
    """A component at which these states hold."""
    fields: dict[str, object] = {
        "id": f"{SITE}/{PANEL}/{address}",
        "site": SITE,
        "panel": PANEL,
        "address": address,
        "building": building,
        "zone": "",
        "point": "",
        "system_type": 1,
        "component_type": 42,
        "text": "",
        "states": {state: format_at(to_ms(since)) for state in states},
        "is_open": bool(states),
        "test": False,
        "tests": [],
        "values": [],
        "heard_at": since,
        "signal_id": "",
        **more,
    }
    return FireComponent(**fields)


def signal(name: str, at: datetime, address: str = SMOKE, *states: str, **more: object) -> FireSignal:
    """A signal of the component at an address."""
    fields: dict[str, object] = {
        "id": f"{SITE}/{PANEL}/{name}",
        "site": SITE,
        "device": PANEL,
        "panel": PANEL,
        "scope": "component",
        "component": f"{SITE}/{PANEL}/{address}",
        "building": "building-1",
        "zone": "building-1-low",
        "point": "b1-f3-smoke" if address == SMOKE else "",
        "system_type": 1,
        "component_type": 42,
        "states": list(states),
        "ended": [],
        "operations": [],
        "at": at,
        "received_at": at,
        "panel_at": at - timedelta(seconds=3),
        "text": "",
        "raw": FRAME,
        "marks": [],
        "body": {},
        "test": False,
        "key": name,
        "incident_id": None,
        **more,
    }
    return FireSignal(**fields)


def incident(
    s: Session, config: SiteConfig, at: datetime, components: Sequence[tuple[str, str]] = (("building-1-low", SMOKE),)
) -> FireIncident:
    """An incident of building 1 that these (zone, address) began; two people were called."""
    zone = ZoneInfo(config.site.timezone)
    row = incidents.open_one(s, SITE, "building-1", config.fire.response, f"{SITE}/{PANEL}/f1", zone, at)
    fires = tuple((name, f"{SITE}/{PANEL}/{address}") for name, address in components)
    incidents.change(s, row, Reported(fires), at)
    for username in ("guard", "engineer-fire"):
        s.add(call(row.id, username, at))
    incidents.note(s, row, "called", at, usernames=["guard", "engineer-fire"], tier=0)
    return row


def call(incident_id: str, username: str, at: datetime, **more: object) -> FireCall:
    """Somebody was called."""
    fields: dict[str, object] = {
        "incident_id": incident_id,
        "username": username,
        "tier": 0,
        "called_at": at,
        "accepted_at": None,
        "arrived_at": None,
        "arrived_by": "",
        "tap_id": None,
        **more,
    }
    return FireCall(**fields)


def command(name: str, at: datetime, kind: str = "duty_check", **more: object) -> FireCommand:
    """Something asked of the transmission device."""
    fields: dict[str, object] = {
        "id": name,
        "site": SITE,
        "source": PANEL,
        "kind": kind,
        "params": {"minutes": 10} if kind == "duty_check" else {},
        "asked_at": at,
        "asked_by": "duty",
        "expires_at": at + timedelta(minutes=5),
        "sent_at": at,
        "outcome": "",
        "outcome_at": None,
        "answer": {},
        "answer_by": None,
        "answered_at": None,
        **more,
    }
    return FireCommand(**fields)


def outage(name: str, began_at: datetime, address: str = SHIELDED, **more: object) -> FireOutage:
    """A shielded component."""
    fields: dict[str, object] = {
        "id": name,
        "site": SITE,
        "component": f"{SITE}/{PANEL}/{address}",
        "kind": "shield",
        "began_at": began_at,
        "ended_at": None,
        "prompted_at": None,
        "filed": None,
        "measures": "",
        "noted_by": None,
        "noted_at": None,
        **more,
    }
    return FireOutage(**fields)


def mode(name: str, begun_at: datetime, until: datetime, zone: str = "") -> FireTestMode:
    """A test mode that two people began."""
    return FireTestMode(
        id=name, site=SITE, panel=PANEL, zone=zone, reason="月度探测器测试", begun_at=begun_at, begun_by="duty",
        second="supervisor", until=until, ended_at=None, ended_by=None,
    )  # fmt: skip


def seed(s: Session, config: SiteConfig, now: datetime) -> FireIncident:
    """A day at the desk: a fire not yet confirmed, a fault, an old shield, something unknown, a duty check."""
    minute = timedelta(minutes=1)
    online(s, now)
    began = now - minute
    row = incident(s, config, began)
    low = {"zone": "building-1-low"}
    s.add_all(
        [
            component(SMOKE, began, "fire", point="b1-f3-smoke", **low),
            component(SHIELDED, now - 1600 * minute, "shield", point="b1-f1-call", **low),
            component("02000300", now - 90 * minute, "fault", building="building-2", zone="building-2",
                      point="b2-f3-smoke"),
            component(UNKNOWN, now - 30 * minute, "supervisory", text="消防水池液位低"),
            component("self", now - 300 * minute, "mains_fault", component_type=None, system_type=None),
            signal("f1", began, SMOKE, "fire", incident_id=row.id),
            signal("u1", now - 30 * minute, UNKNOWN, "supervisory", zone="", text="消防水池液位低",
                   marks=["unknown_type"]),
            signal("x1", now - 40 * minute, "self", scope="unparsed", zone="", raw="3c3e", marks=["unparsed"]),
            signal("t1", now - 50 * minute, SMOKE, "fire", test=True),
            signal("o1", now - 55 * minute, "self", scope="operation", zone="", operations=["reset"],
                   body={"operator": 3}),
            outage("o1", now - 1600 * minute, prompted_at=now - 160 * minute),
            outage("o2", now - 9000 * minute, "01000200", ended_at=now - 5000 * minute, filed=True,
                   measures="派人值守"),
            command("c1", now - 120 * minute, outcome="confirmed", outcome_at=now - 120 * minute,
                    answered_at=now - 117 * minute, answer={"operator": 7}),
            command("c2", now - 60 * minute, "utd_time", outcome="answered", outcome_at=now - 60 * minute,
                    answer={"objects": [{"panel_at": format_at(to_ms(now - 62 * minute))}]}),
            command("c3", now - 58 * minute, "utd_version", outcome="answered", outcome_at=now - 58 * minute,
                    answer={"objects": [{"version": "1.2", "scope": "info"}]}),
            FireTest(id="t1", site=SITE, device="b1-f3-smoke", kind="smoke", passed=True, at=now, by="engineer-fire",
                     tested_on=now.date(), note="", signal_id=f"{SITE}/{PANEL}/t1"),
            FireTest(id="t2", site=SITE, device="ext-b1-f1", kind="visual", passed=False, at=now, by="engineer-fire",
                     tested_on=now.date(), note="压力不足", signal_id=None),
            FireDrill(id="d1", site=SITE, held_on=now.date() - timedelta(days=90), owners=12, staff=5,
                      items=["evacuation"], place="1号楼", note="", by="supervisor", at=now - timedelta(days=90)),
        ]
    )  # fmt: skip
    s.flush()
    return row

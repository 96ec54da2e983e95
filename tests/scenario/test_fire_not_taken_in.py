"""What must not be believed, or not be told a thousand times: old records, strangers' resets, bursts, silent lines."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from scenario.blaze import GATEWAY, HALL, LOBBY, PANEL, UTD, Blaze, blaze_site
from scenario.conftest import quicken
from scenario.site import with_changes

from gateway.contract.times import to_ms
from gateway.site.fire import Source
from services.device.tables import DeviceState
from services.flows.fire import link as fire_link
from services.kernel.db import Database
from services.kernel.heartbeat import beat

Blazes = Callable[..., Blaze]
RECORD = {"scope": "operation", "complete": False, "marks": ["reply"]}
STRANGER = {"device": GATEWAY, "panel": None, "marks": ["unknown_source"]}


@pytest.fixture
def blazes(one_db: Database) -> Blazes:
    """Opens a blaze at the small site, or at the one given."""
    quicken(one_db)
    return lambda config=None, **site: Blaze(one_db, config or blaze_site(**site), "2026-11-21 02:00")


@pytest.mark.parametrize("operation", ["reset", "normal", "cleared"])
def test_old_records_that_we_asked_for_end_nothing(blazes: Blazes, operation: str) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.says(None, operations=[operation], **RECORD)
    assert blaze.holds(HALL) == ["fire"]
    assert "reset" not in blaze.story()
    assert blaze.replayed(HALL).states.keys() == {"fire"}


def test_an_old_record_of_a_manual_alarm_is_no_fire_and_one_told_by_itself_is(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.says(None, operations=["manual_alarm"], **RECORD)
    assert blaze.incidents() == []
    blaze.says(None, scope="operation", complete=False, operations=["manual_alarm"])
    assert blaze.stage() == "unconfirmed"


def test_a_strangers_reset_is_about_its_own_components(blazes: Blazes) -> None:
    blaze = blazes()
    for sender in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        blaze.burns(f"{sender}:01000100", sender=sender, **STRANGER)
    reset = {"scope": "operation", "complete": False, "operations": ["reset"], "sender": "bbbbbbbbbbbb"}
    blaze.says("bbbbbbbbbbbb:self", **STRANGER, **reset)
    assert blaze.holds("aaaaaaaaaaaa:01000100", GATEWAY) == ["fire"]
    assert blaze.holds("bbbbbbbbbbbb:01000100", GATEWAY) == []


def test_a_detector_outside_the_ledger_is_a_second_signal_of_any_zone(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(LOBBY)
    blaze.burns("ff00ff00")
    assert blaze.stage() == "large second_signal"


def test_a_burst_of_supervisory_states_is_one_alert_beyond_the_first_ones(blazes: Blazes) -> None:
    blaze = blazes()
    for number in range(300):
        blaze.says(f"0{number:03d}0000", "supervisory", deliver=False)
    blaze.hear()
    targets = [one.target.rpartition("/")[2] for one in blaze.alerts("FIRE-SUPERVISORY")]
    assert len(targets) == 11
    assert f"{PANEL}:supervisory" in targets
    for number in range(300):
        blaze.says(f"0{number:03d}0000", deliver=False)
    blaze.hear()
    assert not [one for one in blaze.alerts("FIRE-SUPERVISORY") if one.active]


def test_a_line_of_which_no_byte_came_is_no_connection_however_patient_we_are(blazes: Blazes) -> None:
    site = blaze_site()
    line = Source(id=UTD, protocol="text", format="any", port="/dev/ttyS9", offline_after=timedelta(hours=12))
    blaze = blazes(with_changes(site, fire=site.fire.model_copy(update={"sources": (line,)})))

    def look(online: bool | None) -> list[bool]:
        with blaze.db.begin() as s:
            heard = DeviceState(device=f"blaze/{UTD}", heard_ms=to_ms(blaze.now), event_ms=to_ms(blaze.now))
            heard.online, heard.ahead_ms = online, 0
            s.merge(heard)
            beat(s, "ingest", "test", blaze.now + timedelta(seconds=1), sites=["blaze"], hearing_s=3600.0, deaf_s=0.0)
            fire_link.look(s, blaze.config, blaze.now)
        return [one.active for one in blaze.alerts("FIRE-LINK")]

    assert look(None) == [True], "something was said about it, and nothing by it"
    blaze.clock.advance(timedelta(seconds=2))
    assert look(True) == [False]

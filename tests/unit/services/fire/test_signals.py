"""Events bound to the ledger."""

from typing import Any

import pytest
from scenario.blaze import FLAT, GATEWAY, PANEL, UTD, blaze_site

from gateway.contract.heard import Heard
from services.fire import signals
from services.fire.model import Signal

CONFIG = blaze_site()


def bound(device: str = UTD, **body: Any) -> Signal:
    event = Heard("blaze", device, "fire", "b1-7", "b1", 7, 1_000, body=body, at_ms=1_000)
    return signals.signal_of(signals.Places(CONFIG), event)


@pytest.mark.parametrize(
    ("device", "body", "component"),
    [
        (UTD, {"panel": PANEL, "address": FLAT}, "blaze/panel-3/12-2"),
        (UTD, {"panel": PANEL, "scope": "system", "system_address": 0}, "blaze/panel-3/system:0"),
        (UTD, {"panel": PANEL, "scope": "operation", "system_address": 3}, "blaze/panel-3/self"),
        (UTD, {"scope": "transmitter"}, "blaze/utd-1/self"),
        (GATEWAY, {"sender": "aa", "scope": "system", "system_address": 1}, "blaze/gateway-1/aa:system:1"),
        (GATEWAY, {"sender": "aa", "address": "aa:0a000200"}, "blaze/gateway-1/aa:0a000200"),
    ],
)
def test_where_a_signal_is_filed(device: str, body: dict[str, Any], component: str) -> None:
    assert bound(device, **body).component == component


def test_a_point_brings_its_zone_and_building_and_an_unknown_one_that_of_its_panel() -> None:
    known, unknown = bound(panel=PANEL, address=FLAT), bound(panel=PANEL, address="99-9")
    assert (known.building, known.zone, known.point) == ("block-3", "floor-12", "point-12-2")
    assert (unknown.building, unknown.zone, unknown.point) == ("block-3", "", "")


def test_what_no_column_holds_stays_in_the_body_and_nonsense_stops_nothing() -> None:
    signal = bound(address="x" * 80, panel="p" * 64, loop=3, complete=True, system_type="fas", panel_at="yesterday")
    assert signal.body == {"loop": 3, "complete": True}
    assert (signal.system_type, signal.panel_at) == (None, None)
    assert len(signal.component) == len(bound(address="y" * 80, panel="p" * 64).component) <= 160

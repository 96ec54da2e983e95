"""Short ways to build what tests need; every default is the calm, documented case."""

from typing import Any

from gateway.site.limit import Limit

POINT = "yunhe/dom-low-outlet"


def make_limit(**changes: Any) -> Limit:
    """NUM-01 as AMB-01 reads it, around 0.45 MPa, without the median filter unless asked for."""
    values: dict[str, Any] = {
        "id": "NUM-01",
        "variant": "",
        "kind": "deviation",
        "point": POINT,
        "site": "yunhe",
        "title": "压力偏离",
        "title_en": "pressure deviation",
        "source": "test",
        "unit": "MPa",
        "threshold": 0.1,
        "return_threshold": 0.09,
        "severe_threshold": None,
        "resolution": 0.001,
        "set_value": 0.45,
        "on_delay_ms": 10_000,
        "off_delay_ms": 60_000,
        "min_count": 1,
        "window_ms": 0,
        "median_of": 1,
        "hold_last": False,
        "stale_after_ms": 30_000,
        "valid_min": None,
        "valid_max": None,
        "severity": "medium",
        "severe_severity": "critical",
        "latching": False,
        "suspend_while": (),
        "loosened_reason": None,
        "policy": "pump_pressure",
    }
    return Limit(**(values | changes))

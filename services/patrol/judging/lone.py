"""When a guard who walks alone is asked whether he is well."""


def check_in_due(last_tap_ms: int, leg_p95_s: float | None, grace_ms: int, default_s: float) -> int:
    """The moment, in epoch milliseconds: the leg's usual time, else the default, and the grace after his last tap."""
    usual_s = default_s if leg_p95_s is None else leg_p95_s
    return last_tap_ms + round(usual_s * 1000) + grace_ms

"""What makes a limit's numbers sensible, and one limit looser than another."""

from collections.abc import Callable, Collection

from gateway.contract.units import UNITS
from gateway.site.catalogue import LimitSpec
from gateway.site.limit import SEVERITIES
from gateway.site.problems import Problems, Spot

_WITH_THRESHOLD = ("high", "low", "deviation")


def check_spec(
    spec: LimitSpec, at: Callable[..., Spot], problems: Problems, only: Collection[str] | None = None
) -> None:
    """Note numbers that contradict each other; with `only`, those that involve one of these keys."""

    def concerns(*keys: str) -> bool:
        return only is None or any(key in only for key in keys)

    if spec.kind in _WITH_THRESHOLD:
        if spec.threshold is None:
            problems.add(at("threshold"), "threshold_missing", kind=spec.kind, word="threshold")
        if concerns("unit") and spec.unit not in UNITS:
            problems.add_unknown(at("unit"), "unknown_unit", spec.unit, UNITS)
        if concerns("threshold", "return_threshold"):
            _check_return(spec, at, problems)
        if concerns("threshold", "severe_threshold"):
            _check_severe(spec, at, problems)
        for key in ("threshold", "return_threshold", "severe_threshold"):
            if concerns(key):
                _check_grid(spec, key, at, problems)
    else:
        for key in ("threshold", "return_threshold", "severe_threshold"):
            if concerns(key) and getattr(spec, key) is not None:
                problems.add(at(key), "threshold_unwanted", kind=spec.kind, word=key)
    if concerns("stale_after") and spec.stale_after is not None and spec.kind != "stale":
        problems.add(at("stale_after"), "threshold_unwanted", kind=spec.kind, word="stale_after")
    if concerns("min_count", "window") and spec.min_count > 1 and not spec.window:
        problems.add(at("window"), "window_missing")


def _check_return(spec: LimitSpec, at: Callable[..., Spot], problems: Problems) -> None:
    back, threshold = spec.return_threshold, spec.threshold
    if back is None or threshold is None:
        return
    if spec.kind == "low" and back < threshold:
        bound, example = f"≥ {threshold:g}", threshold * 1.1
    elif spec.kind != "low" and back > threshold:
        bound, example = f"≤ {threshold:g}", threshold * 0.9
    elif spec.kind == "deviation" and back < 0:
        bound, example = "≥ 0", threshold * 0.9
    else:
        return
    problems.add(
        at("return_threshold"),
        "return_side",
        value=f"{back:g}",
        threshold=f"{threshold:g}",
        bound=bound,
        example=f"{_on_grid(example, spec.resolution):g}",
    )


def _on_grid(value: float, step: float | None) -> float:
    return round(value / step) * step if step else value


def _check_severe(spec: LimitSpec, at: Callable[..., Spot], problems: Problems) -> None:
    severe, threshold = spec.severe_threshold, spec.threshold
    if severe is None or threshold is None:
        return
    if severe <= threshold if spec.kind != "low" else severe >= threshold:
        sign = "<" if spec.kind == "low" else ">"
        problems.add(
            at("severe_threshold"),
            "severe_side",
            value=f"{severe:g}",
            threshold=f"{threshold:g}",
            bound=f"{sign} {threshold:g}",
        )


def _check_grid(spec: LimitSpec, key: str, at: Callable[..., Spot], problems: Problems) -> None:
    value, step = getattr(spec, key), spec.resolution
    if value is None or step is None:
        return
    steps = value / step
    if abs(steps - round(steps)) > 1e-6:
        problems.add(at(key), "off_grid", value=f"{value:g}", step=f"{step:g}")


def _looser(kind: str, base: float | None, new: float | None) -> bool:
    if base is None:
        return False
    if new is None:
        return True
    return new < base if kind == "low" else new > base


def is_tighter(spec: LimitSpec, base: LimitSpec) -> bool:
    """Whether an added band lies inside the documented limit; silence and range have no bands but shorter ones."""
    if base.kind == "stale":
        return spec.stale_after is not None and (base.stale_after is None or spec.stale_after < base.stale_after)
    return spec.threshold != base.threshold and not _looser(spec.kind, base.threshold, spec.threshold)


def looser_keys(base: LimitSpec, new: LimitSpec) -> list[str]:
    """The keys in which a changed limit is looser than the documented one."""
    kind = base.kind
    checks = {
        "threshold": _looser(kind, base.threshold, new.threshold),
        "severe_threshold": _looser(kind, base.severe_threshold, new.severe_threshold),
        "on_delay": new.on_delay > base.on_delay,
        "min_count": new.min_count > base.min_count,
        "median_of": new.median_of > base.median_of,
        "stale_after": base.stale_after is not None
        and new.stale_after is not None
        and new.stale_after > base.stale_after,
        "severity": SEVERITIES.index(new.severity) < SEVERITIES.index(base.severity),
        "severe_severity": SEVERITIES.index(new.severe_severity) < SEVERITIES.index(base.severe_severity),
        "latching": base.latching is True and new.latching is False,
    }
    return [key for key, looser in checks.items() if looser]

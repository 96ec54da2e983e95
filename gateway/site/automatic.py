"""Limits that attach by themselves wherever a point allows it: silence, range, and what shows a broken sensor."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from gateway.site.catalogue import AppliesTo, LimitSpec, Source
from gateway.site.limit import Kind
from gateway.site.model import Point
from gateway.site.policies import DATA_POLICY
from gateway.site.profile import Profile
from gateway.site.sensors import Sensor

_OURS = Source(document="更夫内置规则", section="数据可信")


def _ours(name: str, kind: Kind, title: str, title_en: str, requirement: str, *defaults: str, **more: Any) -> LimitSpec:
    """A limit that the documents do not ask for; `defaults`: keys besides the severity whose values are ours."""
    return LimitSpec(
        id=f"DATA-{name}",
        kind=kind,
        title=title,
        title_en=title_en,
        requirement=requirement,
        source=_OURS,
        our_defaults=(*defaults, "severity"),
        applies_to=AppliesTo(),
        policy=DATA_POLICY,
        **{"severity": "medium"} | more,
    )


STALE = _ours(
    "STALE", "stale", "数据中断", "No data", "没有数据不等于数据正常：超过失联时间没有读数即告警。",
)  # fmt: skip
RANGE = _ours(
    "RANGE", "range", "读数超出量程", "Sensor out of range",
    "读数超出有效范围说明传感器有问题，不当作真实工况判断。",
)  # fmt: skip
STUCK = _ours(
    "STUCK", "stuck", "读数不动", "Sensor stuck",
    "有读数但长时间一点不变，按传感器卡死处理，不当作真实工况判断。",
)  # fmt: skip
RATE = _ours(
    "RATE", "rate", "读数跳变", "Impossible changes",
    "变化快得不可能真实发生：10 分钟内跳变 4 次按传感器故障处理；一个尖峰只跳变 2 次，不告警。",
    "min_count", "window", "off_delay",
    min_count=4, window=timedelta(minutes=10), off_delay=timedelta(minutes=5),
)  # fmt: skip
TWIN = _ours(
    "TWIN", "twin", "与比对测点不一致", "Disagrees with its twin",
    "测同一处的两个传感器读数相差过大，至少有一个漂移，请现场比对。",
    "on_delay", "off_delay",
    on_delay=timedelta(minutes=5), off_delay=timedelta(minutes=5),
)  # fmt: skip
LOOP = _ours(
    "LOOP", "loop", "传感器回路故障", "Sensor loop fault",
    "回路电流低于 3.6 mA 或高于 21 mA：断线、短路或变送器损坏，不是读数（NAMUR NE 43）。",
    "off_delay",
    off_delay=timedelta(minutes=1), severity="high",
)  # fmt: skip
AUTOMATIC = (STALE, RANGE, STUCK, RATE, TWIN, LOOP)
_TWIN_BACK = 0.8
"""Twins agree again within this part of what they may differ."""


class Numbers(NamedTuple):
    """The numbers of a limit where the point has a say in them."""

    threshold: float | None
    return_threshold: float | None
    resolution: float | None
    on_delay: timedelta
    twin: str = ""


def looped_points(sensors: Iterable[Sensor], profiles: Iterable[Profile]) -> frozenset[str]:
    """Ids of points whose sensor sends a current: it can say that its loop is broken."""
    loops = {one.id: {metric.name for metric in one.metrics if metric.loop is not None} for one in profiles}
    return frozenset(
        point for one in sensors for metric, point in one.points.items() if metric in loops.get(one.profile, ())
    )


def is_asked_for(spec: LimitSpec, point: Point, *, looped: bool) -> bool:
    """Whether a point gives a limit of this kind anything to look at."""
    if spec.kind == "stale":
        return point.interval is not None
    if spec.kind == "range":
        return point.valid_min is not None or point.valid_max is not None
    if spec.kind == "stuck":
        return point.stuck_after is not None
    if spec.kind == "rate":
        return point.max_rate is not None
    if spec.kind == "twin":
        return point.twin is not None and point.twin_within is not None
    return spec.kind != "loop" or looped


def numbers_of(spec: LimitSpec, point: Point, site: str) -> Numbers:
    """What a limit on this point compares with; a limit on the sensor takes it from the point."""
    step = 10.0**-point.decimals
    if spec.kind == "stuck" and point.stuck_after is not None:
        return Numbers(None, None, spec.resolution or step, point.stuck_after)
    if spec.kind == "rate":
        return Numbers(point.max_rate, point.max_rate, step, spec.on_delay)
    if spec.kind == "twin" and point.twin_within is not None:
        key = f"{site}/{point.twin}"
        return Numbers(point.twin_within, _TWIN_BACK * point.twin_within, None, spec.on_delay, key)
    back = spec.threshold if spec.return_threshold is None else spec.return_threshold
    return Numbers(spec.threshold, back, spec.resolution, spec.on_delay)

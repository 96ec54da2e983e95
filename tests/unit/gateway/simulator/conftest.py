"""A small site with one of each: two pressures and a level on one device, a main on another, a panel without points."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.site.equipment import Equipment
from gateway.site.limit import Limit
from gateway.site.model import Area, Device, Person, Point, Site, SiteConfig
from gateway.site.patrol import Checkpoint, Leg, Patrol, Position, Question, Route, Schedule, Shift, Span, Stop, Tag
from gateway.site.terms import Quantity

START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def make_point(
    point: str, device: str, equipment: str, unit: str, quantity: Quantity, set_value: float | None, seconds: int
) -> Point:
    return Point(
        id=point, device=device, equipment=equipment, name=f"测点 {point}", name_en=point, unit=unit, quantity=quantity,
        set_value=set_value, interval=timedelta(seconds=seconds) if seconds else None,
        valid_min=0.0, valid_max=1.6 if quantity == "pressure" else 4.0,
    )  # fmt: skip


def make_limit(point: str, variant: str, threshold: float) -> Limit:
    return Limit(
        id="NUM-01", variant=variant, kind="deviation", point=f"shaoxing/{point}", site="shaoxing", title="压力",
        title_en="pressure", source="《…》", unit="MPa", threshold=threshold, return_threshold=threshold - 0.01,
        severe_threshold=None, resolution=0.001, set_value=None, on_delay_ms=10_000, off_delay_ms=60_000, min_count=1,
        window_ms=0, median_of=5, hold_last=False, stale_after_ms=15_000, valid_min=None, valid_max=None,
        severity="high", severe_severity="high", latching=False, suspend_while=(), loosened_reason=None, policy="p",
    )  # fmt: skip


@pytest.fixture(scope="session")
def config() -> SiteConfig:
    return SiteConfig(
        site=Site(id="shaoxing", name="绍兴小区", name_en="Shaoxing", timezone="Asia/Shanghai"),
        areas=(Area(id="pump-room", name="泵房", kind="pump_room"),),
        equipment=(
            Equipment(id="pumps", name="生活泵", kind="pump_set", area="pump-room"),
            Equipment(id="main", name="喷淋主管", kind="fire_main", area="pump-room"),
            Equipment(id="fire-pump", name="消防泵", kind="fire_pump", area="pump-room"),
        ),
        devices=(
            Device(id="dtu-1", name="生活泵房采集器", name_en="domestic DTU", area="pump-room", kind="dtu"),
            Device(id="dtu-2", name="消防泵房采集器", area="pump-room", kind="dtu"),
            Device(
                id="panel", name="火灾报警控制器", area="pump-room", kind="fire-panel", heartbeat=timedelta(seconds=60)
            ),
            Device(id="clipboard", name="抄表本", area="pump-room", kind="paper"),
        ),
        points=(
            make_point("dom-low-outlet", "dtu-1", "pumps", "MPa", "pressure", 0.45, 2),
            make_point("dom-high-outlet", "dtu-1", "pumps", "MPa", "pressure", 0.85, 2),
            make_point("dom-tank-level", "dtu-1", "pumps", "m", "level", None, 10),
            make_point("sprinkler-main", "dtu-2", "main", "MPa", "pressure", 0.6, 5),
            make_point("fire-pump-run", "dtu-2", "fire-pump", "1", "run_state", None, 5),
            make_point("box-insulation", "clipboard", "pumps", "MΩ", "insulation", None, 0),
        ),
        limits=tuple(
            make_limit(point, variant, threshold)
            for point in ("dom-low-outlet", "dom-high-outlet", "sprinkler-main")
            for variant, threshold in (("", 0.1), ("warning", 0.05))
        ),
    )


@pytest.fixture(scope="session")
def start() -> datetime:
    return START


def make_checkpoint(name: str, x_m: float, floor: int, *questions: Question, tag: bool = True) -> Checkpoint:
    return Checkpoint(
        id=name, name=f"点 {name}", name_en=name, area="pump-room", code=f"C-{name.upper()}",
        tags=(Tag(uid=f"04:00:00:00:00:00:{len(name):02X}"),) if tag else (), questions=questions,
        position=Position(x_m=x_m, y_m=0, floor=floor),
    )  # fmt: skip


@pytest.fixture(scope="session")
def patrolled(config: SiteConfig) -> SiteConfig:
    """The same site with patrol: a loop of six by day, a walk with due times at night, a walk for two."""
    places = (
        make_checkpoint("gate", 0, 0, tag=False),
        make_checkpoint("lobby", 60, 0, Question(id="rail", text="扶手", expect=True)),
        make_checkpoint(
            "roof", 60, 10, Question(id="door", text="门", kind="choice", choices=("关", "开"), good=("关",))
        ),
        make_checkpoint("garage", 90, -1, Question(id="pressure", text="压力", kind="number", unit="MPa", minimum=0.6)),
        make_checkpoint("pump-room", 95, -1),
        make_checkpoint("yard", 200, 0),
    )
    ids = [place.id for place in places]
    loop = Route(
        id="loop", name="环线", name_en="loop", stops=tuple(Stop(checkpoint=one) for one in ids),
        legs=(Leg(start="lobby", end="roof", minimum=timedelta(seconds=90), maximum=timedelta(minutes=5)),),
    )  # fmt: skip
    dues = ((ids[0], 0), (ids[1], 10), (ids[5], 25))
    night = Route(
        id="night", name="夜线", stops=tuple(Stop(checkpoint=one, due=timedelta(minutes=due)) for one, due in dues)
    )
    pair = Route(
        id="pair", name="联合", roles=("guard", "supervisor"), stops=(Stop(checkpoint="gate"), Stop(checkpoint="yard"))
    )
    return config.model_copy(
        update={
            "devices": (*config.devices, Device(id="app", name="手机", area="pump-room", kind="patrol_app")),
            "people": (
                Person(username="li", name="早班岗", name_en="Li", role="guard"),
                Person(username="wu", name="夜班岗", role="guard"),
                Person(username="he", name="主管", role="supervisor"),
            ),
            "patrol": Patrol(
                checkpoints=places,
                routes=(loop, night, pair),
                shifts=(
                    Shift(id="day", name="早班", start="07:00", duration=timedelta(hours=16), people=("li",)),
                    Shift(id="night", name="夜班", start="23:00", duration=timedelta(hours=8), people=("wu",)),
                ),
                schedules=(
                    Schedule(
                        id="loop", route="loop", every=timedelta(minutes=30), duration=timedelta(minutes=20),
                        window=Span(start="07:00", end="23:00"),
                    ),
                    Schedule(
                        id="night", route="night", shift="night", at=("23:50", "03:00"), duration=timedelta(minutes=30)
                    ),
                    Schedule(id="pair", route="pair", at=("20:00",), duration=timedelta(minutes=20)),
                ),
            ),
        }
    )  # fmt: skip

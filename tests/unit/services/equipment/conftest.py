"""A site of this slice's own: three areas, the three levels, a pump and a lift, two fire points, one appliance."""

from datetime import UTC, datetime

import pytest

from gateway.site.equipment import Equipment
from gateway.site.fire import Appliance, Fire, FirePoint, Panel, Source, Zone
from gateway.site.model import Area, Device, Person, Point, Site, SiteConfig

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SITE = "hill"


@pytest.fixture
def config() -> SiteConfig:
    """The site."""
    return SiteConfig(
        site=Site(id=SITE, name="山语", timezone="Asia/Shanghai", console_url="https://gengfu.example"),
        areas=(
            Area(id="b1", name="1号楼", name_en="Building 1", kind="building"),
            Area(id="pump", name="泵房", kind="pump_room", parent="b1"),
            Area(id="b2", name="2号楼", kind="building"),
        ),
        people=(
            Person(username="eng", name="设备责任人", role="engineer"),
            Person(username="eng-2", name="2号楼责任人", role="engineer", areas=("b2",)),
            Person(username="sup", name="设备主管", role="supervisor"),
            Person(username="man", name="经理", role="manager"),
        ),
        equipment=(
            Equipment(id="pump-1", name="1号泵", kind="pump_set", area="pump", owner="eng", code="P-1", maker="沪东"),
            Equipment(id="lift-1", name="1号梯", kind="elevator", area="b2"),
            Equipment(id="smoke-1", name="重名", kind="other", area="b1"),
        ),
        devices=(
            Device(id="plc", name="泵房柜", area="pump", kind="plc"),
            Device(id="panel", name="主机", area="b1", kind="fire-panel"),
        ),
        points=(
            Point(id="p1", device="plc", equipment="pump-1", name="出口压力", unit="MPa", quantity="pressure",
                  interval="10s"),
            Point(id="p2", device="plc", name="回水压力", unit="MPa", quantity="pressure", interval="10s"),
        ),
        fire=Fire(
            sources=(Source(id="panel", protocol="gb26875"),),
            panels=(Panel(id="panel", source="panel", building="b1", equipment="pump-1"),),
            zones=(Zone(id="z1", name="一区", area="b1"),),
            points=(
                FirePoint(id="smoke-1", panel="panel", address="1-1", name="1层烟感", kind="smoke", zone="z1"),
                FirePoint(
                    id="valve-1", panel="panel", address="1-2", name="蝶阀", kind="valve", zone="z1", equipment="pump-1"
                ),
            ),
            appliances=(Appliance(id="ext-1", name="灭火器", kind="extinguisher", area="b1"),),
        ),
    )  # fmt: skip


@pytest.fixture
def now() -> datetime:
    """This moment."""
    return NOW

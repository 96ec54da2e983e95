# ruff: noqa: E501 - the table of mistakes reads best with one mistake per line
"""Each mistake in pump stations and view points gives its own clear error: which line, what is wrong, what to write."""

from typing import NamedTuple

import pytest

from gateway.site.load import load_configs
from gateway.site.model import SiteConfig
from gateway.site.problems import SiteInvalid, format_problems
from gateway.site.pump_messages import PUMP_MESSAGES

from .conftest import SiteFiles

PUMPS, CCTV, DEVICES = "sites/demo/pumps.yaml", "sites/demo/cctv.yaml", "sites/demo/devices.yaml"
_PUMPS = """\
stations:
  - id: hydrant
    name: 消火栓系统
    pressure: pressure
    jockeys:
      - {equipment: jockey, run: jockey-run}
    mains:
      - {equipment: pump, run: pump-run}
    level: tank-level
    level_minimum: 1.0
    start_pressure: 0.40
    stop_pressure: 0.50
    main_start_pressure: 0.30
  - id: zone
    name: 低区
    kind: domestic
    pressure: zone-pressure
"""
_CCTV = """\
view_points:
  - {id: gate, name: 大门, area: building-1, cameras: [camera-online, camera-online-2]}
  - {id: stairs, name: 车库梯间, area: garage, cameras: [camera-online]}
coverage: {device: meter, equipment: main}
"""
_POINTS = """\
  - {id: zone-pressure, device: plc, name: 低区压力, quantity: pressure, unit: MPa, interval: 2s, set_value: 0.4}
  - {id: tank-level, device: plc, name: 水池液位, quantity: level, unit: m, interval: 30s}
  - {id: camera-online, device: plc, name: 摄像头在线, quantity: online, unit: "1", interval: 1min}
  - {id: camera-online-2, device: plc, name: 摄像头在线, quantity: online, unit: "1", interval: 1min}
"""


@pytest.fixture
def files(site_files: SiteFiles) -> SiteFiles:
    """The small site with a pump station and two view points."""
    site_files.write(DEVICES, (site_files.root / DEVICES).read_text("utf-8") + _POINTS)
    site_files.write(PUMPS, _PUMPS)
    site_files.write(CCTV, _CCTV)
    return site_files


def demo(files: SiteFiles) -> SiteConfig:
    return load_configs(files.root).site("demo")


def test_the_small_site_is_good_and_has_its_derived_points(files: SiteFiles) -> None:
    config = demo(files)
    made = {one.id: one for one in config.points if one.derived}
    assert {"hydrant-starts", "hydrant-decay", "pump-no-rise", "pump-dry-run", "cctv-coverage"} <= set(made)
    assert (made["hydrant-starts"].equipment, made["pump-no-rise"].equipment) == ("jockey", "pump")
    assert made["cctv-coverage"].device == "meter"
    assert not [one.id for one in made.values() if one.id.startswith("zone")]


class Bad(NamedTuple):
    old: str
    new: str
    place: str
    message: str
    suggestion: str
    file: str = PUMPS


CASES = [
    Bad("    pressure: pressure\n", "    pressure: presure\n", "stations[0].pressure", "presure", "pressure"),
    Bad("    pressure: pressure\n", "    pressure: tank-level\n", "stations[0].pressure", "quantity 是 level", "pressure"),
    Bad("run: jockey-run", "run: pressure", "stations[0].jockeys[0].run", "需要 run_state", "run_state"),
    Bad("equipment: pump,", "equipment: pmup,", "stations[0].mains[0].equipment", "pmup", "pump"),
    Bad("level: tank-level", "level: pump-run", "stations[0].level", "需要 level", "level"),
    Bad("run: pump-run}", "run: pump-run, current: tank-level}", "stations[0].mains[0].current", "需要 current", "current"),
    Bad("run: pump-run}", "run: pump-run, auto: tank-level}", "stations[0].mains[0].auto", "需要 run_state", "run_state"),
    Bad("    level: tank-level\n", "    level: tank-level\n    flow: tank-level\n", "stations[0].flow", "需要 flow", "flow"),
    Bad("    level: tank-level\n", "", "stations[0].level_minimum", "没有 level", "液位测点"),
    Bad("start_pressure: 0.40", "start_pressure: 0.50", "stations[0].start_pressure", "不低于停泵压力", "小于 stop_pressure"),
    Bad("main_start_pressure: 0.30", "main_start_pressure: 0.45", "stations[0].main_start_pressure", "不低于稳压泵启泵压力", "小于 start_pressure"),
    Bad("    jockeys:\n      - {equipment: jockey, run: jockey-run}\n", "", "stations[0].start_pressure", "没有稳压泵", "jockeys"),
    Bad("main_start_pressure: 0.30", "rise_within: 0s", "stations[0].rise_within", "大于 0", "30s"),
    Bad("    pressure: zone-pressure\n", "    pressure: pressure\n", "stations[1].pressure", "已经属于泵组 hydrant", "只写在一个泵组"),
    Bad("    pressure: zone-pressure\n", "    pressure: zone-pressure\n    mains: [{equipment: pump, run: jockey-run}]\n", "stations[1].mains[0].equipment", "pump 已经属于", "只写在一个泵组"),
    Bad("    kind: domestic\n", "", "stations[1]", "没有泵", "mains"),
    Bad("id: tank-level,", "id: hydrant-starts,", "stations[0].id", "hydrant-starts 是系统自己计算的", "换一个 id", DEVICES),
    # Cameras
    Bad("cameras: [camera-online]", "cameras: [camera-onlin]", "view_points[1].cameras[0]", "camera-onlin", "camera-online", CCTV),
    Bad("cameras: [camera-online]", "cameras: [tank-level]", "view_points[1].cameras[0]", "需要 online", "online", CCTV),
    Bad("cameras: [camera-online]", "cameras: [camera-online, camera-online]", "view_points[1].cameras[1]", "写了两次", "留下一个", CCTV),
    Bad("area: garage", "area: garag", "view_points[1].area", "garag", "garage", CCTV),
    Bad("cameras: [camera-online]}", "cameras: [camera-online], size: 20}", "view_points[1].size", "一部分视点", "全部", CCTV),
    Bad("equipment: main", "equipment: mian", "coverage.equipment", "mian", "main", CCTV),
    Bad("device: meter", "device: metre", "coverage.device", "metre", "meter", CCTV),
    Bad("id: tank-level,", "id: cctv-coverage,", "coverage.id", "cctv-coverage 是系统自己计算的", "换一个 id", DEVICES),
]  # fmt: skip


@pytest.mark.parametrize("bad", CASES, ids=[f"{one.place}-{number}" for number, one in enumerate(CASES)])
def test_each_mistake_is_named(files: SiteFiles, bad: Bad) -> None:
    files.change(bad.file, bad.old, bad.new)
    with pytest.raises(SiteInvalid) as caught:
        load_configs(files.root)
    here = [one for one in caught.value.problems if one.place == bad.place]
    found = [one for one in here if bad.message in one.message and bad.suggestion in one.suggestion]
    assert len(found) == 1, format_problems(caught.value.problems)
    assert found[0].line is not None


def test_coverage_without_view_points(files: SiteFiles) -> None:
    files.write(CCTV, "view_points: []\ncoverage: {device: meter}\n")
    assert [one.code for one in files.problems()] == ["cctv_no_views"]


def test_a_view_point_that_no_camera_sees_is_allowed(files: SiteFiles) -> None:
    files.change(CCTV, "cameras: [camera-online]", "cameras: []")
    assert demo(files).cctv.view_points[1].cameras == ()


def test_every_text_is_reached(files: SiteFiles) -> None:
    reached: set[str] = {"cctv_no_views"}
    for bad in CASES:
        before = (files.root / bad.file).read_text("utf-8")
        files.change(bad.file, bad.old, bad.new)
        reached |= {one.code for one in files.problems()}
        files.write(bad.file, before)
    assert set(PUMP_MESSAGES) <= reached

"""An engineer's phone in a real browser: a checklist filled without network, begun on one page and ended on another."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from browser import PHONE_WITHIN_MS, Network, carried, opened, phone_of
from console import SITE, START, Console
from inspected import UPKEEP, entry, task
from phone import with_door
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from gateway.site.model import Configs, SiteConfig
from services.equipment.tables import Equipment
from services.kernel.db import Database
from services.maintenance.tables import Inspection, MaintenanceTask
from services.patrol.tables import Photo
from services.work_order.tables import WorkOrder

HOUR = timedelta(hours=1)


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    whole = found.configs.site(SITE)
    site = SiteConfig(**{name: getattr(whole, name) for name in SiteConfig.model_fields} | {"upkeep": UPKEEP})
    configs = Configs(**{name: getattr(found.configs, name) for name in Configs.model_fields} | {"sites": {SITE: site}})
    found.configs = configs
    found.app.state.services = replace(found.app.state.services, configs=configs)
    with_door(found)
    with found.db.begin() as s:
        task(s, entry(s, site, "domestic-low-set", START), "pump-daily", START - 30 * HOUR, plan="pump-day")
        task(s, entry(s, site, "domestic-high-set", START), "pump-daily", START - 2 * HOUR, plan="pump-day")
        task(s, entry(s, site, "box-1", START), "box-yearly", START - 2 * HOUR, plan="box-year", days=30)
    yield found
    found.close()


@pytest.fixture
def network(console: Console) -> Iterator[Network]:
    with carried(console.app) as between:
        yield between


@pytest.fixture
def phone(chrome: Browser, network: Network) -> Iterator[BrowserContext]:
    with phone_of(chrome, network.address, "engineer-power") as context:
        yield context


def answer(page: Page, item: str, word: str) -> None:
    page.locator(f"#check-{item}").get_by_role("button", name=word, exact=True).click()


def test_a_box_is_inspected_without_network_over_a_reload(
    console: Console, network: Network, phone: BrowserContext
) -> None:
    page = opened(phone)
    expect(page.locator("html[data-kept]")).to_be_attached()
    page.get_by_role("button", name="检查", exact=True).click()
    expect(page.locator(".check-head")).to_contain_text("3 项待检 · 1 项逾期")
    expect(page.locator(".check-row").first).to_contain_text("低区生活变频泵组")

    network.cut()
    phone.set_offline(True)
    with console.db.read() as s:
        label = s.scalars(select(Equipment.tag).where(Equipment.eid == "box-1")).one()
    page.get_by_role("button", name="扫设备标签").click()
    page.get_by_label("编码").fill(label.lower())
    page.get_by_role("button", name="打开").click()
    expect(page.locator("#sheet-title")).to_have_text("1号楼配电箱")
    page.locator("#check-insulation input").first.fill("0.32")
    expect(page.locator("#check-insulation .verdict")).to_contain_text("超出范围")
    page.get_by_role("button", name="目视项全部合格").click()
    page.get_by_role("button", name="再点一次确认：2 项").click()
    page.get_by_role("button", name="完成").click()
    expect(page.locator("#toast")).to_contain_text("请拍照或写明哪里有问题")
    page.locator("#check-insulation .finding input").first.fill("A 相对地")

    page.close()  # the phone fell
    page = opened(phone)
    expect(page.locator("#sheet-title")).to_have_text("1号楼配电箱")
    expect(page.locator("#check-insulation input").first).to_have_value("0.32")
    answer(page, "label", "不合格")
    answer(page, "label", "合格")
    answer(page, "terminals", "不合格")
    page.locator("#check-terminals .finding input").first.fill("A 相松动")
    page.get_by_role("button", name="完成").click()
    expect(page.locator("#toast")).to_contain_text("需要拍照说明哪里有问题")
    answer(page, "terminals", "合格")
    page.locator("#check-instrument input").fill("ZC-25-07")
    pad = page.locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=4)
    page.mouse.up()
    expect(page.locator(".signature")).to_have_class("signature is-signed")
    page.get_by_role("button", name="完成").click()
    expect(page.locator("#flash")).to_contain_text("发现 1 项问题")
    expect(page.locator(".link")).to_have_attribute("data-waiting", "2")
    expect(page.locator(".check-head")).to_be_hidden()
    page.locator("#flash").click()
    page.get_by_role("button", name="检查", exact=True).click()
    expect(page.locator(".check-head")).to_contain_text("2 项待检 · 1 项逾期")

    console.clock.advance(3 * HOUR)
    network.mend()
    phone.set_offline(False)
    expect(page.locator(".link")).to_have_attribute("data-waiting", "0", timeout=PHONE_WITHIN_MS)
    with console.db.read() as s:
        (found,) = s.scalars(select(Inspection))
        (photo,) = s.scalars(select(Photo))
        (order,) = s.scalars(select(WorkOrder))
        done = s.scalars(select(MaintenanceTask).where(MaintenanceTask.inspection_id == found.id)).one()
    assert (found.by, found.findings, found.instrument) == ("engineer-power", ["insulation"], "ZC-25-07")
    assert (found.answers["sign"], found.items[0]["note"]) == ([photo.id], "A 相对地")
    assert photo.content.startswith(b"\xff\xd8")
    assert (order.title, order.priority) == ("1号楼配电箱：绝缘电阻 0.32 MΩ（≥ 0.5 MΩ）", "P2")
    assert done.state == "done"

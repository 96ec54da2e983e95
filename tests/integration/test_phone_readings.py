"""An engineer's phone in a real browser: readings typed in without network, judged on the spot, delivered once."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browser import PHONE_WITHIN_MS, Network, carried, opened, phone_of
from console import SITE, START, Console
from inspected import entry
from phone import FakeDoor, with_door
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gateway.contract.times import parse_at, to_ms
from services.equipment import certificates
from services.equipment.certificates import NewCertificate
from services.kernel.db import Database
from services.measurement import service
from services.measurement.model import Entry

HOUR = timedelta(hours=1)
SHOTS = os.environ.get("GENGFU_TEST_SHOTS", "")


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    with found.db.begin() as s:
        tester = entry(s, found.configs.site(SITE), "insulation-tester", START)
        paper = NewCertificate("calibration", (START - 24 * HOUR).date())
        certificates.add(s, SITE, tester, paper, START, actor="root")
        old = Entry("read-0001", "lobby-1-friction", 0.61, place="入口", condition="dry")
        service.keep(s, SITE, "engineer-power", old, "", START - timedelta(days=200), START - timedelta(days=200))
    yield found
    found.close()


@pytest.fixture
def door(console: Console) -> FakeDoor:
    return with_door(console)


@pytest.fixture
def network(console: Console, door: FakeDoor) -> Iterator[Network]:
    with carried(console.app) as between:
        yield between


@pytest.fixture
def phone(chrome: Browser, network: Network) -> Iterator[BrowserContext]:
    with phone_of(chrome, network.address, "engineer-power") as context:
        yield context


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=f"{SHOTS}/{name}.png")


def test_readings_are_typed_in_without_network_and_arrive_once(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext
) -> None:
    page = opened(phone)
    expect(page.locator("html[data-kept]")).to_be_attached()
    expect(page.locator(".readings-entry")).to_contain_text("录入读数")
    shot(page, "home")

    network.cut()
    phone.set_offline(True)
    page.locator(".readings-entry").click()
    expect(page.locator(".reading-point", has_text="1号楼大堂地砖摩擦系数")).to_contain_text("该复测")
    shot(page, "list")
    page.locator(".reading-point", has_text="1号楼配电箱绝缘电阻").click()
    value = page.locator("#reading-value input")
    value.fill("-3")
    expect(page.locator("#reading-value .verdict")).to_contain_text("不可能的值")
    page.get_by_role("button", name="记录读数").click()
    expect(page.locator("#toast")).to_contain_text("不可能的值")
    value.fill("0,32")
    expect(page.locator("#reading-value .verdict")).to_contain_text("超限")
    page.get_by_role("button", name="记录读数").click()
    expect(page.locator("#toast")).to_contain_text("请填写回路")
    page.locator("#reading-circuit input").fill("WL1")
    page.get_by_role("button", name="绝缘电阻测试仪 2500-3317").click()
    expect(page.locator("#reading-instrument .verdict")).to_contain_text("校准已过期")
    page.get_by_role("button", name="记录读数").click()
    expect(page.locator("#toast")).to_contain_text("请拍照或写明哪里有问题")
    shot(page, "form")

    page.close()  # the phone fell
    page = opened(phone)
    page.locator(".readings-entry").click()
    page.locator(".reading-point", has_text="1号楼配电箱绝缘电阻").click()
    expect(page.locator("#reading-value input")).to_have_value("0.32")
    page.locator(".extras textarea").fill("受潮")
    page.get_by_role("button", name="记录读数").click()
    expect(page.locator("#flash")).to_contain_text("稍后自动发送")
    shot(page, "recorded")
    page.locator("#flash").click()
    expect(page.locator(".link")).to_have_attribute("data-waiting", "1")
    page.locator(".readings-entry").click()
    box = page.locator(".reading-point", has_text="1号楼配电箱绝缘电阻")
    expect(box).to_contain_text("1 条待发送")
    expect(box).to_contain_text("0.32 MΩ")

    page.locator(".reading-point", has_text="1号楼大堂地砖摩擦系数").click()
    expect(page.locator(".check-where")).to_contain_text("请复测")
    page.locator("#reading-value input").fill("0.55")
    expect(page.locator("#reading-value .verdict")).to_contain_text("合格")
    page.get_by_role("button", name="湿", exact=True).click()
    page.get_by_role("button", name="入口", exact=True).click()
    shot(page, "floor")
    page.get_by_role("button", name="记录读数").click()

    console.clock.advance(3 * HOUR)
    network.mend()
    phone.set_offline(False)
    expect(page.locator(".link")).to_have_attribute("data-waiting", "0", timeout=PHONE_WITHIN_MS)
    (one, first), (other, second) = door.readings
    assert (one, other) == ("meter-electrical", "meter-floor")
    assert (first["value"], first["typed"]["circuit"], first["typed"]["instrument"]) == (0.32, "WL1", "2500-3317")
    assert first["typed"]["note"] == "受潮"
    assert (second["value"], second["typed"]["place"], second["typed"]["condition"]) == (0.55, "入口", "wet")
    # By which of the phone's clocks depends on whether page or worker delivers; never by the delivery's own time.
    assert to_ms(START) < parse_at(first["at"]) < parse_at(second["at"]) < to_ms(console.now), "when it was measured"


def test_a_guard_has_no_such_entry(console: Console, network: Network, chrome: Browser) -> None:
    with phone_of(chrome, network.address, "guard") as context:
        page = opened(context)
        expect(page.locator(".section-title").first).to_be_visible()
        expect(page.locator(".readings-entry")).to_have_count(0)

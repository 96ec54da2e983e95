"""The guard's app in a real browser, with Web NFC stubbed at the browser's API: no network, closed pages, dead tabs."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browser import PHONE_WITHIN_MS, WITHIN_S, Network, carried, opened, phone_of
from console import SITE, START, Console, hasher
from phone import FakeDoor, burns, plan_round, tags, with_door
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from services.fire import incidents
from services.flows.patrol import emergency
from services.kernel import timers
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.patrol.tables import Incident, Photo

WEB_NFC = """
window.NDEFReader = class {
  async scan() { window.reader = this; }
};
const ask = navigator.permissions.query.bind(navigator.permissions);
navigator.permissions.query = async (what) => (what.name === "nfc" ? { state: "granted" } : ask(what));
window.holdTo = (serialNumber, url) => {
  const data = url && new DataView(new TextEncoder().encode(url).buffer);
  window.reader.onreading({ serialNumber, message: { records: url ? [{ recordType: "url", data }] : [] } });
};
"""


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
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
    """A phone on which the guard has signed in."""
    with phone_of(chrome, network.address, "guard", script=WEB_NFC) as context:
        yield context


def lost(network: Network, phone: BrowserContext) -> None:
    """No network: the phone notices, and nothing of it gets through."""
    network.cut()
    phone.set_offline(True)


def found(network: Network, phone: BrowserContext, *, but_no_answer_to: bytes = b"") -> None:
    """The network is back."""
    network.mend()
    network.swallow_answers(but_no_answer_to)
    phone.set_offline(False)


def walk_to(page: Page, serial: str, count: int) -> None:
    """Hold the phone to a tag and wait until the phone says that it has it; an open checklist is walked away from."""
    page.evaluate("serial => window.holdTo(serial)", serial)
    expect(page.locator(".link")).to_have_attribute("data-waiting", str(count))
    expect(page.locator("#flash")).to_contain_text("已记录")


def leave_checklist(page: Page) -> None:
    """Skip the questions of the last tap, if it has any."""
    page.locator("#flash").click()
    skip = page.get_by_role("button", name="跳过")
    if skip.is_visible():
        skip.click()


def begin_round(page: Page) -> None:
    """Go on duty and start the round."""
    page.get_by_role("button", name="上岗签到").click()
    page.get_by_role("button", name="以后再说").click()
    page.get_by_role("button", name="开始：周界外圈").click()
    page.get_by_role("button", name="出发").click()
    expect(page.get_by_text("将手机背面贴近标签")).to_be_visible()


def is_delivered(page: Page) -> None:
    expect(page.locator(".link")).to_have_attribute("data-waiting", "0", timeout=PHONE_WITHIN_MS)
    expect(page.locator(".link")).to_have_attribute("data-link", "ok", timeout=PHONE_WITHIN_MS)


def test_a_round_without_network_survives_a_closed_page(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext
) -> None:
    places = tags(console)[:20]
    assert len(places) == 20
    row = plan_round(console, [place for place, _ in places])
    page = opened(phone)
    expect(page.locator("html[data-kept]")).to_be_attached()
    begin_round(page)
    is_delivered(page)

    lost(network, phone)
    for count, (_, serial) in enumerate(places[:12], start=1):
        walk_to(page, serial, count)
    page.close()
    page = opened(phone)
    expect(page.get_by_text("将手机背面贴近标签")).to_be_visible()
    expect(page.locator(".tally")).to_have_text("12/20")
    for count, (_, serial) in enumerate(places[12:], start=13):
        walk_to(page, serial, count)
    leave_checklist(page)
    expect(page.get_by_text("本轮完成")).to_be_visible()
    assert not door.taps

    found(network, phone)
    is_delivered(page)
    assert [tap["tag"] for tap in door.taps] == [serial for _, serial in places]
    assert len({tap["client_id"] for tap in door.taps}) == 20
    assert {(tap["guard"], tap["round"], tap["evidence"]) for tap in door.taps} == {("guard", row.id, "uid")}
    assert [tap["at"] for tap in door.taps] == sorted(tap["at"] for tap in door.taps)


def test_a_tab_killed_in_the_middle_of_a_delivery_loses_and_doubles_nothing(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext
) -> None:
    places = tags(console)[:6]
    plan_round(console, [place for place, _ in places])
    page = opened(phone)
    expect(page.locator("html[data-kept]")).to_be_attached()
    begin_round(page)
    is_delivered(page)
    lost(network, phone)
    for count, (_, serial) in enumerate(places, start=1):
        walk_to(page, serial, count)
    leave_checklist(page)

    # The server takes the delivery, and the tab dies before it hears so.
    found(network, phone, but_no_answer_to=b"POST /api/v1/patrol/phone/sync")
    page.evaluate("dispatchEvent(new Event('online'))")
    deadline = time.monotonic() + WITHIN_S
    while not door.taps and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    page.close()
    network.mend()

    page = opened(phone)
    is_delivered(page)
    ids = [tap["client_id"] for tap in door.taps]
    assert [tap["tag"] for tap in door.taps[:6]] == [serial for _, serial in places]
    # Sent again, by the page or by its worker, under the same ids: ingest counts each once.
    assert len(ids) >= 12
    assert ids == ids[:6] * (len(ids) // 6)


def test_a_hard_night(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext, tmp_path: Path
) -> None:
    """A finding with a picture, a cry for help without network, a question, a duress sign-off."""
    plan_round(console, ["stairs-1", "lobby-1"])
    serial = dict(tags(console))["stairs-1"]
    page = opened(phone)
    expect(page.locator("html[data-kept]")).to_be_attached()
    begin_round(page)

    page.evaluate("serial => window.holdTo(serial)", serial)
    page.locator("#flash").click()
    page.get_by_role("button", name="完成").click()
    expect(page.locator("#toast")).to_contain_text("项未填")
    page.get_by_role("button", name="否").click()
    expect(page.locator(".question.is-bad")).to_contain_text("将记为异常")
    page.get_by_role("button", name="个别不亮").click()
    picture = tmp_path / "picture.png"
    page.locator("body").screenshot(path=picture)
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator(".photos img")).to_be_visible()
    page.get_by_placeholder("备注（选填）").fill("防火门前堆放杂物")
    assert not door.taps  # it leaves with its answers
    page.get_by_role("button", name="完成").click()
    is_delivered(page)
    (tap,) = door.taps
    assert (tap["answers"], tap["note"]) == ({"exit": False, "light": "个别不亮"}, "防火门前堆放杂物")
    with console.db.read() as s:
        photo = s.get(Photo, tap["photos"][0])
        assert photo is not None
        assert photo.content.startswith(b"\xff\xd8")

    lost(network, phone)
    sos = page.get_by_role("button", name="SOS：长按两秒求助")
    sos.click()
    expect(page.get_by_text("未呼叫")).to_be_visible()
    expect(page.locator("#sos")).to_be_hidden()
    sos.click(delay=2200)
    expect(page.get_by_text("没有网络，每三秒重试一次")).to_be_visible()
    found(network, phone)
    expect(page.get_by_text("求助已送达")).to_be_visible()
    page.get_by_role("button", name="返回", exact=True).click()
    assert reported(console) == [("sos", "stairs-1")]

    with console.db.begin() as s:
        timers.schedule(s, emergency.MAN_DOWN_TIMER, f"{SITE}/guard", console.now + timedelta(minutes=5))
    page.evaluate("dispatchEvent(new Event('online'))")
    page.get_by_role("button", name="我没事").click()
    expect(page.locator("#toast")).to_contain_text("收到")
    is_delivered(page)
    with console.db.read() as s:
        assert not list(s.scalars(select(Timer).where(Timer.kind == emergency.MAN_DOWN_TIMER, Timer.done_at.is_(None))))

    with console.db.begin() as s:
        emergency.set_pin(s, "guard", "2468", hasher(), console.now)
    page.reload()
    page.get_by_role("button", name="我的", exact=True).click()
    expect(page.get_by_text("已设置")).to_be_visible()
    page.get_by_role("button", name="下岗签退").click()
    for pin, said in (("1111", "签退码不正确"), ("2469", "已签退，辛苦了")):
        for digit in pin:
            page.get_by_role("button", name=digit, exact=True).click()
        expect(page.get_by_text(said)).to_be_visible()
    assert reported(console) == [("sos", "stairs-1"), ("duress", None)]


def test_a_fire_calls_the_guard_and_what_he_says_without_network_arrives(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext
) -> None:
    page = opened(phone)
    is_delivered(page)
    expect(page.locator("html[data-kept]")).to_be_attached()
    incident = burns(console, "01000600")
    call = page.get_by_role("alertdialog")
    expect(call).to_contain_text("1号楼6层走廊烟感")
    expect(call).to_contain_text("1号楼1至6层")
    call.get_by_role("button", name="我去").click()
    expect(call).to_be_hidden()
    expect(page.get_by_text("1 人赶往")).to_be_visible()
    is_delivered(page)

    lost(network, phone)
    serial = dict(tags(console))["stairs-1"]
    page.evaluate("serial => window.holdTo(serial)", serial)
    expect(page.locator("#flash")).to_contain_text("你已到场")
    page.get_by_role("button", name="现场情况如何？").click()
    page.get_by_role("button", name="小火情").click()
    page.get_by_role("button", name="确认上报：小火情").click()
    page.get_by_role("button", name="巡更", exact=True).click()
    expect(page.locator(".alarm")).to_contain_text("1号楼6层走廊烟感")
    assert not door.taps

    found(network, phone)
    is_delivered(page)
    (tap,) = door.taps
    assert tap["tag"] == serial  # it waited for no checklist
    expect(page.locator(".alarm")).to_contain_text("小火情")
    page.locator(".alarm").click()
    page.get_by_role("button", name="使用就近灭火器扑灭").click()
    expect(page.get_by_text("已完成 1 / 3")).to_be_visible()
    is_delivered(page)
    with console.db.read() as s:
        dossier = incidents.dossier(s, incident)
    assert (dossier.incident.stage, dossier.incident.graded_by) == ("small", "guard")
    assert [(step.step, step.done_by) for step in dossier.steps if step.done_at] == [("extinguish", "guard")]
    assert [one.username for one in dossier.calls if one.accepted_at] == ["guard"]


def test_a_reader_types_into_the_page_and_nobody_types_as_fast(
    console: Console, door: FakeDoor, network: Network, phone: BrowserContext
) -> None:
    place = next(one for one in console.configs.site(SITE).patrol.checkpoints if one.tags and not one.questions)
    number = str(int(place.tags[0].uid.replace(":", ""), 16))
    plan_round(console, [place.id])
    page = opened(phone)
    begin_round(page)
    is_delivered(page)
    page.clock.install(time=START)
    page.clock.pause_at(START + timedelta(minutes=1))

    def typed(text: str, gap_ms: int) -> None:
        for key in text:
            page.keyboard.press("Enter" if key == "\r" else key)
            page.clock.run_for(gap_ms)

    typed("0040856634\r", 60)
    page.get_by_role("button", name="扫码 / 输码").click()
    code = page.get_by_label("编码")
    code.focus()
    typed("A1", 60)
    typed(f"{number}\r", 5)
    expect(page.locator("#flash")).to_contain_text(place.name)
    expect(code).to_have_value("A1")
    page.clock.resume()
    is_delivered(page)
    assert [(tap["tag"], tap["evidence"]) for tap in door.taps] == [(number, "uid")]


def reported(console: Console) -> list[tuple[str, str | None]]:
    with console.db.read() as s:
        return [(one.kind, one.checkpoint) for one in s.scalars(select(Incident).order_by(Incident.received_at))]

"""The console in a real browser: an alarm arrives without a reload and is acknowledged."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, console_page, served
from console import LOW_ZONE, Console
from playwright.sync_api import Browser, Page, expect
from require import require

from services.kernel.db import Database
from services.web.templating import STATIC


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    found.alive()
    yield found
    found.close()


@pytest.fixture
def address(console: Console) -> Iterator[str]:
    with served(console.app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    require((STATIC / "vendor" / "htmx.min.js").exists(), "htmx is not there: pip install -e . fetches it")
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(chrome: Browser, address: str) -> Iterator[Page]:
    with console_page(chrome, address, "duty") as page:
        yield page


def test_an_alarm_arrives_live_and_is_acknowledged(console: Console, page: Page) -> None:
    expect(page.get_by_text("一切正常")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    console.breach()
    row = page.locator(".alarm", has_text="低区出口压力")
    expect(row).to_be_visible(timeout=5000)
    expect(row).to_have_class(re.compile("is-unseen"))
    expect(page.locator("#announce")).to_contain_text("新报警")
    expect(page).to_have_title("(1) 值守台 · 更夫")
    left = row.locator(".clock").first.locator(".clock-left")
    before = left.text_content()
    expect(left).not_to_have_text(before or "")
    row.get_by_role("button", name="确认").click()
    expect(row).to_contain_text("已确认")
    expect(row.get_by_role("button", name="确认")).to_have_count(0)
    assert page.evaluate("window.sameDocument") is True
    assert console.alert(LOW_ZONE, "NUM-01").acked_occurrence == 1


def test_shelving_by_keyboard(console: Console, page: Page) -> None:
    console.breach()
    button = page.locator(".alarm").get_by_role("button", name="搁置")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.type("更换压力表")
    dialog.get_by_role("button", name="搁置").press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".alarm")).to_have_count(0)
    page.goto("/?tab=shelved")
    expect(page.locator(".alarm")).to_contain_text("更换压力表")


def test_a_refusal_is_said_in_the_dialog_and_a_draft_comment_survives_an_update(console: Console, page: Page) -> None:
    alert = console.breach()
    page.goto(f"/alerts/{alert}")
    expect(page.locator("body")).to_have_attribute("data-live", "on")
    comment = page.get_by_placeholder("添加备注")
    comment.fill("已派人到现")
    console.hear(LOW_ZONE, 0.45, 90)
    expect(page.get_by_text("已恢复，未确认")).to_be_visible()
    expect(comment).to_have_value("已派人到现")
    expect(page.locator(".chart:visible .chart-line").first).to_be_attached()


def test_the_page_fits_a_phone(console: Console, page: Page) -> None:
    alert = console.breach()
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", f"/alerts/{alert}", "/work-orders", "/points", "/limits", "/messages", "/quarantine"):
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{path} is {width} wide"

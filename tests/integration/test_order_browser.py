"""An order in a real browser: reported, photographed, signed on the pad, and verified."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, console_page, served
from console import Console
from playwright.sync_api import Page, expect
from require import require
from sqlalchemy import select

from services.kernel.db import Database
from services.patrol.tables import Photo
from services.web.templating import STATIC
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder, WorkOrderPicture

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    found.alive()
    yield found
    found.close()


@pytest.fixture
def page(console: Console) -> Iterator[Page]:
    require((STATIC / "vendor" / "htmx.min.js").exists(), "htmx is not there: pip install -e . fetches it")
    with (
        chromium() as chrome,
        served(console.app) as port,
        console_page(chrome, f"http://127.0.0.1:{port}", "supervisor", 390, 844) as page,
    ):
        yield page


def test_a_request_is_photographed_and_signed_for(console: Console, page: Page) -> None:
    page.goto("/work-orders/new")
    page.get_by_label("故障情况").fill("卫生间顶棚漏水")
    page.locator(".choice", has_text="渗漏水").click()
    page.get_by_label("部位").fill("3 号楼 502")
    page.get_by_label("报修人").fill("王女士 13812345678")
    page.get_by_role("button", name="报修").click()
    expect(page.get_by_role("heading", name="卫生间顶棚漏水")).to_be_visible()
    with console.db.begin() as s:
        order = s.scalars(select(WorkOrder)).one()
        for verb, more in (
            (work_orders.accept, {"actor": "duty"}),
            (work_orders.dispatch, {"actor": "duty", "assignee": "engineer-water"}),
            (work_orders.start, {"actor": "engineer-water"}),
        ):
            verb(s, order.id, version=order.version, now=console.now, **more)
    page.reload()
    page.locator("input[data-picture=after]").set_input_files(
        {"name": "after.png", "mimeType": "image/png", "buffer": PNG}
    )
    expect(page.locator(".pictures img")).to_have_count(1)
    with console.db.begin() as s:
        order = s.scalars(select(WorkOrder)).one()
        work_orders.submit(s, order.id, version=order.version, actor="engineer-water", now=console.now)
    page.reload()
    page.locator("#step-verify").click()
    pad = page.locator("canvas[data-signature]")
    expect(pad).to_be_visible()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 8):
        page.mouse.move(box["x"] + 30 + 30 * step, box["y"] + (70 if step % 2 else 20))
    page.mouse.up()
    page.locator("#dialog button[type=submit]").click()
    expect(page.locator(".picture-signature")).to_be_visible()
    with console.db.read() as s:
        assert s.scalars(select(WorkOrder.state)).one() == "verified"
        rows = s.scalars(select(WorkOrderPicture))
        kinds = {one.kind: one.photo_id for one in rows}
        assert set(kinds) == {"after", "signature"}
        signed = s.get(Photo, kinds["signature"])
        assert signed is not None
        assert signed.content.startswith(b"\xff\xd8\xff")
        assert len(signed.content) > 2000, "the strokes are in it"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

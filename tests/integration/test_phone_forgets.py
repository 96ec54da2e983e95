"""A phone whose storage was cleared while a fire is open: the server knows better than the phone who has answered."""

from pathlib import Path

from browser import chromium, served
from console import PASSWORD, SITE, Console
from phone import burns, with_door
from playwright.sync_api import expect

from services.flows.fire import response as fire_response
from services.kernel.db import Database

HAS_RUNG = """
window.rang = [];
new MutationObserver(() => {
  const call = document.getElementById("firecall");
  if (call && !call.hidden && !window.rang.includes(call.textContent)) window.rang.push(call.textContent);
}).observe(document, { childList: true, subtree: true, attributes: true });
"""


def test_a_call_that_was_answered_does_not_come_back(one_db: Database, tmp_path: Path) -> None:
    console = Console(one_db, tmp_path)
    with_door(console)
    with chromium() as browser, served(console.app) as port:
        phone = browser.new_context(base_url=f"http://127.0.0.1:{port}", locale="zh-CN")
        phone.add_init_script(HAS_RUNG)
        page = phone.new_page()
        page.goto("/")
        incident = burns(console, "01000600")
        with console.db.begin() as s:
            fire_response.accept(s, console.configs.site(SITE), incident, actor="guard", now=console.now)
        page.get_by_label("用户名").fill("guard")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/patrol/phone")
        expect(page.locator(".alarm")).to_contain_text("1号楼6层走廊烟感")
        expect(page.locator(".link")).to_have_attribute("data-link", "ok")
        assert page.evaluate("window.rang") == []
        burns(console, "02000300")
        page.reload()
        expect(page.get_by_role("alertdialog")).to_contain_text("2号楼")
        phone.close()
    console.close()

"""The ledger's pages: who sees and may what, uploads, the import from preview to ledger, labels."""

import html
import re
from datetime import date, timedelta
from io import BytesIO

import openpyxl
import pytest
from console import SITE, Browser, Console
from sqlalchemy import select

from services.alert.tables import Alert
from services.equipment import certificates, documents, service
from services.equipment.certificates import NewCertificate
from services.equipment.sheet import writing
from services.web.pages.equipment_files import qr_uri

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def ledger(console: Console) -> Console:
    """A console whose ledger is that of the shipped site."""
    with console.db.begin() as s:
        service.sync(s, console.configs.site(SITE), console.now)
    return console


def row_of(console: Console, eid: str) -> str:
    """The id of an entry."""
    with console.db.read() as s:
        row = service.by_eid(s, SITE, eid)
        assert row is not None
        return row.id


def form(**values: str) -> dict[str, object]:
    """A filled-in form; what is not named is empty."""
    return {"site": SITE, **values}


def send(browser: Browser, path: str, content: bytes, name: str = "x.xlsx", **fields: str):
    """Upload a file as the page does."""
    headers = {"X-CSRF-Token": browser.csrf, "HX-Request": "true"}
    return browser.client.post(path, data=fields, files={"file": (name, content)}, headers=headers)


def test_the_list_finds_counts_and_filters(ledger: Console) -> None:
    with ledger.browser("guard") as browser:
        page = browser.get("/equipment").text
        assert "低区生活变频泵组" in page
        assert "新增设备" not in page, "a guard only reads"
        found = browser.get("/equipment?q=DT-0&class=elevator", **{"HX-Request": "true"}).text
        assert re.findall(r"<b>(\d号电梯)</b>", found) == ["1号电梯", "2号电梯", "3号电梯", "4号电梯"]
        assert "<html" not in found
        assert "没有符合条件的设备" in browser.get("/equipment?q=no-such-thing").text
        assert "1号电梯" not in browser.get("/equipment?area=building-2&kind=elevator").text
    with ledger.browser("supervisor", "en") as browser:
        assert "Low-zone pump set" in browser.get("/equipment").text


def test_one_entry_shows_people_readings_and_jobs(ledger: Console) -> None:
    alert_id = ledger.breach()
    with ledger.browser("engineer-water") as browser:
        page = browser.get(f"/equipment/{row_of(ledger, 'domestic-low-set')}").text
    order = ledger.order(alert_id)
    assert order.equipment_id == row_of(ledger, "domestic-low-set")
    for text in ("给排水责任人", "设备主管", "物业经理", f"/work-orders/{order.id}", f"/alerts/{alert_id}", "0.600"):
        assert text in page
    assert "报废设备" not in page, "an engineer may not scrap"


def test_a_label_opens_the_entry_after_signing_in(ledger: Console) -> None:
    with ledger.db.read() as s:
        row = service.by_eid(s, SITE, "lift-1")
        assert row is not None
    with ledger.browser() as browser:
        answer = browser.get(f"/e/{row.tag}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next=%2Fe%2F{row.tag}")
    with ledger.browser("guard") as browser:
        assert browser.get(f"/e/{row.tag.lower()}").headers["location"] == f"/equipment/{row.id}"
        assert browser.get("/e/NOSUCHLABEL1").status_code == 404


def test_entering_and_editing_say_what_is_wrong(ledger: Console) -> None:
    with ledger.browser("engineer-power") as browser:
        refused = browser.post("/equipment/new", form(name="梯子", kind="tool", code="DT-01", area="moon"))
        assert refused.status_code == 422
        assert (
            refused.json()["sentence"]
            == "区域: 没有区域“moon”，请从列表里选 · 台账编号: 台账编号 DT-01 已属于另一台设备 lift-1"
        )
        made = browser.post("/equipment/new", form(name="梯子", kind="tool", code="GJ-9"))
        assert made.headers["HX-Redirect"] == f"/equipment/{row_of(ledger, 'gj-9')}"
        lift = row_of(ledger, "lift-1")
        changed = browser.post(f"/equipment/{lift}/edit", form(version="0", supervisor="supervisor", note="=1"))
        assert changed.status_code == 204
        assert browser.post(f"/equipment/{lift}/edit", form(version="0", note="x")).status_code == 409
    with ledger.browser("guard") as browser:
        assert browser.post("/equipment/new", form(name="梯子", kind="tool")).status_code == 403
    with ledger.db.read() as s:
        row = service.get(s, lift)
        assert (row.supervisor, row.note, row.name) == ("supervisor", "=1", "1号电梯")


def test_scrapping_is_for_those_above_the_engineer(ledger: Console) -> None:
    lift = row_of(ledger, "lift-1")
    step = form(version="0", reason="到期")
    with ledger.browser("engineer-power") as browser:
        assert browser.post(f"/equipment/{lift}/status/scrapped", step).status_code == 403
        assert browser.post(f"/equipment/{lift}/status/repair", step).status_code == 204
    with ledger.browser("supervisor") as browser:
        assert browser.post(f"/equipment/{lift}/status/scrapped", {**step, "version": "1"}).status_code == 204
        assert browser.post(f"/equipment/{lift}/status/in_use", {**step, "version": "2"}).status_code == 409


def test_a_renewed_certificate_clears_the_lift(ledger: Console) -> None:
    lift, today = row_of(ledger, "lift-1"), date(2026, 11, 21)
    paper = {"kind": "elevator_inspection", "number": "A-1"}
    with ledger.browser("supervisor") as browser:
        past = {**paper, "equipment": lift, "expires_on": str(today - timedelta(days=1))}
        assert browser.post("/equipment/certificates", past).status_code == 204
        page = browser.get(f"/equipment/{lift}").text
        assert "已过期 1 天" in page
        assert "未换证不得使用" in page
        with ledger.db.read() as s:
            (old,) = certificates.in_force(s, SITE)
        fresh = {**past, "renews": old.id, "expires_on": str(today + timedelta(days=365))}
        assert browser.post("/equipment/certificates", fresh).status_code == 204
        with ledger.db.read() as s:
            assert not s.scalars(select(Alert).where(Alert.rule == "LED-20")).one().active
        register = browser.get("/equipment/certificates").text
        assert register.count("A-1") == 1
        assert browser.get("/equipment/certificates/new?renews=nobody").status_code == 404


def test_documents_are_checked_and_only_ever_downloaded(ledger: Console) -> None:
    lift = row_of(ledger, "lift-1")
    with ledger.browser("engineer-power") as browser:
        page = b"<script>alert(1)</script>"
        assert (
            send(browser, "/equipment/documents", b"\x00\x01", "a.pdf", equipment=lift, kind="manual").status_code
            == 422
        )
        assert (
            send(browser, "/equipment/documents", page, "说明.html", equipment=lift, kind="manual").status_code == 204
        )
        big = b"%PDF-" + bytes(2 * 1024 * 1024)
        assert send(browser, "/equipment/documents", big, "大.pdf", equipment=lift, kind="manual").status_code == 204
        with ledger.db.read() as s:
            found = {one.name: one.id for one in documents.of_equipment(s, lift)}
        assert sorted(found) == ["大.pdf", "说明.html.txt"]
        answer = browser.get(f"/equipment/documents/{found['说明.html.txt']}")
        assert answer.content == page
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        huge = send(browser, "/equipment/documents", bytes(12 * 1024 * 1024), equipment=lift, kind="manual")
        assert huge.status_code == 413
    with ledger.browser("guard") as browser:
        assert send(browser, "/equipment/documents", page, "x.txt", equipment=lift, kind="manual").status_code == 403


def test_an_import_is_previewed_and_then_done(ledger: Console) -> None:
    config = ledger.configs.site(SITE)
    with ledger.db.read() as s:
        book = openpyxl.load_workbook(BytesIO(writing.workbook(config, service.of_site(s, SITE))))
    book["台账"].append([None, "X-1", "新水泵", None, "生活水泵", "生活水泵房"])
    target = BytesIO()
    book.save(target)
    with ledger.browser("manager") as browser:
        preview = send(browser, "/equipment/import/preview", target.getvalue(), site=SITE)
        assert preview.status_code == 200
        assert "新水泵" in preview.text
        found = re.search(r'"digest": "([0-9a-f]{64})"', html.unescape(preview.text))
        assert found is not None
        other = send(browser, "/equipment/import", b"PK other", site=SITE, digest=found[1])
        assert other.status_code == 409
        done = send(browser, "/equipment/import", target.getvalue(), site=SITE, digest=found[1])
        assert "台账已更新" in done.text
        again = send(browser, "/equipment/import/preview", target.getvalue(), site=SITE)
        assert "没有要导入的内容" in again.text
        assert send(browser, "/equipment/import/preview", b"nonsense", site=SITE).status_code == 422
    assert row_of(ledger, "x-1")
    with ledger.browser("engineer-power") as browser:
        assert send(browser, "/equipment/import/preview", target.getvalue(), site=SITE).status_code == 403


def test_the_export_is_a_download(ledger: Console) -> None:
    with ledger.browser("guard") as browser:
        answer = browser.get("/equipment/export.xlsx")
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''equipment-yunhe-2026-11-21.xlsx"


def test_labels_carry_an_address_or_the_bare_path(ledger: Console) -> None:
    with ledger.db.read() as s:
        row = service.by_eid(s, SITE, "lift-1")
        assert row is not None
    with ledger.browser("engineer-power") as browser:
        page = browser.get(f"/equipment/labels?one={row.id}&skip=3").text
        assert page.count("label-used") == 3
        assert html.escape(qr_uri(f"/e/{row.tag}")) in page or qr_uri(f"/e/{row.tag}") in page
        assert "没有设置控制台地址" in page
        assert browser.get("/equipment/labels?class=elevator").text.count('class="label-qr"') == 4


def test_the_api_lists_edits_and_refuses(ledger: Console) -> None:
    lift = row_of(ledger, "lift-1")
    with ledger.browser("engineer-power") as browser:
        rows = browser.client.get("/api/v1/equipment?site=yunhe").json()
        assert len(rows) == len({row["eid"] for row in rows}) > 100
        after = browser.client.get("/api/v1/equipment?after=lift-1").json()
        assert after[0]["eid"] > "lift-1"
        assert browser.api(f"/equipment/{lift}", {"version": 0, "note": "请按时"}).json()["note"] == "请按时"
        stale = browser.api(f"/equipment/{lift}/status", {"status": "stopped", "reason": "x", "version": 0})
        assert stale.status_code == 409
        bad = browser.api(f"/equipment/{lift}", {"version": 1, "name": "别名"})
        assert bad.status_code == 422
        assert [one["fault"] for one in bad.json()["faults"]] == ["declared"]
        history = browser.client.get(f"/api/v1/equipment/{lift}/history").json()
        assert [one["kind"] for one in history] == ["changed", "registered"]
        paper = {"equipment": lift, "kind": "elevator_inspection", "expires_on": "2027-05-01", "number": "A"}
        made = browser.api("/equipment/certificates", paper)
        assert made.status_code == 201
        ended = browser.api(f"/equipment/certificates/{made.json()['id']}/end", {"reason": "登记错"})
        assert ended.json()["ended_at"]
        assert browser.client.get("/api/v1/equipment/certificates").json() == []
        nul = browser.api("/equipment/certificates", {**paper, "number": "\x00"})
        assert nul.status_code == 422


def test_the_certificate_of_a_place_stands_in_the_register(ledger: Console) -> None:
    with ledger.db.begin() as s:
        new = NewCertificate("parking_licence", date(2026, 12, 24), subject="地下停车场")
        certificates.add(s, SITE, None, new, ledger.now, actor="manager")
    with ledger.browser("guard") as browser:
        page = browser.get("/equipment/certificates").text
    assert "地下停车场" in page
    assert "还有 33 天" in page

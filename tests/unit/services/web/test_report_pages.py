"""Reports in the console: months, a version to read and sign, files, figures with their records, the running month."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from console import PASSWORD, Console
from reports import Records, assemble
from sqlalchemy import select

from services.kernel.audit import Audit
from services.report.draft import Drafter
from services.report.tables import ReportSnapshot
from services.web import report_actions
from services.web.queries import reports as queries


@pytest.fixture
def records(console: Console, monkeypatch: pytest.MonkeyPatch) -> Records:
    """What the records of the console's site say; it is the third of November."""
    found = Records()
    monkeypatch.setattr(queries, "Drafter", partial(Drafter, chapters=found.chapters, assemble=assemble))
    monkeypatch.setattr(queries, "LIVE", queries.LiveCache())
    console.clock.set(datetime(2026, 11, 3, 1, 0, tzinfo=UTC))
    return found


@pytest.fixture
def made(console: Console, records: Records) -> Iterator[str]:
    """October's report, made in the console; its id."""
    with console.browser("manager") as browser:
        answer = browser.post("/reports", {"month": "2026-10", "kind": "facilities"})
        assert answer.status_code == 204, answer.text
        yield answer.headers["HX-Redirect"].removeprefix("/reports/")


def seen(page: str) -> str:
    """The hash that a signing dialog shows."""
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_months_say_what_is_made_and_whose_turn_it_is(console: Console, made: str) -> None:
    with console.browser("engineer-water") as browser:
        page = browser.get("/reports").text
    assert "XJ-202610-yunhe-1" in page
    assert "轮到您签名" in page
    assert "尚未生成" in page
    with console.browser("duty") as browser:
        page = browser.get("/reports").text
        assert "轮到您签名" not in page
        assert "/reports/new" not in page
        assert browser.post("/reports", {"month": "2026-09", "kind": "fire"}).status_code == 403


def test_a_guard_reads_no_reports(console: Console, made: str) -> None:
    with console.browser("guard") as browser:
        paths = ("/reports", f"/reports/{made}", "/reports/live", f"/reports/{made}/file.html", "/reports/weights")
        assert {browser.get(path).status_code for path in paths} == {403}


def test_three_people_sign_in_the_console(console: Console, made: str) -> None:
    for username, slot in (("engineer-water", "prepared"), ("supervisor", "reviewed"), ("manager", "approved")):
        with console.browser(username) as browser:
            assert f'id="sign-{slot}"' in browser.get(f"/reports/{made}").text
            hash_seen = seen(browser.get(f"/reports/{made}/sign?slot={slot}").text)
            form = {"slot": slot, "seen": hash_seen, "password": "wrong"}
            refused = browser.post(f"/reports/{made}/sign", form)
            assert (refused.status_code, "密码不正确" in refused.text) == (422, True)
            answer = browser.post(f"/reports/{made}/sign", {**form, "password": PASSWORD})
            assert answer.status_code == 204, answer.text
    with console.browser("manager") as browser:
        page = browser.get(f"/reports/{made}").text
        assert "已签" in page
        assert 'id="sign-quality"' in page
        form = {"slot": "quality", "seen": hash_seen, "password": PASSWORD, "paper": "PZ-7", "paper_name": "品质部"}
        assert browser.post(f"/reports/{made}/sign", form).status_code == 204
        assert "PZ-7" in browser.get(f"/reports/{made}").text
        verified = browser.client.get(f"/api/v1/reports/{made}/verify").json()
    assert verified["problems"] == []


def test_the_wrong_person_cannot_sign(console: Console, made: str) -> None:
    with console.browser("supervisor") as browser:
        hash_seen = seen(browser.get(f"/reports/{made}/sign?slot=prepared").text)
        form = {"slot": "prepared", "seen": hash_seen, "password": PASSWORD}
        assert browser.post(f"/reports/{made}/sign", form).status_code == 403


@pytest.mark.parametrize(("kind", "starts"), [("html", b"<article"), ("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_files_are_made_on_request_and_always_the_same(console: Console, made: str, kind: str, starts: bytes) -> None:
    with console.browser("duty") as browser:
        first = browser.get(f"/reports/{made}/file.{kind}")
        assert first.status_code == 200
        assert first.content.startswith(starts)
        assert browser.get(f"/reports/{made}/file.{kind}").content == first.content
        assert "XJ-202610-yunhe-1" in first.headers["Content-Disposition"]
        assert browser.get(f"/reports/{made}/file.{kind}?full=1").status_code == 403


def test_only_so_many_files_are_made_at_once(console: Console, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_actions, "PRESS_WITHIN_S", 0.0)
    with console.browser("duty", language="en") as browser, ExitStack() as taken:
        for _ in range(report_actions.AT_ONCE):
            taken.enter_context(report_actions.PRESSES)
        refused = browser.get(f"/reports/{made}/file.html")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
        assert "Try again in a minute" in refused.text
        taken.close()
        assert browser.get(f"/reports/{made}/file.html").status_code == 200


def test_a_token_to_read_reads_reports_and_does_nothing_else(console: Console, made: str) -> None:
    headers = {"Authorization": f"Bearer {console.token('manager', 'read')}"}
    with console.browser() as browser:
        paths = ("/api/v1/reports", f"/reports/{made}/file.html", f"/reports/{made}/file.html?full=1")
        assert [browser.get(path, **headers).status_code for path in paths] == [200, 200, 403]
        form = {"month": "2026-09", "kind": "fire"}
        assert browser.client.post("/reports", data=form, headers=headers).status_code == 403


def test_personal_data_is_given_out_to_a_manager_and_written_down(console: Console, made: str) -> None:
    with console.browser("manager") as browser:
        assert browser.get(f"/reports/{made}/file.html?full=1").status_code == 200
    with console.db.read() as s:
        audit = s.scalars(select(Audit).where(Audit.action == "report.unmasked")).one()
    assert (audit.actor, audit.ref) == ("manager", "XJ-202610-yunhe-1")


def test_a_figure_leads_to_its_records(console: Console, made: str) -> None:
    with console.browser("duty") as browser:
        assert f'href="/reports/{made}/figures/order.timely"' in browser.get(f"/reports/{made}").text
        page = browser.get(f"/reports/{made}/figures/order.timely").text
        assert "66.7%" in page
        assert page.index('href="/work-orders/WO-2"') < page.index('href="/work-orders/WO-0"')  # what missed first
        assert "&lt;b&gt;超期" in page
        assert browser.get(f"/reports/{made}/figures/no.such").status_code == 404
        answer = browser.client.get(f"/api/v1/reports/{made}/figures/order.timely").json()
    assert [one["counted"] for one in answer["records"]] == [False, True, True]


def test_a_correction_in_the_console(console: Console, records: Records, made: str) -> None:
    with console.browser("manager") as browser:
        same = browser.post("/reports", {"month": "2026-10", "kind": "facilities", "reason": "?"})
        assert same.headers["HX-Redirect"] == f"/reports/{made}?same=1"
        records.orders = [True]
        refused = browser.post("/reports", {"month": "2026-10", "kind": "facilities"})
        assert refused.status_code == 422
        again = browser.post("/reports", {"month": "2026-10", "kind": "facilities", "reason": "补录工单"})
        page = browser.get(again.headers["HX-Redirect"]).text
        assert "补录工单" in page
        assert "XJ-202610-yunhe-2" in page
        assert "已被更正版取代" in browser.get(f"/reports/{made}").text


def test_the_running_month_is_counted_at_most_every_half_minute(console: Console, records: Records) -> None:
    with console.browser("duty") as browser:
        assert "66.7%" in browser.get("/reports/live").text
        counted = len(records.asked)
        records.orders = [True]
        assert "66.7%" in browser.get("/reports/live?month=2026-11").text
        assert len(records.asked) == counted
        console.clock.advance(timedelta(seconds=31))
        assert "100.0%" in browser.get("/reports/live").text
        page = browser.get("/reports/live/figures/order.timely").text
        assert "WO-0" in page
        assert browser.get("/reports/live?month=2026-12").status_code == 422
        assert browser.get("/reports/live?month=oops").status_code == 422
        assert browser.get("/reports/live?site=nowhere").status_code == 404
    with console.db.read() as s:
        assert s.scalars(select(ReportSnapshot)).all() == []


def test_weights_hold_from_a_month_and_give_a_hundred(console: Console, records: Records) -> None:
    with console.browser("manager") as browser:
        form = {"month": "2026-11", "figure": "order.timely", "weight": "60", "reason": "阶段重点"}
        assert browser.post("/reports/weights", form).status_code == 422
        assert browser.post("/reports/weights", {**form, "weight": "100", "month": "2026-10"}).status_code == 409
        assert browser.post("/reports/weights", {**form, "weight": "100"}).status_code == 204
        page = browser.get("/reports/weights").text
    assert "阶段重点" in page
    assert "74.1" in page  # 66.7 % of a target of 90 %
    with console.browser("supervisor") as browser:
        assert browser.post("/reports/weights", {**form, "weight": "100"}).status_code == 403


def test_pages_in_english(console: Console, made: str) -> None:
    with console.browser("manager", language="en") as browser:
        for path in ("/reports", f"/reports/{made}", "/reports/live", f"/reports/{made}/figures/order.timely"):
            page = browser.get(path)
            assert page.status_code == 200
            assert "Finished in time" in page.text or path == "/reports"


def test_reports_over_the_api(console: Console, records: Records) -> None:
    with console.browser("manager") as browser:
        made = browser.api("/reports", {"month": "2026-10", "kind": "fire"})
        assert made.status_code == 201, made.text
        report = made.json()
        assert report["number"] == "XF-202610-yunhe-1"
        detail = browser.client.get(f"/api/v1/reports/{report['number']}").json()
        assert detail["snapshot"]["figures"][0]["numerator"] == 2
        assert [one["id"] for one in browser.client.get("/api/v1/reports").json()] == [report["id"]]
    with console.browser("engineer-fire") as browser:
        body = {"slot": "prepared", "sha256": report["sha256"], "password": PASSWORD}
        signed = browser.api(f"/reports/{report['id']}/signatures", body)
        assert signed.status_code == 201, signed.text
        assert [one["username"] for one in signed.json()["signatures"]] == ["engineer-fire"]
        assert browser.api(f"/reports/{report['id']}/signatures", body).status_code == 409

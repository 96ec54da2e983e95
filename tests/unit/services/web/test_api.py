from datetime import timedelta

import pytest
from console import LOW_ZONE, Browser, Console

from gateway.contract.times import to_ms


def problem(answer: object, status: int, code: str) -> dict[str, object]:
    """The problem document of a refusal, checked against RFC 9457."""
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    document: dict[str, object] = answer.json()  # type: ignore[attr-defined]
    assert document["type"] == f"urn:gengfu:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    return document


def get(browser: Browser, path: str) -> object:
    return browser.client.get(f"/api/v1{path}", headers={"Accept": "application/json"})


def test_without_signing_in_everything_is_a_problem_document(console: Console) -> None:
    with console.browser() as browser:
        for path in ("/alerts", "/work-orders", "/points", "/quarantine", "/messages", "/limits", "/me"):
            answer = get(browser, path)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")  # type: ignore[attr-defined]


def test_an_unknown_path_is_a_problem_document_for_programs_and_a_page_for_people(console: Console) -> None:
    with console.browser("duty") as browser:
        problem(get(browser, "/nothing"), 404, "not_found")
        page = browser.get("/nothing")
        assert page.status_code == 404
        assert "未找到" in page.text


@pytest.mark.parametrize(
    "path", ["/alerts/01XXX", "/work-orders/01XXX", "/points/yunhe/nothing", "/quarantine/01XXX/raw"]
)
def test_what_does_not_exist_is_404(console: Console, path: str) -> None:
    with console.browser("duty") as browser:
        problem(get(browser, path), 404, "not_found")


def test_bad_input_names_the_fields(console: Console) -> None:
    alert = console.breach()
    with console.browser("duty") as browser:
        document = problem(browser.api(f"/alerts/{alert}/shelve", {"minutes": 5}), 422, "validation")
        places = {one["place"] for one in document["errors"]}  # type: ignore[attr-defined]
        assert places == {"body.minutes", "body.reason"}
        problem(browser.api(f"/alerts/{alert}/acknowledge", {"occurrence": 1, "extra": 1}), 422, "validation")


def test_the_wrong_method_is_a_problem_document(console: Console) -> None:
    with console.browser("duty") as browser:
        problem(browser.client.put("/api/v1/alerts", headers={"X-CSRF-Token": browser.csrf}), 405, "method_not_allowed")


def test_a_large_body_is_refused_declared_or_not(console: Console) -> None:
    with console.browser("duty") as browser:
        headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "application/json", "Accept": "application/json"}
        path = "/api/v1/alerts/x/acknowledge"
        assert browser.client.post(path, content=b"x" * (1024 * 1024 + 1), headers=headers).status_code == 413
        chunks = (b"x" * 65_536 for _ in range(20))
        assert browser.client.post(path, content=chunks, headers=headers).status_code == 413


def test_every_answer_carries_the_security_headers(console: Console) -> None:
    with console.browser("duty") as browser:
        for path in ("/", "/sign-in", "/api/v1/me", "/nothing", "/static/gengfu.css", "/healthz"):
            headers = browser.get(path).headers
            policy = headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"


def test_an_alert_with_its_clocks_and_history(any_console: Console) -> None:
    console = any_console
    alert = console.breach()
    with console.browser("duty") as browser:
        (listed,) = [one for one in get(browser, "/alerts").json() if one["id"] == alert]  # type: ignore[attr-defined]
        assert listed["state"] == "active_unack"
        assert listed["current_value"] == 0.6
        assert listed["owner"] == "给排水责任人"
        assert [clock["kind"] for clock in listed["clocks"]] == ["acknowledge", "respond", "finish"]
        assert listed["next_escalation_role"] == "supervisor"
        answer = browser.api(f"/alerts/{alert}/acknowledge", {"occurrence": 1})
        assert answer.status_code == 200
        assert answer.json()["state"] == "active_ack"
        assert [clock["kind"] for clock in answer.json()["clocks"]] == ["respond", "finish"]
        assert answer.json()["history"][-1]["actor"] == "duty"
        commented = browser.api(f"/alerts/{alert}/comments", {"text": "已到场"})
        assert commented.status_code == 201
        assert commented.json()["history"][-1]["data"]["text"] == "已到场"


def test_acknowledging_what_was_not_shown_yet_is_refused(console: Console) -> None:
    alert = console.breach()
    with console.browser("duty") as browser:
        problem(browser.api(f"/alerts/{alert}/acknowledge", {"occurrence": 2}), 422, "invalid")


def test_shelving_and_taking_back(console: Console) -> None:
    alert = console.breach()
    with console.browser("duty") as browser:
        shelved = browser.api(f"/alerts/{alert}/shelve", {"minutes": 15, "reason": "换表"}).json()
        assert (shelved["state"], shelved["shelve_reason"]) == ("shelved", "换表")
        assert get(browser, "/alerts?tab=shelved").json()[0]["id"] == alert  # type: ignore[attr-defined]
        assert browser.api(f"/alerts/{alert}/unshelve").json()["state"] == "active_unack"


def test_a_stale_version_is_a_conflict_that_carries_the_current_state(any_console: Console) -> None:
    console = any_console
    order = console.order(console.breach())
    with console.browser("engineer-water") as browser:
        assert browser.api(f"/work-orders/{order.id}/start", {"version": order.version}).status_code == 200
        answer = browser.api(f"/work-orders/{order.id}/submit", {"version": order.version})
        current = problem(answer, 409, "conflict")["current"]
        assert current["state"] == "in_progress"  # type: ignore[index]
        assert current["version"] == order.version + 1  # type: ignore[index]


def test_a_step_that_is_not_next_is_a_conflict(console: Console) -> None:
    order = console.order(console.breach())
    with console.browser("duty") as browser:
        problem(browser.api(f"/work-orders/{order.id}/verify", {"version": order.version}), 409, "conflict")


def test_nobody_verifies_his_own_work(console: Console) -> None:
    alert = console.breach()
    order = console.order(alert)
    with console.browser("supervisor") as browser:
        for step in ("start", "submit"):
            version = console.order(alert).version
            assert browser.api(f"/work-orders/{order.id}/{step}", {"version": version}).status_code == 200
        problem(
            browser.api(f"/work-orders/{order.id}/verify", {"version": console.order(alert).version}), 403, "forbidden"
        )


def test_an_order_cannot_be_dispatched_to_nobody_known(console: Console) -> None:
    order = console.order(console.breach())
    with console.browser("duty") as browser:
        body: dict[str, object] = {"version": order.version, "assignee": "nobody", "reason": "x"}
        problem(browser.api(f"/work-orders/{order.id}/reassign", body), 422, "invalid")


def test_points_with_value_verdict_and_limits(console: Console) -> None:
    console.breach()
    with console.browser("duty") as browser:
        point = get(browser, f"/points/yunhe/{LOW_ZONE}").json()  # type: ignore[attr-defined]
        assert point["reading"]["value"] == 0.6
        assert point["verdict"] == "outside"
        assert {limit["id"] for limit in point["limits"]} >= {"NUM-01", "DATA-STALE", "DATA-RANGE"}
        assert "0.450 ± 0.100 MPa" in {limit["text"] for limit in point["limits"]}
        console.clock.advance(timedelta(minutes=1))
        assert get(browser, f"/points/yunhe/{LOW_ZONE}").json()["verdict"] == "silent"  # type: ignore[attr-defined]
        assert get(browser, "/points/yunhe/high-zone-pressure").json()["verdict"] == "unknown"  # type: ignore[attr-defined]


def test_readings_come_in_steps(console: Console) -> None:
    console.hear(LOW_ZONE, 0.45, 60)
    console.hear(LOW_ZONE, 0.47, 60)
    with console.browser("duty") as browser:
        buckets = get(browser, f"/points/yunhe/{LOW_ZONE}/readings?step_s=60").json()  # type: ignore[attr-defined]
        assert buckets[0]["mean"] == pytest.approx(0.45)
        assert buckets[-1]["max"] == pytest.approx(0.47)
        problem(get(browser, f"/points/yunhe/{LOW_ZONE}/readings?step_s=1&start=2020-01-01T00:00:00Z"), 422, "invalid")
        problem(get(browser, f"/points/yunhe/{LOW_ZONE}/readings?start=2026-01-01T00:00:00"), 422, "validation")


def test_quarantine_gives_the_bytes_back_as_a_download(console: Console) -> None:
    raw = b"\x00\xff<script>"
    console.reject(raw)
    with console.browser("duty") as browser:
        (entry,) = get(browser, "/quarantine").json()  # type: ignore[attr-defined]
        answer = get(browser, f"/quarantine/{entry['id']}/raw")
        assert answer.content == raw  # type: ignore[attr-defined]
        assert answer.headers["content-disposition"].startswith("attachment")  # type: ignore[attr-defined]
        assert browser.api(f"/quarantine/{entry['id']}/dismiss").json()["dismissed_by"] == "duty"
        assert get(browser, "/quarantine").json() == []  # type: ignore[attr-defined]


def test_messages_say_why_somebody_was_not_told(console: Console) -> None:
    alert = console.breach()
    with console.browser("duty") as browser:
        told = get(browser, f"/alerts/{alert}/messages").json()  # type: ignore[attr-defined]
    reasons = {one["recipient"]: one["reason"] for one in told}
    assert reasons["duty"] == "on_duty"
    assert reasons["engineer-fire"] == "not_in_area"


def test_a_silent_process_makes_healthz_fail_and_is_named(console: Console) -> None:
    with console.browser() as browser:
        assert browser.get("/healthz").json()["silent"] == ["ingest", "worker"]
        console.alive()
        assert browser.get("/healthz").status_code == 200
        console.clock.advance(timedelta(seconds=40))
        console.alive("ingest")
        console.clock.advance(timedelta(seconds=30))
        answer = browser.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["silent"] == ["worker"]
        assert answer.json()["age_s"]["worker"] == 70.0


def test_metrics_need_a_token_unless_asked_from_this_machine(any_console: Console) -> None:
    console = any_console
    console.alive()
    console.breach()
    console.reject(b"x")
    console.clock.advance(timedelta(minutes=20))
    with console.browser("admin") as browser:
        assert browser.get("/metrics", Accept="text/plain").status_code == 401
        answer = browser.get("/metrics", Authorization=f"Bearer {console.token('duty', 'read')}")
    figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert figures["gengfu_ingest_lag_seconds"] == "0.12"
    assert figures['gengfu_alerts_open{state="active_unack"}'] == "1.0"
    assert figures["gengfu_quarantine_open"] == "1.0"
    assert float(figures["gengfu_timer_oldest_due_age_seconds"]) > 0
    assert float(figures["gengfu_message_oldest_pending_age_seconds"]) >= 1200
    assert float(figures['gengfu_heartbeat_age_seconds{role="worker"}']) > 1000


def test_the_openapi_document_names_every_operation(console: Console) -> None:
    with console.browser() as browser:
        document = browser.client.get("/api/v1/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation.get("operationId") and operation.get("description") for operation in operations)
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    assert to_ms(console.now)


def test_what_a_database_cannot_keep_is_refused_and_no_fault(any_console: Console) -> None:
    with any_console.browser("guard") as browser:
        assert browser.get("/e/%00").status_code in (404, 422)
        assert browser.get("/api/v1/work-orders/%00/sheet").status_code in (404, 422)
        form = {"title": "a\x00b", "category": "leak", "place": "1"}
        refused = browser.post("/work-orders/new", form)
        assert refused.status_code in (204, 422), "SQLite keeps it"
        assert refused.status_code == 204 or "请重新输入" in refused.json()["sentence"]

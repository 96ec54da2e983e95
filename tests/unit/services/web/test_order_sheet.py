"""Reports, costs, approvals, pictures, signatures, emergency reports and call-backs, as people meet them."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from console import Browser, Console
from sqlalchemy import select

from services.flows.call_backs import CallBackTimers
from services.kernel import timers
from services.notify.tables import Message
from services.work_order.tables import WorkOrder, WorkOrderPicture

JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 64 + b"\xff\xd9"
SIGNATURE = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
ASKED = {
    "title": "卫生间顶棚漏水",
    "category": "leak",
    "place": "3 号楼 502",
    "requester": "3号楼502 王女士 13812345678",
}


class Desk:
    """One console and what its people do about a request."""

    def __init__(self, console: Console, stack: ExitStack) -> None:
        self.console = console
        self._stack = stack
        self._browsers: dict[str, Browser] = {}

    def browser(self, username: str) -> Browser:
        """Somebody's browser; signed in once."""
        if username not in self._browsers:
            self._browsers[username] = self._stack.enter_context(self.console.browser(username))
        return self._browsers[username]

    def post(self, username: str, path: str, **data: object) -> int:
        status: int = self.browser(username).post(path, dict(data)).status_code
        return status

    def api(self, username: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.browser(username).api(path, body)

    def page(self, username: str, path: str) -> str:
        answer = self.browser(username).get(path)
        assert answer.status_code == 200, answer.text
        text: str = answer.text
        return text

    def report(self, **more: object) -> str:
        answer = self.browser("guard").post("/work-orders/new", {**ASKED, **more})
        assert answer.status_code == 204, answer.text
        order_id: str = answer.headers["HX-Redirect"].rpartition("/")[2]
        return order_id

    def order(self, order_id: str) -> WorkOrder:
        with self.console.db.read() as s:
            found = s.get(WorkOrder, order_id)
        assert found is not None
        return found

    def step(self, username: str, order_id: str, what: str, **words: object) -> int:
        version = self.order(order_id).version
        return self.post(username, f"/work-orders/{order_id}/steps/{what}", version=version, **words)

    def done(self, by: str = "engineer-water", **more: object) -> str:
        """A request up to its submission."""
        order_id = self.report(**more)
        assert self.step("duty", order_id, "accept") == 204
        assert self.step("duty", order_id, "dispatch", assignee=by) == 204
        assert self.step(by, order_id, "start") == 204
        assert self.step(by, order_id, "submit", note="换了密封圈") == 204
        return order_id

    def closed(self, **more: object) -> str:
        order_id = self.done(**more)
        assert self.step("duty", order_id, "verify", signature=SIGNATURE, signer="王女士") == 204
        assert self.step("duty", order_id, "rate", stars=5) == 204
        return order_id

    def heard(self, kind: str) -> set[str]:
        with self.console.db.read() as s:
            told = select(Message).where(Message.kind == kind, Message.decision == "send", Message.recipient_role != "")
            return {one.recipient for one in s.scalars(told)}


@pytest.fixture
def desk(console: Console) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(console, stack)


def test_a_guard_reports_a_repair_for_a_resident(desk: Desk) -> None:
    assert "卫生间" not in desk.page("guard", "/work-orders/new")
    order_id = desk.report()
    order = desk.order(order_id)
    assert (order.origin, order.category, order.state) == ("request", "leak", "reported")
    assert order.respond_due_at == order.created_at + timedelta(minutes=30), "TIM-07"
    assert desk.heard("work_order.reported") == {"duty"}
    assert "王女士 13812345678" in desk.page("duty", f"/work-orders/{order_id}")
    shown = desk.page("guard-2", f"/work-orders/{order_id}")
    assert "13812345678" not in shown
    assert "王女士" not in shown
    assert desk.post("guard", "/work-orders/new", **{**ASKED, "category": "nothing"}) == 422
    assert desk.post("guard", "/work-orders/new", **{**ASKED, "place": ""}) == 422


def test_telling_the_requester_is_the_response(desk: Desk) -> None:
    order_id = desk.report()
    assert desk.post("duty", f"/work-orders/{order_id}/contacts", text="已登记") == 409, "nobody comes yet"
    desk.step("duty", order_id, "accept")
    desk.step("duty", order_id, "dispatch", assignee="engineer-water")
    assert desk.post("guard", f"/work-orders/{order_id}/contacts", text="在路上") == 403
    assert desk.post("duty", f"/work-orders/{order_id}/contacts", text="师傅半小时到") == 204
    assert desk.order(order_id).responded_at == desk.console.now


def test_costs_are_approved_hand_by_hand(desk: Desk) -> None:
    order_id = desk.report()
    desk.step("duty", order_id, "accept")
    desk.step("duty", order_id, "dispatch", assignee="engineer-water")
    desk.step("engineer-water", order_id, "start")
    line = {"kind": "material", "name": "水泵密封", "quantity": "2", "unit": "套", "price": "1,500.50"}
    assert desk.post("engineer-fire", f"/work-orders/{order_id}/costs", **line) == 403
    assert desk.post("engineer-water", f"/work-orders/{order_id}/costs", **{**line, "price": "abc"}) == 422
    assert desk.post("engineer-water", f"/work-orders/{order_id}/costs", **line) == 204
    assert desk.order(order_id).cost_cents == 300_100
    page = desk.page("engineer-water", f"/work-orders/{order_id}")
    assert "3,001.00" in page
    assert "部门主管 → 部门经理/主任 → 物业总经理" in page
    assert desk.step("engineer-water", order_id, "submit") == 409
    assert desk.post("engineer-water", f"/work-orders/{order_id}/approval") == 204
    assert desk.heard("work_order.approval") == {"supervisor"}
    assert "待我审批" in desk.page("supervisor", "/approvals")
    for username, mine in (("supervisor", True), ("manager", False)):
        (one,) = desk.browser(username).get("/api/v1/approvals", Accept="application/json").json()
        assert (one["is_mine"], one["approval"]["title"]) == (mine, "部门主管")
    hand = one["approval"]["id"]
    assert desk.post("manager", f"/approvals/{hand}", decision="approve") == 403
    assert desk.post("supervisor", f"/approvals/{hand}", decision="approve", note="同意") == 204
    for _ in range(2):  # the manager is both 部门经理/主任 and 物业总经理
        (one,) = desk.browser("manager").get("/api/v1/approvals", Accept="application/json").json()
        assert "3,001.00" in desk.page("manager", f"/approvals/{one['approval']['id']}")
        assert desk.post("manager", f"/approvals/{one['approval']['id']}", decision="approve") == 204
    assert desk.order(order_id).approved_cents == 300_100
    assert "engineer-water" in desk.heard("work_order.approval")
    assert desk.step("engineer-water", order_id, "submit") == 204


def test_a_title_nobody_has_is_entered_from_paper(desk: Desk) -> None:
    order_id = desk.done()
    desk.step("duty", order_id, "rework", reason="还要换阀")
    body = {"kind": "material", "name": "阀门", "quantity": 1, "unit": "个", "price_cents": 150_000}
    assert desk.api("engineer-water", f"/work-orders/{order_id}/costs", body).status_code == 201
    hands = desk.api("engineer-water", f"/work-orders/{order_id}/approval").json()["approvals"]
    assert [one["title"] for one in hands] == ["部门主管", "部门经理/主任", "物业副总经理", "物业总经理"]
    for hand, username in zip(hands[:2], ("supervisor", "manager"), strict=True):
        assert desk.api(username, f"/approvals/{hand['id']}/decide", {"approve": True}).status_code == 200
    deputy = f"/approvals/{hands[2]['id']}/decide"
    assert desk.api("manager", deputy, {"approve": True}).status_code == 403
    assert desk.api("supervisor", deputy, {"approve": True, "paper": "审 7"}).status_code == 403
    assert desk.api("manager", deputy, {"approve": True, "paper": "审 2026-7"}).json()["paper"] == "审 2026-7"
    assert "审 2026-7" in desk.page("manager", f"/work-orders/{order_id}")


def test_a_request_is_accepted_with_a_signature(desk: Desk) -> None:
    order_id = desk.done()
    assert "data-signature" in desk.page("duty", f"/work-orders/{order_id}/steps/verify")
    assert desk.step("duty", order_id, "verify") == 422
    assert desk.step("duty", order_id, "verify", signature=SIGNATURE) == 422, "whose it is must be said"
    assert desk.step("duty", order_id, "verify", signature="data:,x", signer="王女士") == 422
    assert desk.order(order_id).state == "submitted"
    assert desk.step("duty", order_id, "verify", signature=SIGNATURE, signer="王女士") == 204
    form = desk.page("duty", f"/work-orders/{order_id}/form")
    assert "报修维修单" in form
    assert desk.order(order_id).number in form
    assert "王女士" in form


def test_who_signed_is_shown_to_those_who_need_to_know(desk: Desk) -> None:
    order_id = desk.done()
    signer = "3号楼502 王女士 13812345678"
    assert desk.step("duty", order_id, "verify", signature=SIGNATURE, signer=signer) == 204
    places = [f"/work-orders/{order_id}{tail}" for tail in ("", "/form")]
    places += [f"/api/v1/work-orders/{order_id}{tail}" for tail in ("", "/sheet")]
    for username, is_shown in (("duty", True), ("engineer-water", True), ("guard", False), ("engineer-fire", False)):
        pages = [desk.page(username, place) for place in places]
        assert ["13812345678" in page for page in pages] == [is_shown] * 4, username
        with desk.console.db.read() as s:
            photo = s.scalars(select(WorkOrderPicture.photo_id)).one()
        status = desk.browser(username).get(f"/patrol/photos/{photo}").status_code
        assert status == (200 if is_shown else 403), username


def test_photos_before_and_after(desk: Desk) -> None:
    order_id = desk.report()
    desk.step("duty", order_id, "accept")
    desk.step("duty", order_id, "dispatch", assignee="engineer-water")
    path = f"/api/v1/work-orders/{order_id}/pictures/abcdef012345?kind=before"

    def send(username: str, content: bytes, where: str = path) -> int:
        browser = desk.browser(username)
        headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "image/jpeg"}
        status: int = browser.client.post(where, content=content, headers=headers).status_code
        return status

    assert [send("engineer-water", JPEG), send("engineer-water", JPEG)] == [201, 201]
    assert send("engineer-water", b"GIF", path.replace("012", "999")) == 422
    assert send("engineer-fire", JPEG) == 403
    assert desk.page("engineer-water", f"/work-orders/{order_id}").count("<img") == 1
    assert desk.browser("engineer-water").get("/patrol/photos/yunhe/abcdef012345").status_code == 200


def test_an_unsatisfied_call_back_brings_a_rework_order(desk: Desk) -> None:
    order_id = desk.closed()
    listed = desk.page("duty", "/call-backs")
    assert desk.order(order_id).number in listed
    given = {"level": "service", "satisfied": False}
    assert desk.api("engineer-water", f"/work-orders/{order_id}/call-backs", given).status_code == 403
    assert desk.api("duty", f"/work-orders/{order_id}/call-backs", given).status_code == 422, "why not?"
    answer = desk.api("duty", f"/work-orders/{order_id}/call-backs", {**given, "answer": "又漏了"}).json()
    again = desk.order(answer["rework_id"])
    assert (again.origin, again.rework_of, again.state, again.category) == ("rework", order_id, "reported", "leak")
    assert desk.heard("work_order.rework") == {"duty", "supervisor"}
    assert again.number in desk.page("duty", f"/work-orders/{order_id}")
    assert desk.order(order_id).number in desk.page("duty", f"/work-orders/{again.id}")
    assert desk.api("duty", f"/work-orders/{order_id}/call-backs", {**given, "answer": "x"}).status_code == 409
    assert desk.order(order_id).number not in desk.page("duty", "/fragments/call-backs")


def test_samples_are_drawn_and_never_chosen(desk: Desk) -> None:
    closed = [desk.closed(place=f"{number} 号楼") for number in range(1, 6)]
    good = {"satisfied": True}
    for order_id in closed:
        call = f"/work-orders/{order_id}/call-backs"
        assert desk.api("supervisor", call, {**good, "level": "quality"}).status_code == 409, "not drawn"
    site = next(iter(desk.console.configs.sites))
    watch = CallBackTimers(desk.console.configs, "secret")
    with desk.console.db.begin() as s:
        watch.begin(s, desk.console.now)
        timer = timers.schedule(s, "call_back.watch", site, desk.console.now)
        assert watch.watch(s, timer, desk.console.now) == ""
        assert watch.watch(s, timer, desk.console.now) == "", "again draws no more"
        assert desk.console.now < timer.due_at <= desk.console.now + timedelta(days=1)
    answer = desk.browser("manager").get("/api/v1/call-backs", Accept="application/json").json()
    assert [(one["level"], one["needed"], one["drawn"]) for one in answer["levels"]] == [
        ("service", 5, 5), ("quality", 3, 3), ("director", 2, 2),
    ]  # fmt: skip
    due = [one for one in answer["waiting"] if one["level"] == "quality"]
    assert len(due) == 3
    call = f"/work-orders/{due[0]['work_order_id']}/call-backs"
    assert desk.api("duty", call, {**good, "level": "quality"}).status_code == 403
    assert desk.api("supervisor", call, {**good, "level": "quality"}).status_code == 201
    levels = desk.browser("manager").get("/api/v1/call-backs", Accept="application/json").json()["levels"]
    assert levels[1]["shortfall"] == 2


def test_calls_that_are_missing_are_told(desk: Desk) -> None:
    reported = desk.report(place="门岗")
    desk.closed()
    watch = CallBackTimers(desk.console.configs, "secret")
    with desk.console.db.begin() as s:
        progress = timers.schedule(s, "work_order.progress_due", reported, desk.console.now)
        assert watch.progress_due(s, progress, desk.console.now + timedelta(hours=1)) == "told the desk"
    assert desk.heard("work_order.progress") == {"duty", "supervisor"}
    site = next(iter(desk.console.configs.sites))
    later = desk.console.now.replace(day=28) if desk.console.now.day < 26 else desk.console.now
    with desk.console.db.begin() as s:
        timer = timers.schedule(s, "call_back.watch", site, later)
        watch.watch(s, timer, later)
    assert desk.heard("call_back.due") == {"duty", "supervisor", "manager"}

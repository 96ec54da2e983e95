"""Life safety is put aside by two people: the second signs in the same dialog, or in the same request."""

from typing import Any

import pytest
from console import LOW_ZONE, PASSWORD, Console
from sqlalchemy import select

from services.alert.tables import AlertEvent
from services.people.tables import LoginAttempt

WORDS: dict[str, object] = {"minutes": 30, "reason": "换压力表"}
SECOND = {"second_username": "supervisor", "second_password": PASSWORD}


@pytest.fixture
def critical(console: Console) -> str:
    """The id of an alert beyond its severe threshold."""
    alert = console.breach(value=0.7)
    assert console.alert(LOW_ZONE, "NUM-01").max_severity == "critical"
    return alert


@pytest.fixture(params=["page", "api"])
def shelve(request: pytest.FixtureRequest, console: Console, critical: str) -> Any:
    """Shelve it as the duty desk, on the page or over the API; status and document of the answer."""

    def ask(**second: str) -> tuple[int, dict[str, Any]]:
        with console.browser("duty") as browser:
            path = f"/alerts/{critical}/shelve"
            if request.param == "page":
                answer = browser.post(path, {**WORDS, **second})
            else:
                answer = browser.api(path, {**WORDS, **second})
        assert "hx-redirect" not in answer.headers, "a refused colleague must not sign the first person out"
        return answer.status_code, answer.json() if answer.content else {}

    return ask


def shelvings(console: Console, alert: str) -> list[AlertEvent]:
    with console.db.read() as s:
        return list(s.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert, AlertEvent.kind == "shelved")))


def test_the_dialog_asks_for_the_second_person_only_where_life_is_concerned(console: Console, critical: str) -> None:
    with console.browser("duty") as browser:
        assert 'name="second_password"' in browser.get(f"/alerts/{critical}/shelve").text
        console.hear("high-zone-pressure", 0.8, 4)
        usual = console.breach("high-zone-pressure", 0.95)
        assert 'name="second_password"' not in browser.get(f"/alerts/{usual}/shelve").text


def test_one_person_alone_is_refused(console: Console, critical: str, shelve: Any) -> None:
    status, document = shelve()
    assert status == 403
    assert document["needs_second_person"] is True
    assert shelvings(console, critical) == []


@pytest.mark.parametrize("name", ["duty", " duty "])
def test_the_same_person_twice_is_refused(console: Console, critical: str, shelve: Any, name: str) -> None:
    status, document = shelve(second_username=name, second_password=PASSWORD)
    assert (status, document["field"]) == (422, "second_username")
    assert shelvings(console, critical) == []


def test_a_wrong_password_is_refused_and_counted(console: Console, critical: str, shelve: Any) -> None:
    for _ in range(5):
        status, document = shelve(**{**SECOND, "second_password": "wrong password"})
        assert (status, document["field"]) == (422, "second_password")
    with console.db.read() as s:
        failed = s.scalars(select(LoginAttempt).where(~LoginAttempt.succeeded)).all()
    assert {(one.username, bool(one.ip)) for one in failed} == {("supervisor", True)}
    assert shelve(**SECOND)[0] == 429
    with console.browser() as browser:
        assert browser.sign_in("supervisor").status_code == 429
    assert shelvings(console, critical) == []


def test_the_refusal_is_a_sentence_in_the_dialog(console: Console, critical: str) -> None:
    with console.browser("duty") as browser:
        data = {**WORDS, **SECOND, "second_password": "wrong password"}
        answer = browser.post(f"/alerts/{critical}/shelve", data)
    assert answer.json()["sentence"] == "第二人的用户名或密码不正确。"


def test_a_second_person_who_may_not_shelve_is_refused(console: Console, critical: str, shelve: Any) -> None:
    assert shelve(second_username="guard", second_password=PASSWORD)[0] == 403
    assert shelvings(console, critical) == []


def test_two_entitled_people_may_and_the_history_names_both(console: Console, critical: str, shelve: Any) -> None:
    assert shelve(**SECOND)[0] in (200, 204)
    (event,) = shelvings(console, critical)
    assert (event.actor, event.data["second_actor"], event.data["reason"]) == ("duty", "supervisor", "换压力表")
    assert console.alert(LOW_ZONE, "NUM-01").shelved_by == "duty"
    with console.browser("duty") as browser:
        page = browser.get(f"/alerts/{critical}").text
    history = page[page.index("event-shelved") :].partition("</li>")[0]
    assert "监控中心值班" in history
    assert "设备主管" in history

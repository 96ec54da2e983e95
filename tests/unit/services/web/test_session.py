from datetime import timedelta

import pytest
from console import PASSWORD, Console

from services.people import service as people
from services.people.passwords import MAX_LENGTH
from services.web.pages.session import safe_next


def test_pages_ask_to_sign_in_and_come_back(console: Console) -> None:
    with console.browser() as browser:
        answer = browser.get("/work-orders?show=mine")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fwork-orders%3Fshow%3Dmine"
        form = browser.get(answer.headers["location"])
        assert 'name="next" value="/work-orders?show=mine"' in form.text


def test_the_cookie_is_httponly_and_lax(console: Console) -> None:
    with console.browser() as browser:
        cookie = browser.sign_in("duty").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_wrong_password_is_said_in_both_languages(console: Console) -> None:
    with console.browser() as browser:
        answer = browser.sign_in("duty", "wrong password")
        assert answer.status_code == 401
        assert "用户名或密码不正确" in answer.text
        browser.get("/sign-in?lang=en")
        assert "The username or the password is wrong" in browser.sign_in("duty", "wrong password").text


def test_guessing_is_locked_and_says_for_how_long(console: Console) -> None:
    with console.browser() as browser:
        for _ in range(5):
            assert browser.sign_in("duty", "wrong password").status_code == 401
        answer = browser.sign_in("duty")
        assert answer.status_code == 429
        assert "请在 15 分钟后再试" in answer.text
        assert 890 <= int(answer.headers["retry-after"]) <= 900
        console.clock.advance(timedelta(minutes=15, seconds=1))
        assert browser.sign_in("duty").status_code == 303


def test_an_expired_session_asks_to_sign_in_again(console: Console) -> None:
    with console.browser("duty") as browser:
        assert browser.get("/").status_code == 200
        console.clock.advance(people.SESSION_IDLE + timedelta(seconds=1))
        assert browser.get("/").status_code == 303
        fragment = browser.get("/fragments/alerts", **{"HX-Request": "true"})
        assert fragment.status_code == 401
        assert fragment.headers["hx-redirect"] == "/sign-in"


def test_using_the_console_keeps_the_session_in_use(console: Console) -> None:
    with console.browser("duty") as browser:
        for _ in range(4):
            console.clock.advance(timedelta(hours=2))
            assert browser.get("/").status_code == 200


def test_signing_out_ends_the_session_on_the_server_too(console: Console) -> None:
    with console.browser("duty") as browser:
        cookie = browser.client.cookies["gengfu_session"]
        assert browser.post("/sign-out").status_code == 303
        browser.client.cookies.set("gengfu_session", cookie)
        assert browser.get("/").status_code == 303


@pytest.mark.parametrize("path", ["/alerts/x/acknowledge", "/language", "/sign-out", "/api/v1/alerts/x/reset"])
def test_changes_need_the_csrf_token(console: Console, path: str) -> None:
    with console.browser("duty") as browser:
        assert browser.client.post(path).status_code == 403
        assert browser.client.post(path, headers={"X-CSRF-Token": "wrong"}).status_code == 403


def test_the_csrf_token_may_come_as_a_form_field(console: Console) -> None:
    with console.browser("duty") as browser:
        data = {"language": "en", "csrf_token": browser.csrf}
        assert browser.client.post("/language", data=data).status_code == 303


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_cannot_post_even_the_sign_in_form(console: Console, headers: dict[str, str]) -> None:
    with console.browser() as browser:
        data = {"username": "duty", "password": PASSWORD}
        assert browser.client.post("/sign-in", data=data, headers=headers).status_code == 403


def test_a_bearer_token_needs_no_csrf_and_a_wrong_one_never_falls_back_to_the_cookie(console: Console) -> None:
    alert = console.breach()
    token = console.token("duty", "read", "command")
    with console.browser("engineer-water") as browser:
        wrong = browser.client.get("/api/v1/me", headers={"Authorization": "Bearer gf_wrong"})
        assert wrong.status_code == 401
        answer = browser.client.post(
            f"/api/v1/alerts/{alert}/acknowledge", json={"occurrence": 1}, headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 200
    assert answer.json()["history"][-1]["actor"] == "duty"
    with console.db.read() as s:
        used = s.get(people.ApiToken, people.token_hash(token))
        assert used is not None
        assert used.last_used_at is not None, "the page of tokens says when each was last used"


def test_the_first_password_must_be_changed_before_anything_else(console: Console) -> None:
    with console.db.begin() as s:
        user = s.get(people.User, "duty")
        assert user is not None
        user.must_change_password = True
    with console.browser() as browser:
        assert browser.sign_in("duty").headers["location"] == "/password"
        assert browser.get("/").headers["location"] == "/password"
        assert browser.client.get("/api/v1/alerts", headers={"Accept": "application/json"}).status_code == 403
        form = browser.get("/password")
        token = form.text.split('name="csrf_token" value="')[1].split('"')[0]
        data = {"csrf_token": token, "current": PASSWORD, "new": "short"}
        assert "至少需要 10 个字符" in browser.client.post("/password", data=data).text
        data["new"] = "another-good-one"
        assert browser.client.post("/password", data=data).headers["location"] == "/"
        assert browser.get("/").status_code == 200


def test_guessing_the_current_password_is_locked_and_the_same_one_is_refused(console: Console) -> None:
    with console.browser("duty") as browser:
        data: dict[str, object] = {"current": PASSWORD, "new": PASSWORD}
        assert "新密码与当前密码相同" in browser.post("/password", data).text
        data = {"current": "wrong password", "new": "another-good-one"}
        assert [browser.post("/password", data).status_code for _ in range(5)] == [422] * 5
        answer = browser.post("/password", {**data, "current": PASSWORD})
        assert answer.status_code == 429
        assert "请在 15 分钟后再试" in answer.text
        assert int(answer.headers["retry-after"]) > 800


def test_the_language_is_remembered_with_the_account(console: Console) -> None:
    with console.browser("duty", language="en") as browser:
        assert "Duty console" in browser.get("/").text
    with console.browser("duty") as browser:
        assert '<html lang="en">' in browser.get("/").text


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\nb"]
)
def test_signing_in_never_leads_to_another_site(target: str) -> None:
    assert safe_next(target) == "/"


def test_an_endless_password_is_refused_before_it_is_hashed(console: Console) -> None:
    with console.browser() as browser:
        assert browser.sign_in("duty", "x" * (MAX_LENGTH + 1)).status_code == 422

"""Signed tags in a phone's browser: one read, one visit, whoever else has the address."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from console import SITE, Browser, Console
from sun_tags import KEYS, SunTag

from gateway.contract.events import TapEvent
from services.patrol.phone.items import DoorClosed
from services.patrol.sun.keys import installation_secret, put

UID = "04C9551AE71490"
PLACE = "pump-fire"
KEY_SET = "yunhe-2026"


class Door:
    """Remembers what went through it, by client id as the stream does."""

    def __init__(self) -> None:
        self.taps: dict[str, Mapping[str, Any]] = {}
        self.puts = 0
        self.closed = False

    def put(self, site: str, body: Mapping[str, Any]) -> None:
        if self.closed:
            raise DoorClosed("No room")
        TapEvent.model_validate({"id": "t-1", **body})
        assert site == SITE
        self.puts += 1
        self.taps[body["client_id"]] = body


@pytest.fixture
def door(console: Console) -> Door:
    found = Door()
    services = console.app.state.services
    console.app.state.services = replace(services, door=found)
    with console.db.begin() as s:
        put(s, installation_secret(services.settings), SITE, KEY_SET, KEYS, console.now)
    return found


@pytest.fixture
def tag() -> SunTag:
    return SunTag(UID)


def post(browser: Browser, url: str, client_id: str = "c1") -> Any:
    return browser.api("/patrol/sun", {"url": url, "client_id": client_id})


def test_a_read_becomes_a_tap(console: Console, door: Door, tag: SunTag) -> None:
    url = tag.read()
    with console.browser("guard") as browser:
        answer = post(browser, url)
        assert answer.status_code == 200
        assert answer.json() | {"at": "", "checkpoint_name": ""} == {
            "outcome": "verified", "accepted": True, "site": SITE, "checkpoint": PLACE, "checkpoint_name": "", "at": "",
        }  # fmt: skip
    (body,) = door.taps.values()
    assert (body["url"], body["guard"], body["at"]) == (url, "guard", "2026-11-21T02:00:00.000Z")


def test_the_same_tap_again_is_the_same_tap_at_its_first_time(console: Console, door: Door, tag: SunTag) -> None:
    url = tag.read()
    with console.browser("guard") as browser:
        door.closed = True
        assert post(browser, url).status_code == 503
        door.closed = False
        console.clock.advance(timedelta(minutes=20))
        assert post(browser, url).json()["outcome"] == "verified"
        assert post(browser, url).json()["outcome"] == "verified"
    (body,) = door.taps.values()
    assert body["at"] == "2026-11-21T02:00:00.000Z"


def test_somebody_else_with_the_same_address_or_the_same_client_id_is_refused(
    console: Console, door: Door, tag: SunTag
) -> None:
    url = tag.read()
    with console.browser("guard") as browser:
        post(browser, url)
        assert post(browser, url, "c2").json()["outcome"] == "replay"
    with console.browser("duty") as browser:
        answer = post(browser, url)
        assert answer.status_code == 409
        assert answer.json()["outcome"] == "replay"
    assert len(door.taps) == 1


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"), "bad_mac"),
        (lambda url: url[:-2], "malformed"),
        (lambda url: re.sub(r"e=\w{32}", "e=" + "0" * 32, url), "unknown_tag"),
        (lambda url: re.sub(r"e=\w{32}", "e=" + "0" * 48, url), "unsupported_lrp"),
    ],
)
def test_what_proves_nothing_is_refused_with_its_reason(
    console: Console, door: Door, tag: SunTag, change: Any, outcome: str
) -> None:
    with console.browser("guard") as browser:
        answer = post(browser, change(tag.read()))
        assert (answer.status_code, answer.json()["outcome"]) == (422, outcome)
    assert not door.taps


def test_keys_sealed_with_a_lost_secret_are_said_so(console: Console, door: Door, tag: SunTag) -> None:
    console.app.state.services.settings.secret_key_path.write_bytes(bytes(32))
    with console.browser("guard") as browser:
        assert post(browser, tag.read()).json()["outcome"] == "no_keys"


def test_only_people_who_are_signed_in_tap(console: Console, door: Door, tag: SunTag) -> None:
    url = tag.read()
    with console.browser() as browser:
        assert post(browser, url).status_code == 401
        sent_on = browser.get("/t?e=AB&c=CD")
        assert sent_on.status_code == 303
        assert sent_on.headers["location"] == "/sign-in?next=%2Ft%3Fe%3DAB%26c%3DCD"
        reader = {"Authorization": f"Bearer {console.token('guard', 'read')}"}
        refused = browser.client.post("/api/v1/patrol/sun", json={"url": url, "client_id": "c"}, headers=reader)
        assert refused.status_code == 403
    assert not door.taps


def test_a_thousand_posts_of_one_address_are_one_visit(console: Console, door: Door, tag: SunTag) -> None:
    url = tag.read()
    tokens = [console.token(username, "command", "read") for username in ("guard", "duty")]

    async def send_all() -> Counter[str]:
        # The handlers run in threads of their own, as many at a time as the server would use.
        transport = httpx.ASGITransport(console.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:

            async def send(number: int) -> str:
                headers = {"Authorization": f"Bearer {tokens[number % 2]}", "Accept": "application/json"}
                body = {"url": url, "client_id": f"c{number}"}
                return (await client.post("/api/v1/patrol/sun", json=body, headers=headers)).json()["outcome"]

            return Counter(await asyncio.gather(*map(send, range(1000))))

    assert asyncio.run(send_all()) == {"verified": 1, "replay": 999}
    assert door.puts == 1


def fields(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}


def test_the_page_behind_the_address_sends_the_tap(console: Console, door: Door, tag: SunTag) -> None:
    url = tag.read()
    path = url.removeprefix("https://gengfu.test")
    with console.browser("guard") as browser:
        page = browser.get(path)
        assert 'src="/static/tag.js' in page.text
        assert not door.taps, "opening a page changes nothing"
        assert fields(page.text)["url"] == path
        for _ in range(2):
            done = browser.post("/t", fields(page.text))
            assert done.status_code == 200
            assert "已记录" in done.text
    assert len(door.taps) == 1
    with console.browser("duty", language="en") as browser:
        refused = browser.post("/t", fields(page.text) | {"csrf_token": browser.csrf})
        assert refused.status_code == 409
        assert "has been used already" in unescape(refused.text)


def test_the_page_says_when_taps_cannot_be_kept(console: Console, door: Door, tag: SunTag) -> None:
    door.closed = True
    with console.browser("guard") as browser:
        answer = browser.post("/t", {"url": tag.read()})
    assert answer.status_code == 503
    assert "稍后" in answer.text


def test_saved_up_addresses_are_kept_and_marked(console: Console, door: Door, tag: SunTag) -> None:
    urls = [tag.read() for _ in range(4)]
    outcomes = []
    with console.browser("guard") as browser:
        for number, url in enumerate(urls):
            outcomes.append(post(browser, url, f"c{number}").json()["outcome"])
            console.clock.advance(timedelta(hours=1))
    assert outcomes == ["verified", "harvested", "harvested", "harvested"]
    assert len(door.taps) == 4

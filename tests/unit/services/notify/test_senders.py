"""Senders against a provider that works, refuses, is too busy, lies about success, and hangs."""

import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notify.model import Channel
from services.notify.senders import (
    RATE_LIMIT_WAIT,
    ConsoleSender,
    Outgoing,
    SendResult,
    Unconfigured,
    WebhookSender,
    WecomSender,
    build_sender,
    clip,
    retry_after,
)

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
MESSAGE = Outgoing(
    id="01JD00000000000000000A7XK2Q"[:26],
    idem_key="alert:01JD:opened:1:#duty@duty",
    attempt=2,
    site="yunhe",
    channel="duty",
    kind="alert.opened",
    subject_kind="alert",
    subject_id="01JD",
    severity="high",
    text="【高】压力偏离",
    marker="[#7XK2Q-2]",
    mobiles=("13800000000",),
)


class TestWebhook:
    def test_posts_json_with_idempotency_key_and_attempt(self, provider: Any, client: httpx.Client) -> None:
        assert WebhookSender(client, f"{provider.url}/hook").send(MESSAGE) == SendResult("ok", "200")
        (got,) = provider.got
        assert got.path == "/hook"
        assert (got.headers["Idempotency-Key"], got.headers["Gengfu-Attempt"]) == (MESSAGE.idem_key, "2")
        assert got.body["text"] == "【高】压力偏离\n[#7XK2Q-2]"
        assert got.body["subject"] == {"kind": "alert", "id": "01JD"}
        assert got.body["attempt"] == 2

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [(200, "ok"), (204, "ok"), (301, "permanent"), (400, "permanent"), (404, "permanent"), (410, "permanent"),
         (408, "retry_after"), (425, "retry_after"), (500, "retry_after"), (502, "retry_after"), (503, "retry_after")],
    )  # fmt: skip
    def test_the_status_decides(self, provider: Any, client: httpx.Client, status: int, outcome: str) -> None:
        provider.script = [provider.reply(status=status)]
        result = WebhookSender(client, provider.url).send(MESSAGE)
        assert (result.outcome, result.provider_code, result.wait) == (outcome, str(status), None)

    def test_too_many_requests_says_how_long(self, provider: Any, client: httpx.Client) -> None:
        provider.script = [
            provider.reply(status=429, headers={"Retry-After": "7"}),
            provider.reply(status=429),
            provider.reply(status=503, headers={"Retry-After": "9"}),
        ]
        sender = WebhookSender(client, provider.url)
        assert [sender.send(MESSAGE).wait for _ in range(3)] == [
            timedelta(seconds=7),
            RATE_LIMIT_WAIT,
            timedelta(seconds=9),
        ]

    def test_a_provider_that_hangs_costs_one_timeout(self, provider: Any, client: httpx.Client) -> None:
        provider.script = [provider.reply(hang=True)]
        result = WebhookSender(client, provider.url, timeout=timedelta(seconds=0.2)).send(MESSAGE)
        assert (result.outcome, result.provider_code, result.wait) == ("retry_after", "timeout", None)

    def test_nobody_there(self, client: httpx.Client) -> None:
        result = WebhookSender(client, "http://127.0.0.1:9/secret-path").send(MESSAGE)
        assert (result.outcome, result.provider_code) == ("retry_after", "unreachable")
        assert "secret-path" not in result.error

    @pytest.mark.parametrize("url", ["not a url", "ftp://127.0.0.1/x", "http://", "http://exa\x00mple"])
    def test_an_address_that_is_none_is_final(self, client: httpx.Client, url: str) -> None:
        assert WebhookSender(client, url).send(MESSAGE).outcome == "permanent"

    def test_an_endless_answer_is_not_read_to_its_end(self, provider: Any, client: httpx.Client) -> None:
        provider.script = [provider.reply(body=b"x" * 10_000_000)]
        assert WebhookSender(client, provider.url).send(MESSAGE).outcome == "ok"


class TestWecom:
    def send(self, provider: Any, client: httpx.Client, message: Outgoing = MESSAGE) -> SendResult:
        return WecomSender(client, KEY, base_url=provider.url).send(message)

    def test_posts_text_and_calls_out(self, provider: Any, client: httpx.Client) -> None:
        provider.script = [provider.reply(body={"errcode": 0, "errmsg": "ok"})]
        assert self.send(provider, client) == SendResult("ok", "0")
        (got,) = provider.got
        assert got.path == f"/cgi-bin/webhook/send?key={KEY}"
        assert got.body == {
            "msgtype": "text",
            "text": {"content": "【高】压力偏离\n[#7XK2Q-2]", "mentioned_mobile_list": ["13800000000"]},
        }

    @pytest.mark.parametrize(
        ("code", "outcome", "wait"),
        [
            (45009, "retry_after", RATE_LIMIT_WAIT),
            (-1, "retry_after", None),
            (99999, "retry_after", None),
            (93000, "permanent", None),
            (40058, "permanent", None),
        ],
    )
    def test_the_body_decides_under_http_200(
        self, provider: Any, client: httpx.Client, code: int, outcome: str, wait: timedelta | None
    ) -> None:
        provider.script = [provider.reply(body={"errcode": code, "errmsg": "said"})]
        result = self.send(provider, client)
        assert (result.outcome, result.provider_code, result.wait) == (outcome, str(code), wait)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"errcode": "x"}', b"null"])
    def test_an_answer_without_errcode_is_no_success(self, provider: Any, client: httpx.Client, body: bytes) -> None:
        provider.script = [provider.reply(body=body)]
        assert self.send(provider, client).outcome == "retry_after"

    def test_a_long_text_is_cut_at_a_character_and_keeps_its_marker(self, provider: Any, client: httpx.Client) -> None:
        provider.script = [provider.reply(body={"errcode": 0})]
        long = Outgoing(**{name: getattr(MESSAGE, name) for name in MESSAGE.__slots__} | {"text": "报警" * 2000})
        self.send(provider, client, long)
        content = provider.got[0].body["text"]["content"]
        assert len(content.encode()) <= 2048
        assert content.endswith("…\n[#7XK2Q-2]")

    def test_the_key_is_never_logged(
        self, provider: Any, client: httpx.Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        provider.script = [provider.reply(body={"errcode": 0}), provider.reply(status=500), provider.reply(hang=True)]
        sender = WecomSender(client, KEY, base_url=provider.url, timeout=timedelta(seconds=0.2))
        results = [sender.send(MESSAGE) for _ in range(3)]
        assert KEY not in caplog.text
        assert not [one for one in results if KEY in repr(one)]


class TestClip:
    @pytest.mark.parametrize("limit", range(12, 40))
    def test_never_longer_and_never_half_a_character(self, limit: int) -> None:
        cut = clip("水泵a故障😀水浸", "\n[#A]", limit)
        assert len(cut.encode()) <= limit
        assert cut.endswith("\n[#A]")

    def test_short_texts_are_left_alone(self) -> None:
        assert clip("水泵", "!", 7) == "水泵!"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "-3"}, 60),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:30 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 1),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:30 GMT"}, 60),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: int) -> None:
    assert retry_after(headers) == timedelta(seconds=seconds)


class TestBuilding:
    def test_console(self, client: httpx.Client) -> None:
        lines: list[str] = []
        sender = build_sender(Channel("log", "console"), {}, client, write=lines.append)
        assert isinstance(sender, ConsoleSender)
        assert sender.send(MESSAGE).outcome == "ok"
        assert lines == ["【高】压力偏离\n[#7XK2Q-2]"]

    def test_a_missing_secret_is_said_not_ignored(self, client: httpx.Client) -> None:
        sender = build_sender(Channel("duty", "wecom", secret_env="DUTY_KEY"), {}, client)
        assert isinstance(sender, Unconfigured)
        result = sender.send(MESSAGE)
        assert (result.outcome, result.error) == ("permanent", "channel duty: environment variable DUTY_KEY is empty")

    def test_by_kind(self, client: httpx.Client) -> None:
        environ = {"X": "secret"}
        assert isinstance(build_sender(Channel("a", "webhook", "X"), environ, client), WebhookSender)
        assert isinstance(build_sender(Channel("b", "wecom", "X"), environ, client), WecomSender)

"""Handing one message to one provider. A sender never raises for what a provider or network does: it reports it."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import httpx

from services.notify.model import Channel

TIMEOUT = timedelta(seconds=5)
"""For connecting, for each read, and for the whole answer."""
RATE_LIMIT_WAIT = timedelta(minutes=1)
"""When a provider says «too fast» without saying how long."""
WECOM_BASE = "https://qyapi.weixin.qq.com"
WECOM_TEXT_BYTES = 2048
"""A group robot refuses longer texts; bytes of UTF-8, not characters."""
_WECOM_TOO_FAST = 45009
_WECOM_BUSY = frozenset({-1, 45033})
"""System busy; too many calls at once."""
_WECOM_OURS = frozenset({40008, 40058, 41001, 44004, 93000, 93004, 93008})
"""Bad type, parameter or key, empty text, robot removed or barred: trying again changes nothing."""
_ANSWER_BYTES = 65_536

log = logging.getLogger("gengfu.notify")


class _HideRequests(logging.Filter):
    """The HTTP library logs whole addresses, and ours carry keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


logging.getLogger("httpx").addFilter(_HideRequests())


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as a provider gets it; `text` ends with the marker of id and attempt."""

    id: str
    idem_key: str
    attempt: int
    site: str
    channel: str
    kind: str
    subject_kind: str
    subject_id: str
    severity: str
    text: str
    marker: str
    mobiles: tuple[str, ...] = ()

    @property
    def full_text(self) -> str:
        """The text with its marker on a line of its own."""
        return f"{self.text}\n{self.marker}"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one attempt."""

    outcome: Literal["ok", "retry_after", "permanent"]
    provider_code: str = ""
    error: str = ""
    wait: timedelta | None = None
    """retry_after: the provider's rate limit asks for this pause; None: an ordinary failure."""


class Sender(Protocol):
    """Hands messages to one channel's provider."""

    def send(self, message: Outgoing) -> SendResult:
        """Try once."""


class ConsoleSender:
    """Writes messages to the log, or to whatever it is given."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or log.info

    def send(self, message: Outgoing) -> SendResult:
        """Always ok."""
        self._write(message.full_text)
        return SendResult("ok", "logged")


class Unconfigured:
    """Stands in for a channel that cannot work, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    def send(self, _message: Outgoing) -> SendResult:
        """Never ok."""
        return SendResult("permanent", "unconfigured", self._why)


class WebhookSender:
    """Posts JSON to an address; 2xx is ok, 429 and 503 may say how long to wait, other 4xx are final."""

    def __init__(self, client: httpx.Client, url: str, *, timeout: timedelta = TIMEOUT) -> None:
        self._client = client
        self._url = url
        self._timeout = timeout

    def send(self, message: Outgoing) -> SendResult:
        """Try once."""
        body = {
            "id": message.id,
            "idem_key": message.idem_key,
            "attempt": message.attempt,
            "site": message.site,
            "channel": message.channel,
            "kind": message.kind,
            "subject": {"kind": message.subject_kind, "id": message.subject_id},
            "severity": message.severity,
            "text": message.full_text,
            "mobiles": list(message.mobiles),
        }
        headers = {"Idempotency-Key": message.idem_key, "Gengfu-Attempt": str(message.attempt)}
        answer = _post(self._client, self._url, body, headers, self._timeout)
        return answer if isinstance(answer, SendResult) else SendResult("ok", str(answer.status))


class WecomSender:
    """A WeCom (企业微信) group robot: the `errcode` in the body decides, also under HTTP 200."""

    def __init__(
        self, client: httpx.Client, key: str, *, base_url: str = WECOM_BASE, timeout: timedelta = TIMEOUT
    ) -> None:
        self._client = client
        self._url = str(httpx.URL(f"{base_url}/cgi-bin/webhook/send", params={"key": key}))
        self._timeout = timeout

    def send(self, message: Outgoing) -> SendResult:
        """Try once."""
        text: dict[str, Any] = {"content": clip(message.text, f"\n{message.marker}", WECOM_TEXT_BYTES)}
        if message.mobiles:
            text["mentioned_mobile_list"] = list(message.mobiles)
        headers = {"Gengfu-Attempt": str(message.attempt)}
        answer = _post(self._client, self._url, {"msgtype": "text", "text": text}, headers, self._timeout)
        if isinstance(answer, SendResult):
            return answer
        try:
            document = json.loads(answer.body)
            code = int(document["errcode"])
            said = str(document.get("errmsg", ""))[:200]
        except (ValueError, KeyError, TypeError, AttributeError):
            return SendResult("retry_after", str(answer.status), "the answer carries no errcode")
        if code == 0:
            return SendResult("ok", "0")
        if code == _WECOM_TOO_FAST:
            return SendResult("retry_after", str(code), said, RATE_LIMIT_WAIT)
        if code in _WECOM_OURS:
            return SendResult("permanent", str(code), said)
        # An unknown code may be passing: the back-off ladder ends it if it is not.
        return SendResult("retry_after", str(code), said if code not in _WECOM_BUSY else f"busy: {said}")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


def _post(
    client: httpx.Client, url: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: timedelta
) -> _Answer | SendResult:
    """A 2xx answer, or what its absence means. Errors name their kind only: addresses hold secrets."""
    seconds = timeout.total_seconds()
    deadline = time.monotonic() + seconds
    try:
        with client.stream("POST", url, json=dict(body), headers=dict(headers), timeout=seconds) as response:
            content = b""
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > _ANSWER_BYTES:
                    break
                if time.monotonic() > deadline:
                    return SendResult("retry_after", "timeout", "the answer did not end in time")
    except httpx.TimeoutException as error:
        return SendResult("retry_after", "timeout", type(error).__name__)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        return SendResult("permanent", "bad_address", type(error).__name__)
    except httpx.HTTPError as error:
        return SendResult("retry_after", "unreachable", type(error).__name__)
    return _judge(response, content)


def _judge(response: httpx.Response, content: bytes) -> _Answer | SendResult:
    status = response.status_code
    code = str(status)
    if 200 <= status < 300:
        return _Answer(status, content)
    said = f"HTTP {status} {response.reason_phrase}"[:200]
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        return SendResult("retry_after", code, said, retry_after(response.headers))
    if status >= 500 or status in (408, 425):
        return SendResult("retry_after", code, said)
    return SendResult("permanent", code, said)


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """The pause a `Retry-After` header asks for (seconds, or a date against the answer's own); else a minute."""
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return timedelta(seconds=min(int(wanted[:6]), 86_400))
    try:
        pause = parsedate_to_datetime(wanted) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):  # no date, or one with a zone and one without
        return RATE_LIMIT_WAIT
    return max(pause, timedelta(seconds=1))


def clip(text: str, tail: str, limit: int) -> str:
    """`text + tail` within `limit` bytes of UTF-8: the text is cut at a character and ends with an ellipsis."""
    whole = text + tail
    if len(whole.encode()) <= limit:
        return whole
    ending = "…" + tail
    room = max(limit - len(ending.encode()), 0)
    return text.encode()[:room].decode(errors="ignore") + ending


def build_sender(
    channel: Channel,
    environ: Mapping[str, str],
    client: httpx.Client,
    *,
    wecom_base: str = WECOM_BASE,
    write: Callable[[str], None] | None = None,
) -> Sender:
    """The sender of a channel; a channel whose secret is missing fails with that reason instead of silently."""
    if channel.kind == "console":
        return ConsoleSender(write)
    secret = environ.get(channel.secret_env, "") if channel.secret_env else ""
    if not secret:
        return Unconfigured(f"channel {channel.name}: environment variable {channel.secret_env or '(none)'} is empty")
    if channel.kind == "webhook":
        return WebhookSender(client, secret)
    return WecomSender(client, secret, base_url=wecom_base)

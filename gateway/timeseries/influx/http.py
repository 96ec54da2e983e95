"""HTTP to InfluxDB: writes by `/api/v2/write`, InfluxQL by `/query` in chunks, and what an answer means."""

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import httpx

from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.store import StoreBroken, StoreBusy

MAX_ANSWER_BYTES = 64 << 20
_CHUNK_ROWS = 10_000
_MOST_STATEMENTS = 50
_MOST_RETRY_AFTER_S = 600.0
_FAMILIAR = re.compile(
    r"parse|partial write|field type|dropped|retention|invalid (?:field|tag|time|line)", re.IGNORECASE
)
_DROPPED = re.compile(r"\bdropped=(\d+)")

What = Literal["stored", "bad", "long", "denied", "later"]


class Outcome(NamedTuple):
    """What became of a write.

    stored; bad: some line will never be taken; long: send less at once; denied: a person has to mend something;
    later: send it again.
    """

    what: What
    reason: str = ""
    retry_after_s: float | None = None
    dropped: int = 0
    """How many lines the server says that it dropped; 0 when it does not say."""

    @property
    def is_familiar(self) -> bool:
        """Whether a refusal speaks of lines, as InfluxDB does, and is not some proxy's dislike of everything."""
        return _FAMILIAR.search(self.reason) is not None


@dataclass(slots=True)
class Series:
    """One series of an answer."""

    tags: Mapping[str, str]
    values: list[list[Any]] = field(default_factory=list)
    """Per row the time in ms, then what was selected."""


@dataclass(slots=True)
class _Answer:
    """What came for one statement."""

    series: dict[tuple[tuple[str, str], ...], Series] = field(default_factory=dict)
    is_whole: bool = False
    """Its last chunk has come. The end of the answer does not tell: a proxy may end well what was cut off behind it."""


def _trust(server: InfluxServer) -> ssl.SSLContext | bool:
    if not server.url.startswith("https:"):
        return False  # nothing to verify, and reading every certificate of the system takes its time
    return ssl.create_default_context(cafile=server.ca) if server.ca else True


def outcome(status: int, headers: Mapping[str, str], text: str) -> Outcome:
    """What an answer to a write means."""
    reason = _reason(status, text)
    if status == 204 or (200 <= status < 300 and not text.strip()):
        return Outcome("stored")  # InfluxDB has nothing to say of it: a page of somebody else is no confirmation
    if status in (400, 422):
        dropped = _DROPPED.search(reason)
        return Outcome("bad", reason, dropped=int(dropped[1]) if dropped else 0)
    if status == 413:
        return Outcome("long", reason)
    if status in (408, 425, 429) or status >= 500:
        return Outcome("later", reason, _retry_after(headers.get("retry-after", "")))
    return Outcome("denied", reason)


def _reason(status: int, text: str) -> str:
    try:
        said = json.loads(text)
        message = said.get("message") or said.get("error") or text
    except (ValueError, AttributeError):
        message = text
    return f"HTTP {status}: {str(message).strip()[:500]}"


def _retry_after(header: str) -> float | None:
    # The other form, a date, would have us compare two clocks: our own pause does as well.
    return min(float(header), _MOST_RETRY_AFTER_S) if header.strip().isdigit() else None


class Client:
    """One pool of connections. Any number of threads; every phase of every request has a time limit."""

    def __init__(self, server: InfluxServer, *, connect_s: float, answer_s: float, rest_s: float = 0.0) -> None:
        """`rest_s`: after a failure queries fail at once for so long, so that a page does not wait again and again."""
        user = f"{server.username}:" if server.username else ""
        headers = {"Authorization": f"Token {user}{server.token}"} if server.token or user else {}
        try:
            self._http = httpx.Client(
                base_url=server.url,
                headers=headers,
                timeout=httpx.Timeout(answer_s, connect=connect_s, pool=connect_s),
                verify=_trust(server),
                trust_env=False,
            )
        except (httpx.InvalidURL, ValueError, OSError) as error:
            raise StoreBroken(
                f"InfluxDB cannot be addressed as {server.url!r}: {error}",
                hint="Write GENGFU_INFLUX_URL like http://127.0.0.1:8086, GENGFU_INFLUX_CA as a path of a PEM file",
            ) from error
        self._server = server
        self._rest_s = rest_s
        self._answer_s = answer_s
        self._failed = False
        self._rest_until = 0.0

    def write(self, bucket: str, body: bytes) -> Outcome:
        """Send one gzip body of lines; never raises for what the server or the network does."""
        params = {"org": self._server.org, "bucket": bucket, "precision": "ns"}
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        try:
            answer = self._http.post("/api/v2/write", params=params, content=body, headers=headers)
        except httpx.HTTPError as error:
            return Outcome("later", f"{type(error).__name__}: {error}")
        return outcome(answer.status_code, answer.headers, answer.text)

    def query(self, database: str, statements: Sequence[str], *, must_exist: bool = False) -> list[list[Series]]:
        """The series of each statement; none where database, measurement or field do not exist yet.

        Raises StoreBusy when InfluxDB does not answer now (`must_exist`: or does not know the database, which a token
        without the right to read may be the reason of), StoreBroken when it will not answer this.
        """
        found: list[list[Series]] = []
        for first in range(0, len(statements), _MOST_STATEMENTS):
            found += self._ask(database, statements[first : first + _MOST_STATEMENTS], must_exist)
        return found

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, database: str, statements: Sequence[str], must_exist: bool) -> list[list[Series]]:
        if time.monotonic() < self._rest_until:
            raise self._away("it did not answer a moment ago")
        if self._failed and self._rest_s:  # one tries whether it is back; nobody else waits with him
            self._rest_until = time.monotonic() + self._answer_s
        form = {
            "db": database,
            "q": ";".join(statements),
            "epoch": "ms",
            "chunked": "true",
            "chunk_size": str(_CHUNK_ROWS),
        }
        found = [_Answer() for _ in statements]
        size = 0
        with self._explained(), self._http.stream("POST", "/query", data=form) as answer:
            self._failed, self._rest_until = False, 0.0
            if answer.status_code != 200:
                answer.read()
                self._refuse(answer.status_code, answer.text, must_exist)
                return [[] for _ in statements]
            for line in answer.iter_lines():
                size += len(line)
                if size > MAX_ANSWER_BYTES:
                    raise StoreBroken(
                        f"InfluxDB at {self._server.url} answered with more than {MAX_ANSWER_BYTES >> 20} MiB",
                        hint="Ask for a shorter period or a longer step",
                    )
                if line.strip() and not self._add(found, json.loads(line), must_exist):
                    return [[] for _ in statements]
        if not all(one.is_whole for one in found):
            raise self._away("its answer is cut short")
        return [list(one.series.values()) for one in found]

    def _add(self, found: Sequence["_Answer"], chunk: Mapping[str, Any], must_exist: bool) -> bool:
        """False: there is no such database, and the other statements were not executed."""
        for result in (*chunk.get("results", ()), *([chunk] if "error" in chunk else ())):
            of_statement = found[result.get("statement_id", 0)]
            of_statement.is_whole = not result.get("partial", False)
            if "error" in result:
                if "not found" in result["error"] and not must_exist:  # a database nobody has written to yet
                    return False
                raise StoreBusy(
                    f"InfluxDB at {self._server.url} could not answer: {result['error']}",
                    hint="Try again; if it stays, look at the log of InfluxDB",
                )
            for part in result.get("series", ()):
                tags = part.get("tags", {})
                series = of_statement.series.setdefault(tuple(sorted(tags.items())), Series(tags))
                series.values += part["values"]
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            self._failed, self._rest_until = True, time.monotonic() + self._rest_s
            raise self._away(f"{type(error).__name__} {error}".strip()) from error
        except ValueError as error:
            raise self._away(f"its answer is cut short or no JSON ({error})") from error

    def _refuse(self, status: int, text: str, must_exist: bool) -> None:
        reason = _reason(status, text)
        if status == 404 and "not found" in text and not must_exist:  # no such bucket yet
            return
        if status in (408, 425, 429) or status >= 500:
            raise self._away(reason)
        raise StoreBroken(
            f"InfluxDB at {self._server.url} refuses to answer: {reason}",
            hint="Check GENGFU_INFLUX_TOKEN and what it may read"
            if status in (401, 403)
            else "Check GENGFU_INFLUX_URL",
        )

    def _away(self, reason: str) -> StoreBusy:
        return StoreBusy(
            f"InfluxDB at {self._server.url} does not answer: {reason}",
            hint="Readings are kept in the spool meanwhile and alarms go on; check that InfluxDB runs",
        )

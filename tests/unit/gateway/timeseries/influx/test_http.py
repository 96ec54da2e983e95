"""What answers mean, and how queries fail; against a server that says what the test wants."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.timeseries.influx import http
from gateway.timeseries.influx.http import Client, outcome
from gateway.timeseries.influxdb import InfluxServer
from gateway.timeseries.store import StoreBroken, StoreBusy


@pytest.mark.parametrize(
    ("status", "text", "what"),
    [
        (204, "", "stored"),
        (200, "", "stored"),
        (200, "<html>Sign in to this network</html>", "denied"),
        (400, '{"code":"invalid","message":"unable to parse"}', "bad"),
        (422, '{"message":"partial write: dropped=1"}', "bad"),
        (413, "<html>too long</html>", "long"),
        (401, '{"code":"unauthorized"}', "denied"),
        (403, "", "denied"),
        (404, '{"error":"database not found"}', "denied"),
        (302, "", "denied"),
        (429, "", "later"),
        (408, "", "later"),
        (500, "[1]", "later"),
        (503, "", "later"),
    ],
)
def test_what_each_status_means(status: int, text: str, what: str) -> None:
    assert outcome(status, {}, text).what == what


def test_says_why_and_how_long_to_wait() -> None:
    said = outcome(503, {"retry-after": "7"}, '{"code":"unavailable","message":"overloaded"}')
    assert (said.reason, said.retry_after_s) == ("HTTP 503: overloaded", 7.0)
    assert outcome(503, {"retry-after": "99999"}, "").retry_after_s == 600.0
    assert outcome(503, {"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}, "").retry_after_s is None


def test_tells_words_about_lines_from_a_dislike_of_everything() -> None:
    partial = outcome(422, {}, '{"message":"partial write: points beyond retention policy dropped=3"}')
    assert (partial.dropped, partial.is_familiar) == (3, True)
    assert not outcome(400, {}, "<html>Bad Request</html>").is_familiar


class Stub:
    """Answers every request alike and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.declared = 200, b"", 0
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stub.asked.append((self.path, self.headers.get("Authorization", "")))
                stub.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(stub.status)
                self.send_header("Content-Length", str(stub.declared or len(stub.body)))
                self.end_headers()
                self.wfile.write(stub.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def running_stub() -> Iterator[Stub]:
    with closing(Stub()) as stub:
        yield stub


@pytest.fixture
def stub(running_stub: Stub) -> Stub:
    running_stub.status, running_stub.body, running_stub.declared = 200, b'{"results":[{"statement_id":0}]}\n', 0
    running_stub.asked.clear()
    running_stub.bodies.clear()
    return running_stub


@contextmanager
def client(stub: Stub, **more: str) -> Iterator[Client]:
    with closing(Client(InfluxServer(stub.url, **more), connect_s=2, answer_s=2)) as one:
        yield one


def test_signs_in_as_each_version_wants_it(stub: Stub) -> None:
    for more in ({}, {"token": "T"}, {"username": "u", "token": "p"}):
        with client(stub, **more) as one:
            one.query("db", ["SELECT 1"])
    assert [header for _, header in stub.asked] == ["", "Token T", "Token u:p"]


def test_the_token_is_not_in_its_repr() -> None:
    assert "hush" not in repr(InfluxServer("http://127.0.0.1:1", token="hush"))


def test_puts_chunks_of_one_series_together(stub: Stub) -> None:
    chunks = [
        {"results": [{"statement_id": 0, "series": [{"tags": {"point": "a"}, "values": [[1, 2.0]]}], "partial": True}]},
        {"results": [{"statement_id": 0, "series": [{"tags": {"point": "a"}, "values": [[2, 3.0]]}]}]},
        {"results": [{"statement_id": 1, "series": [{"tags": {"point": "b"}, "values": [[1, 4.0]]}]}]},
    ]
    stub.body = "\n".join(json.dumps(one) for one in chunks).encode()
    with client(stub) as one:
        first, second = one.query("db", ["SELECT 1", "SELECT 2"])
    assert [(series.tags, series.values) for series in first] == [({"point": "a"}, [[1, 2.0], [2, 3.0]])]
    assert [(series.tags, series.values) for series in second] == [({"point": "b"}, [[1, 4.0]])]


def test_asks_in_pieces(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_STATEMENTS", 2)
    stub.body = b'{"results":[{"statement_id":0}]}\n{"results":[{"statement_id":1}]}\n'
    with client(stub) as one:
        assert one.query("db", ["SELECT 1"] * 4) == [[]] * 4
        assert one.query("db", []) == []
    assert len(stub.asked) == 2


def test_what_does_not_exist_yet_is_empty(stub: Stub) -> None:
    stub.body = b'{"results":[{"statement_id":0,"error":"database not found: gengfu_raw"}]}'
    with client(stub) as one:
        assert one.query("db", ["SELECT 1"]) == [[]]
        stub.status, stub.body = 404, b'{"code":"not found","message":"bucket not found"}'
        assert one.query("db", ["SELECT 1"]) == [[]]


def test_without_a_database_no_statement_is_executed(stub: Stub) -> None:
    stub.body = (
        b'{"results":[{"statement_id":0,"error":"database not found: gengfu_1h"}]}\n'
        b'{"results":[{"statement_id":0,"error":"not executed"}]}\n'
    )
    with client(stub) as one:
        assert one.query("db", ["SELECT 1"] * 2) == [[], []]
        with pytest.raises(StoreBusy, match="database not found"):
            one.query("db", ["SELECT 1"] * 2, must_exist=True)


@pytest.mark.parametrize(
    "body", [b"", b'{"results":[{"statement_id":0,"series":[{"values":[[1,2.0]]}],"partial":true}]}\n']
)
def test_an_answer_without_its_last_chunk_is_no_answer(stub: Stub, body: bytes) -> None:
    stub.body = body
    with client(stub) as one, pytest.raises(StoreBusy, match="cut short"):
        one.query("db", ["SELECT 1"])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_busy(stub: Stub, status: int) -> None:
    stub.status, stub.body = status, b'{"message":"engine is closed"}'
    with client(stub) as one, pytest.raises(StoreBusy, match=r"does not answer.*engine is closed.*alarms go on"):
        one.query("db", ["SELECT 1"])


@pytest.mark.parametrize(("status", "what"), [(401, "GENGFU_INFLUX_TOKEN"), (400, "GENGFU_INFLUX_URL")])
def test_a_refusal_says_what_to_look_at(stub: Stub, status: int, what: str) -> None:
    stub.status, stub.body = status, b'{"message":"no"}'
    with client(stub) as one, pytest.raises(StoreBroken, match=what):
        one.query("db", ["SELECT 1"])


def test_an_error_within_an_answer_is_no_empty_answer(stub: Stub) -> None:
    stub.body = b'{"results":[{"statement_id":0,"error":"timeout"}]}'
    with client(stub) as one, pytest.raises(StoreBusy, match="could not answer: timeout"):
        one.query("db", ["SELECT 1"])


@pytest.mark.parametrize("body", [b'{"results":[{"statement_id":0,', b"<html>"])
def test_a_broken_answer_is_no_short_answer(stub: Stub, body: bytes) -> None:
    stub.body = body
    with client(stub) as one, pytest.raises(StoreBusy, match="cut short or no JSON"):
        one.query("db", ["SELECT 1"])
    stub.declared = len(body) + 10
    with client(stub) as one, pytest.raises(StoreBusy, match="does not answer"):
        one.query("db", ["SELECT 1"])


def test_an_endless_answer_is_cut_off(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 20)
    with client(stub) as one, pytest.raises(StoreBroken, match="shorter period"):
        one.query("db", ["SELECT 1"])


def test_after_a_failure_it_fails_at_once_for_a_while() -> None:
    with closing(Client(InfluxServer("http://127.0.0.1:9"), connect_s=1, answer_s=1, rest_s=60)) as one:
        with pytest.raises(StoreBusy, match="ConnectError"):
            one.query("db", ["SELECT 1"])
        with pytest.raises(StoreBusy, match="a moment ago"):
            one.query("db", ["SELECT 1"])
        assert one.write("raw", b"").what == "later"


def test_one_finds_out_whether_a_server_that_hung_is_back_and_nobody_waits_with_him() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, and says nothing
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with closing(Client(InfluxServer(url), connect_s=1, answer_s=0.5, rest_s=1e-9)) as one:
            with pytest.raises(StoreBusy, match="ReadTimeout"):
                one.query("db", ["SELECT 1"])
            failures: list[str] = []

            def ask() -> None:
                with pytest.raises(StoreBusy) as caught:
                    one.query("db", ["SELECT 1"])
                failures.append(str(caught.value))

            first = threading.Thread(target=ask)
            mute.accept()[0].close()
            first.start()
            with mute.accept()[0]:  # he is at it
                ask()
                first.join()
    assert ["a moment ago" in failure for failure in failures] == [True, False]


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="GENGFU_INFLUX_CA"):
        Client(InfluxServer("https://127.0.0.1:9", ca=tmp_path / "none.crt"), connect_s=1, answer_s=1)

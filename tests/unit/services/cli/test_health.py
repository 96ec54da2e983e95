"""What a health check says, by what it finds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import get_args

import pytest

from services.cli import health
from services.cli.health import TEXTS, Beat, Role, judge_beats, judge_sign, look, sign, sign_path
from services.kernel import leases
from services.kernel.db import Database
from services.kernel.heartbeat import beat
from services.kernel.settings import Settings

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HOST = "c0ffee"


@pytest.mark.parametrize(
    ("beats", "said"),
    [
        ([Beat("a", NOW, 2.0)], "well"),
        ([Beat("a", NOW - timedelta(seconds=29), None)], "well"),
        ([Beat("a", NOW - timedelta(seconds=31), 2.0)], "silent"),
        ([Beat("a", NOW + timedelta(hours=1), 2.0)], "silent"),
        ([Beat("a", NOW, 1.0)], "deaf"),
        ([Beat("b", NOW, 2.0)], "no_sign"),
        ([], "no_sign"),
    ],
)
def test_a_process_is_well_while_it_beats_and_hears(beats: list[Beat], said: str) -> None:
    verdict = judge_beats(["a"], {one.holder: one for one in beats}, NOW)
    assert (verdict.text, verdict.is_well) == (said, said == "well")


@pytest.mark.parametrize(
    ("ago_s", "oldest_s", "said"),
    [(0, 0, "well"), (44, 299, "well"), (46, 0, "silent"), (-60, 0, "silent"), (0, 301, "waiting")],
)
def test_a_gateway_is_well_while_it_turns_and_receipts_come(ago_s: int, oldest_s: int, said: str) -> None:
    assert judge_sign(NOW - timedelta(seconds=ago_s), 9, oldest_s, NOW).text == said


def settings(tmp_path: Path, db: Database | None = None, **more: object) -> Settings:
    url = db.url.render_as_string(hide_password=False) if db is not None else ""
    values = {"data_dir": tmp_path, "database_url": url, **more}
    return Settings(_env_file=None, **values)


def test_an_ingest_without_leases_answers_for_its_own_group(sqlite_db: Database, tmp_path: Path) -> None:
    mine = settings(tmp_path, sqlite_db, ingest_group="north")
    with sqlite_db.begin() as session:
        beat(session, "ingest", "other:north", NOW, connected=2)
    assert look("ingest", mine, NOW, HOST).text == "no_sign"
    with sqlite_db.begin() as session:
        beat(session, "ingest", f"{HOST}:north", NOW, connected=2)
    assert look("ingest", mine, NOW, HOST).is_well
    assert look("ingest", mine, NOW + timedelta(minutes=1), HOST).text == "silent"


def test_an_ingest_with_leases_answers_for_what_it_holds(postgres_db: Database, tmp_path: Path) -> None:
    mine = settings(tmp_path, postgres_db, ingest_groups=2)
    assert look("ingest", mine, NOW, HOST).text == "no_sign"
    with postgres_db.begin() as session:
        leases.live(session, f"{HOST}:1:abc")
    assert look("ingest", mine, NOW, HOST).text == "stands_by"
    with postgres_db.begin() as session:
        assert leases.take(session, "ingest:g01of02", f"{HOST}:1:abc")
        assert leases.take(session, "ingest:g02of02", "elsewhere:1:def")
        beat(session, "ingest", "g01of02", NOW, connected=1)
    assert look("ingest", mine, NOW, HOST).text == "deaf"
    with postgres_db.begin() as session:
        beat(session, "ingest", "g01of02", NOW, connected=2)
    assert look("ingest", mine, NOW, HOST).is_well


def test_each_worker_answers_for_itself(sqlite_db: Database, tmp_path: Path) -> None:
    mine = settings(tmp_path, sqlite_db)
    with sqlite_db.begin() as session:
        beat(session, "worker", "other:1", NOW)
        beat(session, "worker", f"{HOST}:1", NOW - timedelta(hours=1))
    assert look("worker", mine, NOW, HOST).text == "silent"
    with sqlite_db.begin() as session:
        beat(session, "worker", f"{HOST}:7", NOW)
    assert look("worker", mine, NOW, HOST).is_well, "the one before it has died"


def test_a_database_that_is_away_is_told_and_not_made(tmp_path: Path) -> None:
    assert look("worker", settings(tmp_path), NOW, HOST).text == "unreachable"
    assert not list(tmp_path.iterdir())
    away = settings(tmp_path, database_url="postgresql+psycopg://x@127.0.0.1:1/x")
    assert look("ingest", away, NOW, HOST).text == "unreachable"


def test_a_gateway_is_asked_by_its_sign(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    assert look("gateway", mine, NOW, HOST).text == "no_sign"
    sign(tmp_path, NOW, 0, None)
    assert look("gateway", mine, NOW, HOST).is_well
    sign(tmp_path, NOW, 12, timedelta(minutes=6))
    late = look("gateway", mine, NOW, HOST)
    assert (late.text, late.figures) == ("waiting", {"count": 12, "seconds": 360})
    sign_path(tmp_path).write_text("{")
    assert look("gateway", mine, NOW, HOST).text == "no_answer"


@pytest.fixture
def console() -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(self.server.status)  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, True), (500, False), (404, False)])
def test_web_is_well_when_it_answers_even_that_others_are_not(
    console: HTTPServer, tmp_path: Path, status: int, is_well: bool
) -> None:
    console.status = status  # type: ignore[attr-defined]
    port = console.server_address[1]
    assert look("web", settings(tmp_path, web_host="0.0.0.0", web_port=port), NOW, HOST).is_well is is_well


def test_the_command_ends_with_a_code_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENGFU_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        health.main(["gateway", "--lang", "en"])
    assert (ended.value.code, capsys.readouterr().out) == (
        1, f"gateway gave no sign of life: {tmp_path / 'gateway.sign'}\n"
    )  # fmt: skip


def test_every_sentence_has_the_figures_of_its_twin() -> None:
    assert not [key for key, (zh, en) in TEXTS.items() if set_of(zh) != set_of(en)]
    assert set(get_args(Role)) == {"ingest", "worker", "web", "gateway"}


def set_of(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}

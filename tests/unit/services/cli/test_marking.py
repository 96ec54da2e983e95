"""The worker's marks: nothing without a Grafana, and the right ones with one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Console
from grafana import StubGrafana, stub_grafana
from processes import until

from services.cli.marking import console_of, grafana_of, marking
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.settings import Settings


@pytest.fixture
def stub() -> Iterator[StubGrafana]:
    with stub_grafana() as stub:
        yield stub


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def test_without_address_or_token_nothing_is_told(one_db: Database, stub: StubGrafana) -> None:
    stop = threading.Event()
    for given in ({}, {"grafana_url": stub.url}, {"grafana_token": "t"}):
        found = settings(**given)
        assert grafana_of(found) is None
        with marking(found, one_db, None, SystemClock(), stop) as pusher:  # type: ignore[arg-type]
            assert pusher is None
    assert not stub.asked
    assert not stop.is_set()


def test_an_alert_reaches_grafana_with_a_link_to_its_page(one_db: Database, stub: StubGrafana, tmp_path: Path) -> None:
    console = Console(one_db, tmp_path)
    alert = console.breach()
    found = settings(
        grafana_url="https://grafana.example.com", grafana_api_url=stub.url, grafana_token=stub.token,
        public_url="https://gengfu.example.com/",
    )  # fmt: skip
    stop = threading.Event()
    with marking(found, one_db, console.configs, console.clock, stop):
        until(lambda: stub.marks, "the mark")
    assert stop.is_set(), "its thread ends with the block"
    console.close()
    [mark] = stub.marks.values()
    assert f'href="https://gengfu.example.com/alerts/{alert}"' in mark["text"]
    assert f"alert:{alert}" in mark["tags"]


def test_the_console_is_where_people_reach_it() -> None:
    assert console_of(settings(public_url="https://a/")) == "https://a"
    assert console_of(settings()) == "http://127.0.0.1:8600"

"""The worker's helper that makes reports: what it says is heard, and it ends when the worker does."""

import sys
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from services.cli.processes.reporting import Beside, ReportsFailed

SINCE = date(2026, 10, 1)


def helper(code: str) -> Beside:
    """A helper of so many lines; it gets the options after them."""
    return Beside((sys.executable, "-c", code))


def test_it_is_asked_for_a_site_and_its_failure_is_told() -> None:
    helper("import sys; assert sys.argv[1:] == ['--site', 'yunhe', '--since', '2026-10-01']").make("yunhe", SINCE)
    with pytest.raises(ReportsFailed, match=r"^记录读不出来$"):
        helper("print('other'); print('记录读不出来'); raise SystemExit(1)").make("yunhe", SINCE)
    with pytest.raises(ReportsFailed, match="it ended with 3"):
        helper("raise SystemExit(3)").make("yunhe", SINCE)


def test_who_stops_waits_for_no_report(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    beside = helper(f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(60)")
    failed: list[Exception] = []

    def make() -> None:
        try:
            beside.make("yunhe", SINCE)
        except ReportsFailed as error:
            failed.append(error)

    making = threading.Thread(target=make)
    making.start()
    until = time.monotonic() + 20
    while not begun.exists() and time.monotonic() < until:
        threading.Event().wait(0.01)
    beside.halt()
    making.join(10)
    assert not making.is_alive()
    assert failed == []  # it was ended, it did not fail
    beside.make("yunhe", SINCE)  # nothing is begun any more

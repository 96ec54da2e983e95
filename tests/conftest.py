"""What holds for every test."""

import os
from collections.abc import Generator

import pytest
from database import databases, db, new_db, one_db, postgres_db, postgres_server, sqlite_db, sqlite_template
from hypothesis import settings
from influx import influx_server, influx_session

__all__ = [
    "databases",
    "db",
    "influx_server",
    "influx_session",
    "new_db",
    "one_db",
    "postgres_db",
    "postgres_server",
    "sqlite_db",
    "sqlite_template",
]

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
"""The same examples in every run, however busy the machine; to look for new ones: --hypothesis-profile=default."""

NO_SKIP = os.environ.get("GENGFU_NO_SKIP") == "1"
"""In CI a test that was skipped has not passed: the server it needs was to be installed."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file of integration tests stays on one core: its servers are started once."""
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but GENGFU_NO_SKIP=1: {report.longreprtext}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where none is allowed."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    _fail_if_skipped(report)
    return report

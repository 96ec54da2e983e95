"""Tests of fire pumps over the API: read by everybody, entered by who may write the fire ledger."""

from datetime import timedelta
from typing import Any

import pytest
from console import SITE, START, Console

HOUR = timedelta(hours=1)


def body(**changes: Any) -> dict[str, Any]:
    return {
        "site": SITE, "pump": "hydrant-pump-1", "kind": "quarterly_flow", "at": (START - HOUR).isoformat(),
        "passed": True, "facts": {"flow": 38.5},
    } | changes  # fmt: skip


def test_what_is_entered_is_in_the_list(console: Console) -> None:
    with console.browser("engineer-fire") as browser:
        answer = browser.api("/pump-tests", body())
        assert answer.status_code == 201, answer.text
        listed = browser.get("/api/v1/pump-tests").json()
        elsewhere = browser.get("/api/v1/pump-tests?station=sprinkler").json()
    assert [(one["equipment"], one["station"], one["by"], one["facts"]) for one in listed] == [
        ("hydrant-pump-1", "hydrant", "engineer-fire", {"flow": 38.5})
    ]
    assert elsewhere == []


@pytest.mark.parametrize(
    ("who", "change", "status"),
    [
        ("guard", {}, 403),
        ("duty", {"pump": "hydrant-jockey"}, 404),
        ("duty", {"site": "elsewhere"}, 404),
        ("duty", {"passed": False}, 422),
        ("duty", {"at": (START + HOUR).isoformat()}, 422),
        ("duty", {"at": "0001-01-01T00:00:00+14:00"}, 422),
        ("duty", {"kind": "jockey_day"}, 422),
        ("duty", {"facts": {"flow": -1}}, 422),
        ("duty", {"facts": {"colour": 1}}, 422),
        ("duty", {"note": "x" * 501}, 422),
    ],
)
def test_what_cannot_be_is_refused(console: Console, who: str, change: dict[str, Any], status: int) -> None:
    with console.browser(who) as browser:
        assert browser.api("/pump-tests", body(**change)).status_code == status
        assert browser.get("/api/v1/pump-tests").json() == []

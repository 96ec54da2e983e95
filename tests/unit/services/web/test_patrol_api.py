from datetime import timedelta

import pytest
from console import START, Console
from patrol_rows import anomaly, missed, walked

HOUR = timedelta(hours=1)


@pytest.fixture
def seeded(console: Console) -> Console:
    with console.db.begin() as s:
        walked(s, "walked", start=START - 3 * HOUR)
        lost = missed(s, "missed", start=START - 2 * HOUR)
        s.add(anomaly("a1", "missed", f"{lost.id}:0", START, round_id=lost.id))
        s.add(anomaly("a2", "late", "x", START, withdrawn_at=START))
    return console


def test_rounds_are_listed_and_filtered(seeded: Console) -> None:
    with seeded.browser("duty") as browser:

        def names(query: str) -> list[str]:
            return [
                one["id"] for one in browser.get(f"/api/v1/patrol/rounds?{query}", Accept="application/json").json()
            ]

        assert names("") == ["yunhe/walked", "yunhe/missed"]
        assert names("state=missed&site=yunhe&route=buildings") == ["yunhe/missed"]
        assert names("site=other") == []
        assert names("from=2026-11-21T00:00:00Z&to=2026-11-21T00:00:01Z") == ["yunhe/missed"]
        assert browser.get("/api/v1/patrol/rounds?from=2020-01-01T00:00:00Z").status_code == 422


def test_one_round_with_its_reasons_and_its_history(seeded: Console) -> None:
    with seeded.browser("duty") as browser:
        found = browser.get("/api/v1/patrol/rounds/yunhe/walked").json()
        assert browser.get("/api/v1/patrol/rounds/yunhe/none").status_code == 404
    first, second = found["stop_list"]
    assert (first["verdict"], first["tap"]["evidence"]) == ("on_time", "sun")
    assert (second["verdict"], second["rule"]) == ("too_fast", "leg")
    assert second["because"] == ["yunhe/patrol-app/walked-1", "yunhe/patrol-app/walked-2"]
    assert "20 秒" in second["why"]
    assert [change["now"] for change in found["history"]] == ["on_time", "complete"]
    assert found["route_kind"] == "building"


def test_an_anomaly_is_closed_once_by_who_may(seeded: Console) -> None:
    def listed(query: str = "") -> list[str]:
        with seeded.browser("duty") as browser:
            return [one["id"] for one in browser.get(f"/api/v1/patrol/anomalies{query}").json()]

    assert listed() == ["a1"]
    with seeded.browser("duty") as browser:
        assert browser.api("/patrol/anomalies/a1/close", {"comment": "no right to"}).status_code == 403
    with seeded.browser("manager") as browser:
        assert browser.api("/patrol/anomalies/a1/close", {"comment": "x"}).status_code == 422
        answer = browser.api("/patrol/anomalies/a1/close", {"comment": "门禁故障"})
        assert (answer.status_code, answer.json()["closed_by"]) == (200, "manager")
        again = browser.api("/patrol/anomalies/a1/close", {"comment": "again"})
        assert (again.status_code, again.json()["current"]) == (409, {"state": "closed"})
    assert (listed(), listed("?closed=true")) == ([], ["a1"])

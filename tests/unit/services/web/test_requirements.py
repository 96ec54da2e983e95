from datetime import timedelta

import pytest
from console import SITE, START, Console
from patrol_rows import tap

from services.alert import service as alerts
from services.patrol.tables import PatrolWatermark
from services.web.queries import requirements
from services.web.queries.patrol_names import Names
from services.web.queries.requirements import RuleRow, SubjectRow

HOUR = timedelta(hours=1)
"""START is Saturday, ten in the morning there."""


@pytest.fixture
def judged(console: Console) -> Console:
    """A requirement broken at one place and kept at another; the day's and the week's visits partly made."""
    with console.db.begin() as s:
        for where in ("garage-north-ramp", "pump-domestic", "pump-fire"):
            what = f"rule:cadence-grade-3:{where}"
            s.add(PatrolWatermark(site=SITE, what=what, since=START - 30 * HOUR, until=START, raised_at=None))
        s.add(tap("ramp", "garage-north-ramp", START - HOUR))
        s.add(tap("pump", "pump-domestic", START - 72 * HOUR, "guard-2"))
        s.add(tap("lobby", "lobby-1", START - 2 * HOUR))
        s.add(tap("post", "gate-east", START - 11 * HOUR))
        activation = alerts.Activation(
            site=SITE,
            rule="PATROL-GAP/cadence-grade-3",
            target=f"{SITE}/pump-domestic",
            title="x",
            title_en="x",
            severity="medium",
            event_at=START,
            policy={},
        )
        alerts.raise_alert(s, activation, START)
    return console


def found(console: Console) -> dict[str, RuleRow]:
    with console.db.read() as s:
        rows = requirements.rules(s, console.configs.site(SITE), Names(console.configs, "en"), console.now)
    return {row.rule.id: row for row in rows}


def at(rule: RuleRow, name: str) -> SubjectRow:
    return next(row for row in rule.rows if row.name == name)


def test_a_longest_gap_counts_from_the_last_visit_however_long_ago(judged: Console) -> None:
    garage = found(judged)["cadence-grade-3"]
    kept = at(garage, "North garage ramp")
    assert (kept.standing, kept.last_at, kept.last_by) == ("met", START - HOUR, "Guard")
    assert kept.due is not None
    assert kept.due.due_at == START + 2 * HOUR
    broken = at(garage, "Domestic pump room")
    assert (broken.standing, broken.last_at, broken.last_by) == ("broken", START - 72 * HOUR, "Evening patrol guard")
    assert broken.alert is not None
    never = at(garage, "Fire pump room")
    assert (never.standing, never.last_at, never.alert) == ("broken", None, None)
    unjudged = at(garage, "Switch room")
    assert (unjudged.standing, unjudged.due) == ("unknown", None)
    assert [row.due is None for row in garage.rows] == [False] * 3 + [True] * (len(garage.rows) - 3)


def test_a_day_is_done_or_still_to_do(judged: Console) -> None:
    daily = found(judged)["must-check-daily"]
    done, waiting = at(daily, "Lobby of building 1"), at(daily, "Lobby of building 2")
    assert (done.standing, waiting.standing) == ("met", "waiting")
    assert done.due is not None
    assert waiting.due is not None
    assert done.due.due_at - waiting.due.due_at == timedelta(days=1)
    assert waiting.due.due_at == START + 14 * HOUR


def test_only_a_supervisor_s_visit_at_night_is_a_spot_check(judged: Console) -> None:
    (spot,) = found(judged)["night-spot-check"].rows
    assert (spot.standing, spot.last_at, spot.choices[0]) == ("waiting", None, "East gate")
    with judged.db.begin() as s:
        s.add(tap("day", "gate-west", START - 20 * HOUR, "supervisor", role="supervisor"))
    (spot,) = found(judged)["night-spot-check"].rows
    assert (spot.standing, spot.last_where) == ("waiting", "West gate"), "at two in the afternoon"
    with judged.db.begin() as s:
        s.add(tap("night", "gate-east", START - 10 * HOUR, "manager", role="manager"))
    (spot,) = found(judged)["night-spot-check"].rows
    assert (spot.standing, spot.last_where, spot.last_by) == ("met", "East gate", "Property manager")


def test_what_is_not_in_force_wants_nobody(judged: Console) -> None:
    judged.clock.advance(timedelta(days=90))
    (unit,) = found(judged)["decoration-daily"].rows
    assert unit.standing == "inactive"


def test_the_page_shows_the_sum_the_breach_and_the_countdown(judged: Console) -> None:
    with judged.browser("duty") as browser:
        page = browser.get("/patrol/requirements").text
        part = browser.get("/patrol/requirements", **{"HX-Request": "true"}).text
        assert browser.get("/patrol/requirements?site=none").status_code == 404
    assert "<html" in page
    assert "<html" not in part
    assert '当前未满足</dt><dd class="fact-big num">2</dd>' in part
    assert 'data-due="2026-11-21T04:00:00.000Z"' in part
    assert 'href="/alerts/' in part
    assert "PER-17" in part
    assert "任一处：" in part

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from gateway.contract.times import from_ms, to_ms
from gateway.simulator.fire_days import Stage, Step, fire, steps, storm
from gateway.simulator.fire_days import days as whole_days
from gateway.simulator.fire_panel import Panel, Report
from gateway.simulator.fire_points import numbered
from gateway.simulator.scenario import FireAct

ZONE = ZoneInfo("Asia/Shanghai")
START_MS = to_ms(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
DAY_MS = 86_400_000


def stage_of(seed: int = 1, count: int = 96) -> Stage:
    return Stage(numbered(count), seed, ZONE)


def first_days(stage: Stage, days: float = 28, *acts: FireAct, start_ms: int = START_MS) -> list[Step]:
    stream: Iterator[Step] = steps(acts, stage, start_ms) if acts else whole_days(stage, start_ms)
    return list(takewhile(lambda one: one.at_ms < start_ms + days * DAY_MS, stream))


def told(found: list[Step]) -> list[Step]:
    return [one for one in found if one.do not in ("value", "state", "clock")]


def reports(panel: Panel, found: list[Step]) -> list[Report]:
    return [report for step in found for report in panel.apply(step)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_are_in_order_and_the_same_for_the_same_seed(seed: int) -> None:
    found = first_days(stage_of(seed))
    whole = first_days(stage_of(seed), 1, FireAct(kind="day", start=timedelta(0)))
    assert [one for one in found if one.at_ms < START_MS + DAY_MS] == told(whole)
    assert {one.do for one in whole} >= {"value", "state", "clock"}
    assert all(one.at_ms <= two.at_ms for one, two in pairwise(found))
    assert found == first_days(stage_of(seed))
    assert told(found) != told(first_days(stage_of(seed + 1)))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_four_weeks_hold_everything_a_building_has_to_say(seed: int) -> None:
    found = told(first_days(stage_of(seed)))
    words = Counter((one.do, one.word) for one in found)
    for state in ("fault", "shield", "supervisory"):
        assert words["begin", state]
        assert abs(words["begin", state] - words["end", state]) <= 4  # what is under way at either end
    assert words["operate", "test"] == words["system_begin", "test"] == words["system_end", "test"] == 4
    fires = [one for one in found if "火警（模拟）" in one.text]
    assert len({one.at_ms // DAY_MS for one in fires}) == 1
    assert fires[0].at_ms - START_MS < 8 * DAY_MS
    assert {one.component.kind for one in fires if one.component} >= {"smoke", "manual_call_point"}


def test_tests_are_on_wednesdays_at_ten_and_works_on_working_days() -> None:
    found = told(first_days(stage_of()))
    tested = [from_ms(one.at_ms).astimezone(ZONE) for one in found if one.word == "test" and one.do == "operate"]
    assert {(one.weekday(), one.hour) for one in tested} == {(2, 10)}
    begun = [from_ms(one.at_ms).astimezone(ZONE) for one in found if (one.do, one.word) == ("begin", "shield")]
    assert all(one.weekday() < 5 and 8 <= one.hour < 12 for one in begun)


def test_some_shield_is_forgotten_for_more_than_a_day() -> None:
    lasted: list[int] = []
    for seed in range(6):
        begun: dict[str, int] = {}
        for one in told(first_days(stage_of(seed))):
            if one.word == "shield" and one.component is not None:
                if one.do == "begin":
                    begun[one.component.address] = one.at_ms
                else:
                    lasted.append(one.at_ms - begun.pop(one.component.address))
    assert any(ms > DAY_MS for ms in lasted)
    assert sum(ms > DAY_MS for ms in lasted) < len(lasted) / 2


def test_a_fire_spreads_is_fought_and_leaves_one_detector_latched() -> None:
    stage = stage_of()
    panel = Panel(stage.components, START_MS)
    found = fire(stage, START_MS)
    said = [one for one in reports(panel, found) if one.kind == "component" and one.component is not None]
    burning = [one.component for one in said if "fire" in one.words and one.component]
    assert burning[0].kind == "smoke"
    assert len({one.address for one in burning if one.kind in ("smoke", "heat")}) >= 4
    assert "manual_call_point" in {one.kind for one in burning}
    pump = [one.words for one in said if one.component and one.component.kind == "pump"]
    assert pump == [("start",), ("start", "feedback"), ()]
    assert "water_flow" in {one.component.kind for one in said if one.component and "feedback" in one.words}
    operated = [one.word for one in found if one.do == "operate"]
    assert operated == ["confirm", "silence", "reset", "reset", "cleared"]
    reset = next(one.at_ms for one in found if one.word == "reset")
    again = [one for one in said if one.at_ms > reset and "fire" in one.words]
    assert len(again) == 1
    assert again[0].component in burning
    assert said[-1].words == ()
    assert panel.system_words() == ()


def test_a_storm_is_as_many_components_as_asked_for_within_two_seconds() -> None:
    stage = stage_of(count=60)
    found = storm(stage, START_MS, 500, 2_000)
    assert len({one.component.address for one in found if one.component}) == 500
    assert found[0].at_ms == START_MS
    assert START_MS + 1_900 < found[-1].at_ms < START_MS + 2_000
    assert [one.component for one in found[:60]] == list(stage.components)
    assert "500" in found[0].text
    assert "500" in found[0].text_en


def test_a_reset_ends_alarms_and_leaves_faults_and_shields() -> None:
    stage = stage_of()
    panel = Panel(stage.components, START_MS)
    one, two = stage.components[:2]
    for word in ("fault", "fire"):
        panel.apply(Step(START_MS, "begin", one, word))
    panel.apply(Step(START_MS, "begin", two, "shield"))
    said = panel.apply(Step(START_MS, "operate", word="reset", operator=3))
    assert [(report.kind, report.words) for report in said] == [("operation", ("reset",)), ("component", ("fault",))]
    assert (panel.words_of(one.address), panel.words_of(two.address)) == (("fault",), ("shield",))
    assert panel.system_words() == ("fault", "shield")


def test_what_changes_nothing_is_not_reported() -> None:
    stage = stage_of()
    panel, one = Panel(stage.components, START_MS), stage.components[0]
    assert panel.apply(Step(START_MS, "end", one, "fault")) == []
    assert len(panel.apply(Step(START_MS, "begin", one, "fault"))) == 1
    assert panel.apply(Step(START_MS, "begin", one, "fault")) == []


def test_acts_repeat_and_end_by_themselves() -> None:
    act = FireAct(kind="fault", target="heat#0", start="1min", duration="5min", every="1h")
    found = told(first_days(stage_of(), 0.1, act))
    minutes = [((one.at_ms - START_MS) // 60_000, one.do) for one in found]
    assert minutes == [(1, "begin"), (6, "end"), (61, "begin"), (66, "end"), (121, "begin"), (126, "end")]
    assert {one.component.kind for one in found if one.component} == {"heat"}


def test_an_act_tells_in_its_own_words_or_not_at_all() -> None:
    said = FireAct(kind="alarm", target="smoke#1", start="1s", zh="{name}起火", en="{name} burns")
    quiet = FireAct(kind="alarm", target="smoke#2", start="2s", quiet=True)
    found = told(first_days(stage_of(), 0.01, said, quiet))
    assert [(one.text, one.text_en) for one in found] == [("1层感烟探测器1-2起火", "smoke 1-2 burns"), ("", "")]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"kind": "alarm"}, "either start or local_time"),
        ({"kind": "alarm", "start": "1s", "local_time": "01:00"}, "either start or local_time"),
        ({"kind": "fault", "start": "1s", "duration": "10s", "every": "5s"}, "every must not be shorter"),
        ({"kind": "day", "start": "1s", "every": "24h"}, "leave out every"),
        ({"kind": "flood", "start": "1s"}, "kind"),
        ({"kind": "storm", "start": "1s", "size": 0}, "size"),
    ],
)
def test_impossible_acts_are_refused(fields: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        FireAct.model_validate(fields)

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.simulator.scenario import Fault, Guard, ScenarioError, load_scenario, shipped_scenarios


def test_shipped_scenarios_all_load() -> None:
    assert set(shipped_scenarios()) >= {
        "demo",
        "calm",
        "storm",
        "night_leak",
        "backlog",
        "clock_skew",
        "patrol",
        "fire",
    }
    for name in shipped_scenarios():
        scenario = load_scenario(name)
        assert scenario.id == name
        assert scenario.name
        assert scenario.name_en


def test_a_mistyped_name_gets_a_suggestion() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'nigth_leak'\. Did you mean night_leak\?"):
        load_scenario("nigth_leak")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("faults: [", "not YAML"),
        ("id: x\nname: x\nname_en: x\nfaults:\n  - {kind: flood, target: a, start: 1s, duration: 1s}", "faults.0.kind"),
        ("id: x\nname: x\nname_en: x\nspeed: 3", "speed"),
        ("- 1", "scenario"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError, match=what):
        load_scenario(path)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="Cannot read"):
        load_scenario(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"start": "1s", "local_time": "01:00", "duration": "1s"}, "either start or local_time"),
        ({"duration": "1s"}, "either start or local_time"),
        ({"start": "1s", "duration": 0}, "longer than 0"),
        ({"start": "1s", "duration": "10s", "every": "5s"}, "every must not be shorter"),
        ({"start": "1s", "duration": "1s", "kind": "burst", "size": 1e9}, "between 1 and 1000"),
    ],
)
def test_impossible_faults_are_refused(fields: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Fault.model_validate({"kind": "leak", "target": "a", **fields})


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"start": "1s", "local_time": "01:00"}, "either start or local_time"),
        ({"every": "59s"}, "a minute or more"),
        ({"behaviour": "asleep"}, "behaviour"),
        ({"one_in": 0}, "one_in"),
    ],
)
def test_impossible_guards_are_refused(fields: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Guard.model_validate(fields)


def test_behaviours_have_sizes_of_their_own() -> None:
    assert Guard(behaviour="late").amount == timedelta(minutes=25)
    assert Guard(behaviour="wrong_clock", by=timedelta(hours=1)).amount == timedelta(hours=1)
    assert Guard().amount == timedelta(0)

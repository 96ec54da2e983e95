"""The pump logic and its shipped limits against the physical station: every fault in time, good days in silence."""

from itertools import pairwise

import pytest
from pump_station import simulate
from pump_trial import DAY, START_MS, Fault, find, judge, leak, month, samples, short_faults


@pytest.mark.parametrize(
    "fault", [*short_faults(), leak(8, 0, hours=1), leak(60, 0, hours=1)], ids=lambda one: one.name
)
def test_a_planted_fault_is_found_in_time(fault: Fault) -> None:
    found = find(fault, seed=1)
    assert found.in_time, f"{found.after_s} s of {fault.aim_s}"
    assert not found.others


def test_good_days_are_silent_and_tests_are_seen() -> None:
    rows = simulate(
        int(1.7 * DAY), [event._replace(at_s=event.at_s - 4 * DAY) for event in month(6) if event.at_s > 4 * DAY]
    )
    outcome = judge(samples(rows, START_MS, seed=2))
    assert outcome.breaches == []
    assert [(test.kind, test.passed) for test in outcome.tests] == [("monthly_manual", True), ("quarterly_flow", True)]
    true_starts = sum(after.jockey and not before.jockey for before, after in pairwise(rows))
    jockey_runs = [run for run in outcome.runs if run.role == "jockey"]
    assert len(jockey_runs) == true_starts > 5
    assert all(abs(run.start_pressure - 0.60) < 0.005 for run in jockey_runs if run.start_pressure is not None)
    assert all(abs(run.stop_pressure - 0.68) < 0.01 for run in jockey_runs if run.stop_pressure is not None)
    assert {run.verdict for run in outcome.runs} == {""}
    assert {run.cause for run in jockey_runs} == {"automatic"}

"""Status and presence told from history, against an hour-by-hour loop."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.equipment.tables import Equipment, EquipmentEvent
from services.report.collect.ledger import presence_of
from services.report.collect.standing import GONE, Standing, turns_of
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 20, tzinfo=UTC))
FIRST, END = OCTOBER.since_at, OCTOBER.until_at
HOUR = timedelta(hours=1)
STATES = ("in_use", "stopped", "repair", "scrapped")
KINDS = {"gone": "undeclared", "here": "declared"}


def event(seq: int, at: datetime, what: str, seen: datetime | None = None) -> EquipmentEvent:
    """`what`: a status, or gone or here."""
    kind, data = (KINDS[what], {}) if what in KINDS else ("status", {"old": "in_use", "new": what})
    return EquipmentEvent(equipment_id="e", seq=seq, at=seen or at, event_at=at, kind=kind, actor="x", data=data)


def standing(created_at: datetime, *events: EquipmentEvent) -> Standing:
    return Standing(Equipment(id="e", name="泵"), turns_of(created_at, events, OCTOBER))


def test_what_is_registered_after_the_end_was_not_there() -> None:
    assert not standing(END).live
    assert presence_of(standing(END), OCTOBER).live == timedelta(0)


def test_what_happened_after_the_end_or_was_heard_after_the_cutoff_is_not_seen() -> None:
    late = event(2, END - HOUR, "repair", seen=OCTOBER.now + HOUR)
    assert standing(FIRST, event(1, END, "stopped"), late).state == "in_use"


def test_an_event_told_late_counts_from_when_it_happened() -> None:
    one = standing(FIRST, event(1, FIRST + HOUR, "stopped", seen=END + HOUR))
    assert presence_of(one, OCTOBER).intact == HOUR


def test_a_status_given_while_it_was_gone_holds_when_it_is_back() -> None:
    steps = ("gone", "stopped", "here")
    one = standing(FIRST, *(event(no, FIRST + no * HOUR, what) for no, what in enumerate(steps, 1)))
    assert [turn.state for turn in one.turns] == ["in_use", "gone", "gone", "stopped"]


@given(
    st.integers(-200, 700),
    st.lists(st.tuples(st.integers(-150, 800), st.sampled_from([*STATES, *KINDS])), max_size=8),
)
def test_an_hourly_loop_sees_the_same(created: int, steps: list[tuple[int, str]]) -> None:
    steps = sorted((max(hour, created), what) for hour, what in steps)
    one = standing(
        FIRST + created * HOUR,
        *(event(no, FIRST + hour * HOUR, what) for no, (hour, what) in enumerate(steps, 1)),
    )
    live = intact = 0
    for hour in range((END - FIRST) // HOUR):
        if hour < created:
            continue
        state, here = "in_use", True
        for at, what in steps:
            if at <= hour:
                state, here = (state, what == "here") if what in KINDS else (what, here)
        if here and state not in GONE:
            live += 1
            intact += state == "in_use"
    found = presence_of(one, OCTOBER)
    assert (found.live / HOUR, found.intact / HOUR) == (live, intact)

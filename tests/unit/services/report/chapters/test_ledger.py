"""The ledger by hand: intact both ways, complete entries, bands of expiry with their bounds."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.report.chapters.ledger import Entry, Expiry, LedgerFacts, Presence, band, chapter, last_day
from services.report.model import Chapter, Figure, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
END = OCTOBER.until_at
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def entry(key: str, state: str = "in_use", since: datetime = END - 90 * DAY, missing: tuple[str, ...] = ()) -> Entry:
    return Entry(key, f"设备{key}", "生活水泵", "给排水系统", state, since, missing)


def paper(key: str, expires_on: date) -> Expiry:
    return Expiry(key, "certificate", "电梯年检合格证", f"{key} 号梯", "", expires_on)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def test_intact_at_the_end_and_over_the_month() -> None:
    facts = LedgerFacts(
        entries=(entry("a"), entry("b", "stopped", END - 30 * HOUR), entry("c", "repair", END - HOUR), entry("d")),
        presence=(Presence("a", "a", 31 * DAY, 31 * DAY), Presence("b", "b", 31 * DAY, 31 * DAY - 30 * HOUR)),
    )
    made = chapter(OCTOBER, facts)
    at_end, by_time = figure(made, "equipment.intact"), figure(made, "equipment.intact_time")
    assert (at_end.value, at_end.numerator, at_end.denominator) == (50, 2, 4)
    assert by_time.value == pytest.approx(100 * (1 - 30 / (2 * 31 * 24)))
    assert by_time.denominator == 2 * 31 * 24
    assert [row[0] for row in table(made, "ledger_down").rows] == ["设备b", "设备c"]
    assert made.decisions == ("1 台设备停用或维修超过 24 小时：设备b。",)


def test_a_gap_makes_an_entry_incomplete() -> None:
    made = chapter(OCTOBER, LedgerFacts(entries=(entry("a"), entry("b", missing=("owner", "file")))))
    complete = figure(made, "ledger.complete")
    assert (complete.value, complete.verdict) == (50, "missed")
    assert table(made, "ledger_gaps").rows[0][2] == "责任人、技术档案"


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "已过期"), (0, "7 天内"), (7, "7 天内"), (8, "30 天内"), (30, "30 天内"), (31, "60 天内"), (60, "60 天内"),
     (61, "90 天内"), (90, "90 天内"), (91, "")],
)  # fmt: skip
def test_the_last_day_of_a_band_belongs_to_it(days: int, words: str) -> None:
    assert band(days) == words


def test_what_expires_is_told_from_the_last_local_day() -> None:
    assert last_day(OCTOBER) == date(2026, 10, 31)
    facts = LedgerFacts(
        expiries=(
            paper("1", date(2026, 10, 30)),
            paper("2", date(2026, 10, 31)),
            paper("3", date(2026, 11, 30)),
            paper("4", date(2027, 1, 29)),
            paper("5", date(2027, 1, 30)),
        )
    )
    made = chapter(OCTOBER, facts)
    assert (figure(made, "ledger.expired").value, figure(made, "ledger.expired").verdict) == (1, "missed")
    assert figure(made, "ledger.expiring").value == 2
    rows = table(made, "ledger_expiring").rows
    assert [(row[0], row[5]) for row in rows] == [("已过期", -1), ("7 天内", 0), ("30 天内", 30), ("90 天内", 90)]
    assert made.conclusions[0][1].startswith("1 项证照或期限已过期，最早为电梯年检合格证（1 号梯，2026-10-30）")


def test_an_empty_ledger_is_no_data() -> None:
    made = chapter(OCTOBER, LedgerFacts())
    assert {one.figure.verdict for one in made.figures} == {"no_data"}


def test_an_empty_ledger_is_not_said_to_be_complete() -> None:
    empty, whole = (chapter(OCTOBER, LedgerFacts(entries=entries)) for entries in ((), (entry("a"),)))
    for name in ("ledger_down", "ledger_gaps"):
        assert table(empty, name).empty == "本月无记录"
        assert table(whole, name).empty != "本月无记录"

"""What the terminal tells: every step once, in order, in the person's language."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.alert import service as alerts
from services.cli.narrator import Narrator
from services.kernel.db import Database

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def raise_one(db: Database, now: datetime = NOW) -> str:
    activation = alerts.Activation(
        site="yunhe",
        rule="NUM-01",
        target="yunhe/low-zone-pressure",
        title="低区出口压力：偏离",
        title_en="Low-zone pressure: off",
        severity="high",
        event_at=now,
        value=0.62,
        unit="MPa",
        limit_text="0.450 ± 0.100 MPa",
    )
    with db.begin() as session:
        return alerts.raise_alert(session, activation, now).alert.id


@pytest.mark.parametrize(
    ("english", "raised", "cleared"),
    [
        (False, "18:00:00  报警  低区出口压力：偏离  0.62 MPa (限值 0.450 ± 0.100 MPa)", "恢复正常"),
        (True, "18:00:00  Alert  Low-zone pressure: off  0.62 MPa (limit 0.450 ± 0.100 MPa)", "Back to normal"),
    ],
)
def test_news_is_told_once(db: Database, english: bool, raised: str, cleared: str) -> None:
    narrator = Narrator(db, SHANGHAI, english=english)
    assert narrator.news() == []
    raise_one(db)
    assert narrator.news() == [raised]
    assert narrator.news() == []
    later = NOW + timedelta(minutes=1)
    with db.begin() as session:
        alerts.clear_alert(session, "NUM-01", "yunhe/low-zone-pressure", later, 0.45, later)
    (line,) = narrator.news()
    assert line.startswith(f"18:01:00  {cleared}  ")


def test_what_happened_before_is_no_news(db: Database) -> None:
    raise_one(db)
    assert Narrator(db, SHANGHAI, english=True).news() == []

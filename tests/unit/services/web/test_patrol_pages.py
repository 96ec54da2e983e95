import csv
import re
from datetime import date, timedelta
from io import BytesIO, StringIO

import pytest
from console import START, Console
from openpyxl import load_workbook
from patrol_rows import anomaly, missed, patrol_round, stop, tap, walked

from services.alert import service as alerts
from services.flows.patrol import emergency
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import Anomaly, DutyTime, PatrolWatermark, Phone
from services.web import live
from services.web.i18n import LANGUAGES
from services.web.queries.patrol_report import exception_report

HOUR = timedelta(hours=1)
DAY = "2026-11-21"
"""START is ten in the morning there."""
PAGES = [
    "/patrol",
    "/patrol?hours=24&shift=day&site=yunhe",
    "/fragments/patrol?hours=6",
    "/patrol/rounds/yunhe/walked",
    "/patrol/rounds/yunhe/missed",
    "/patrol/rounds/yunhe/now",
    "/patrol/handover",
    "/patrol/requirements",
    "/patrol/taps",
    "/patrol/taps?guard=guard&checkpoint=lobby-1&mark=desk",
    "/patrol/taps?unknown=true",
    "/patrol/anomalies",
    "/patrol/anomalies?show=closed",
    "/patrol/anomalies/{anomaly}/close",
    f"/patrol/report?day={DAY}",
    f"/patrol/report?day={DAY}&shift=day",
    "/patrol/report?day=2020-01-01",
    "/patrol/exceptions",
    f"/patrol/exceptions?from={DAY}&to={DAY}",
    "/patrol/month",
    "/patrol/month?month=2026-10",
]


@pytest.fixture
def seeded(console: Console) -> dict[str, str]:
    """A round walked, one missed, one under way; an unknown tag, a phone, somebody on duty."""
    day = f"day@{DAY}"
    with console.db.begin() as s:
        done = walked(s, "walked", start=START - 3 * HOUR, shift=day)
        done.visited, done.flagged = 2, 1
        lost = missed(s, "missed", start=START - 2 * HOUR, shift=day)
        now = patrol_round("now", start=START - HOUR / 6, shift=day, state="open", short_of="role supervisor")
        s.add(now)
        s.flush()
        s.add_all([stop(now, 0), stop(now, 1)])
        odd = {"answers": {"handrail": False, "friction": 0.61}, "findings": ["handrail"], "note": "扶手松动"}
        s.add(tap("desk", "lobby-1", START - HOUR, marks=["desk", "clock_skew"], verdict="extra", **odd))
        s.add(tap("unknown", None, START - HOUR, "badge:0013961168", verdict="extra", marks=["unknown_tag"]))
        ref = f"{lost.id}:0"
        s.add(anomaly("a1", "missed", ref, START - 2 * HOUR, round_id=lost.id, checkpoint="lobby-1", shift=day))
        closed = {"closed_at": START, "closed_by": "supervisor", "comment": "调去救火"}
        s.add(anomaly("a2", "late", "x", START - 5 * HOUR, guard="guard", shift=day, **closed))
        s.add(Phone(id="yunhe/p1", username="guard", heard_at=START - HOUR, queued=3))
        s.add(DutyTime(id="d1", site="yunhe", username="guard", shift=day, on_at=START - 3 * HOUR, off_at=None))
    console.alive()
    return {"anomaly": "a1"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_renders_in_both_languages(console: Console, seeded: dict[str, str], language: str) -> None:
    with console.browser("supervisor", language) as browser:
        answers = {path: browser.get(path.format(**seeded)) for path in PAGES}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 200} == {}
    styled = [path for path, answer in answers.items() if "style=" in answer.text]
    assert not styled, "the content security policy allows no inline style"
    if language == "zh":
        assert {path: words for path, answer in answers.items() if (words := english(answer.text))} == {}


def english(page: str) -> set[str]:
    """English words that a Chinese page shows."""
    main = page[page.index("<main") : page.index("</main>")] if "<main" in page else page
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z]{4,}", text)) - {"xlsx", "patrol", "phone"}


def test_the_board_says_who_is_where_and_what_is_next(console: Console, seeded: dict[str, str]) -> None:
    with console.browser("duty") as browser:
        page = browser.get("/patrol").text
    assert "楼内内圈" in page
    assert 'href="/patrol/rounds/yunhe/missed"' in page
    assert "tl-round is-missed" in page
    assert "应巡" in page
    assert "安管员" in page
    assert "043A91B26C5980" in page
    assert "工卡 0013961168" in page
    assert '<b class="num">3</b> 条待传' in page
    assert "is-silent" in page
    assert "a1" not in re.findall(r'id="close-(\w+)"', page), "the duty desk answers for nothing"


def test_a_cry_for_help_is_on_top_and_duress_is_kept_from_guards(console: Console) -> None:
    policy = console.configs.site("yunhe").policy("patrol_sos").model_dump(mode="json")
    with console.db.begin() as s:
        for rule, title in ((emergency.SOS_RULE, "紧急求助"), (emergency.DURESS_RULE, "胁迫下交班")):
            raised = alerts.Activation(
                "yunhe", rule, "yunhe/guard", title, severity="critical", event_at=START, policy=policy
            )
            alerts.raise_alert(s, raised, START)
    pages = {}
    for username in ("duty", "guard"):
        with console.browser(username) as browser:
            pages[username] = browser.get("/patrol").text
    assert re.findall(r'class="sos [^"]*is-unseen"', pages["duty"]) != []
    assert "紧急求助" in pages["duty"]
    assert "胁迫下交班" in pages["duty"]
    assert "紧急求助" in pages["guard"]
    assert "胁迫下交班" not in pages["guard"]


def test_a_round_says_why(console: Console, seeded: dict[str, str]) -> None:
    with console.browser("supervisor") as browser:
        done = browser.get("/patrol/rounds/yunhe/walked").text
        lost = browser.get("/patrol/rounds/yunhe/missed").text
    assert "从 1号楼大堂 过来只用了 20 秒，至少需要 45 秒。" in done
    assert "签名标签" in done
    assert "设备的单调时钟" in done
    assert "没有打点，宽限时间已过。" in lost
    assert 'id="close-a1"' in lost


def test_a_miss_that_may_still_be_cleared_up_is_called_so(console: Console) -> None:
    with console.db.begin() as s:
        missed(s, "maybe", start=START - 2 * HOUR, unconfirmed=True)
    with console.browser("supervisor", "en") as browser:
        page = browser.get("/patrol/rounds/yunhe/maybe").text
    assert "a device is silent and may still deliver one" in page
    assert "Missed, unconfirmed" in page


def test_taps_are_filtered(console: Console, seeded: dict[str, str]) -> None:
    def rows(browser: object, query: str) -> int:
        return browser.get(f"/patrol/taps?{query}").text.count("<tr>") - 1  # type: ignore[attr-defined]

    with console.browser("duty") as browser:
        assert rows(browser, "") == 4
        assert rows(browser, "mark=desk") == 1
        assert rows(browser, "mark=unknown_tag") == 1
        assert rows(browser, "unknown=true") == 1
        assert rows(browser, "checkpoint=stairs-1") == 1
        assert rows(browser, "guard=nobody&unknown=true") == 1, "the line that says there are none"
        assert browser.get("/patrol/taps?mark=%25").status_code == 422


def test_a_supervisor_answers_and_nobody_else(console: Console, seeded: dict[str, str]) -> None:
    with console.browser("guard") as browser:
        assert browser.post("/patrol/anomalies/a1/close", {"comment": "not me"}).status_code == 403
    with console.browser("supervisor") as browser:
        assert browser.post("/patrol/anomalies/a1/close", {"comment": " x "}).status_code == 422
        answer = browser.post("/patrol/anomalies/a1/close", {"comment": "门禁故障"})
        assert answer.status_code == 204
        assert "gengfu:patrol" in answer.headers["HX-Trigger"]
        assert browser.post("/patrol/anomalies/a1/close", {"comment": "again"}).status_code == 409
        assert "门禁故障" in browser.get("/patrol/anomalies?show=closed").text
        assert "门禁故障" in browser.get(f"/patrol/report?day={DAY}").text


def test_the_report_shows_both_numbers_and_files_agree(console: Console, seeded: dict[str, str]) -> None:
    with console.browser("supervisor") as browser:
        page = browser.get(f"/patrol/report?day={DAY}").text
        text = browser.get(f"/patrol/report.csv?day={DAY}").content.decode("utf-8-sig")
        answer = browser.get(f"/patrol/report.xlsx?day={DAY}")
    assert re.search(r"50\.0<small>%</small></b> <span class=\"num quiet\">1/2", page)
    table = list(csv.reader(StringIO(text)))
    assert table[0] == ["汇总"]
    summary = dict(zip(table[1], table[2], strict=True))
    assert (summary["完成轮次"], summary["应巡轮次"], summary["完成率 %"]) == ("1", "2", "50.0")
    assert summary["整轮漏巡"] == "1"
    book = load_workbook(BytesIO(answer.content))
    assert book.sheetnames == ["汇总", "巡更轮次", "巡更员", "异常"]
    assert dict(zip(*list(book["汇总"].values)[:2], strict=True))["完成轮次"] == 1
    assert "patrol-yunhe-2026-11-21.xlsx" in answer.headers["Content-Disposition"]


def test_every_report_is_a_file_too(console: Console, seeded: dict[str, str]) -> None:
    with console.browser("manager") as browser:
        for path, word in (("exceptions", "1号楼大堂"), ("month", "楼内")):
            assert word in browser.get(f"/patrol/{path}.csv").content.decode("utf-8-sig")
            book = load_workbook(BytesIO(browser.get(f"/patrol/{path}.xlsx").content))
            assert word in str([list(page.values) for page in book.worksheets])


def test_no_gap_reaches_back_before_the_first_plan(console: Console) -> None:
    config = console.configs.site("yunhe")
    installed_at = START - 2 * HOUR
    with console.db.begin() as s:
        s.add(PatrolWatermark(site="yunhe", what=PLANNED_UNTIL, since=installed_at, until=START))
        s.flush()
        found = exception_report(s, config, date(2026, 11, 15), date(2026, 11, 21), START)
    assert {line.gaps.longest for line in found.checkpoints} == {2 * HOUR}
    assert {line.gaps.longest_from for line in found.checkpoints} == {installed_at}


REFUSED = {
    "/patrol/rounds/yunhe/none": 404,
    "/patrol?site=nowhere": 404,
    "/patrol?hours=7": 422,
    "/patrol/exceptions?from=2026-11-20&to=2026-11-01": 422,
    "/patrol/exceptions?from=2026-01-01&to=2026-11-01": 422,
    "/patrol/month?month=2026-13": 422,
    "/patrol/anomalies/none/close": 404,
    "/patrol/report.pdf?day=2026-11-21": 422,
}


def test_what_cannot_be_shown_is_refused(console: Console) -> None:
    with console.browser("supervisor") as browser:
        assert {path: browser.get(path).status_code for path in REFUSED} == REFUSED


def test_open_pages_hear_of_verdicts_taps_answers_and_people(console: Console, seeded: dict[str, str]) -> None:
    watch = live.Watch(console.db)

    def version() -> str:
        return watch.read()["patrol"]

    seen = [version()]
    assert version() == seen[0]
    for change in (
        lambda s: s.add(tap("late", "lobby-1", START - 9 * HOUR, received_at=START)),
        lambda s: walked(s, "another", start=START - 4 * HOUR),
        lambda s: setattr(s.get(Anomaly, "a1"), "closed_at", START),
        lambda s: setattr(s.get(DutyTime, "d1"), "off_at", START),
    ):
        with console.db.begin() as s:
            change(s)
        seen.append(version())
    assert len(set(seen)) == len(seen)

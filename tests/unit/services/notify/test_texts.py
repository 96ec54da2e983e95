"""What a person reads, word for word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notify.model import Reason
from services.notify.texts import (
    REASONS,
    AlertFacts,
    OrderFacts,
    alert_cleared,
    alert_escalated,
    alert_opened,
    digest_text,
    order_dispatched,
    order_overdue,
    span_en,
    span_zh,
)

NOW = datetime(2026, 11, 21, 19, 12, tzinfo=UTC)  # 03:12 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
ALERT = AlertFacts(
    title="生活低区出口压力偏离",
    title_en="Domestic low zone outlet pressure off its set value",
    severity="high",
    place="1号泵房",
    place_en="Pump room 1",
    since=NOW,
    now=NOW,
    zone=SHANGHAI,
    value="0.312 MPa",
    limit="0.450 ± 0.100 MPa",
    ack_by=NOW + 15 * MINUTE,
    owner="给排水责任人",
    owner_en="Water engineer",
    order_number="WO-20261122-0001",
    link="https://gengfu.example/alerts/01JD",
)
ORDER = OrderFacts(
    number="WO-20261122-0001",
    title="生活低区出口压力偏离",
    title_en="Domestic low zone outlet pressure off its set value",
    place="1号泵房",
    place_en="Pump room 1",
    priority="P2",
    now=NOW,
    zone=SHANGHAI,
    respond_by=NOW + 60 * MINUTE,
    finish_by=NOW + 24 * 60 * MINUTE,
    owner="给排水责任人",
    owner_en="Water engineer",
    link="https://gengfu.example/orders/01JE",
)


def test_opened() -> None:
    words = alert_opened(ALERT)
    assert words.zh.splitlines() == [
        "【高】生活低区出口压力偏离 · 1号泵房",
        "现在 0.312 MPa（限值 0.450 ± 0.100 MPa）",
        "03:12 起，请在 03:27 前确认（还剩 15 分钟）",
        "责任人 给排水责任人 · 工单 WO-20261122-0001",
        "https://gengfu.example/alerts/01JD",
    ]
    assert words.en.splitlines() == [
        "[HIGH] Domestic low zone outlet pressure off its set value · Pump room 1",
        "Now 0.312 MPa (limit 0.450 ± 0.100 MPa)",
        "Since 03:12, acknowledge by 03:27 (15 min left)",
        "Owner Water engineer · order WO-20261122-0001",
        "https://gengfu.example/alerts/01JD",
    ]


def test_worse_again_and_silent() -> None:
    assert alert_opened(ALERT, worse=True).zh.startswith("【高·加重】")
    assert alert_opened(ALERT, again=True).en.startswith("[HIGH, again]")
    silent = replace(ALERT, value="", limit="", ack_by=NOW, owner="", order_number="", link="")
    assert alert_opened(silent).zh == "【高】生活低区出口压力偏离 · 1号泵房\n03:12 起，请立即确认"
    old = replace(silent, since=NOW - timedelta(hours=6), ack_by=None)
    assert alert_opened(old).zh.endswith("11-21 21:12 起")


def test_escalated() -> None:
    late = replace(ALERT, since=NOW - 20 * MINUTE)
    words = alert_escalated(late, "supervisor")
    assert words.zh.splitlines()[:2] == [
        "【升级至设备主管·高】生活低区出口压力偏离 · 1号泵房",
        "已 20 分钟无人确认，请立即处理",
    ]
    assert words.en.splitlines()[1] == "Nobody has acknowledged for 20 min: act now"


@pytest.mark.parametrize(
    ("acknowledged", "latched", "zh"),
    [(True, False, ""), (False, False, "尚未确认，请确认"), (True, True, "须到现场检查后手动复位")],
)
def test_cleared_says_what_is_left_to_do(acknowledged: bool, latched: bool, zh: str) -> None:
    words = alert_cleared(
        replace(ALERT, since=NOW - 12 * MINUTE, value="0.450 MPa", link=""), acknowledged=acknowledged, latched=latched
    )
    expected = ["【恢复】生活低区出口压力偏离 · 1号泵房", "现在 0.450 MPa，历时 12 分钟", zh]
    assert words.zh.splitlines() == [line for line in expected if line]


def test_orders() -> None:
    assert order_dispatched(ORDER).zh.splitlines() == [
        "【派工·P2】生活低区出口压力偏离 · 1号泵房",
        "请在 04:12 前到场（还剩 1 小时）",
        "请在 11-23 03:12 前完成（还剩 1 天）",
        "责任人 给排水责任人 · 工单 WO-20261122-0001",
        "https://gengfu.example/orders/01JE",
    ]
    late = replace(ORDER, respond_by=NOW - 5 * MINUTE)
    assert order_overdue(late, "respond", "manager").zh.splitlines()[:2] == [
        "【到场超时·经理】生活低区出口压力偏离 · 1号泵房",
        "应在 03:07 前到场，已超 5 分钟",
    ]
    assert order_overdue(late, "respond").en.splitlines()[1] == "Due 03:07, 5 min ago"


def test_digest_names_the_first_then_the_worst() -> None:
    members = [("low", f"甲{number}\n更多", f"a{number}\nmore") for number in range(10)] + [("high", "乙", "")]
    lines = digest_text(members).zh.splitlines()
    assert lines[:3] == ["【汇总】11 条消息（高 1，低 10）", "最先：甲0", "· 乙"]
    assert lines[-1] == "…另有 3 条，请看值班台"
    assert len(lines) == 10
    assert digest_text(members).en.splitlines()[2] == "· 乙"


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "不到 1 分钟", "under a minute"),
        (59, "不到 1 分钟", "under a minute"),
        (-5, "不到 1 分钟", "under a minute"),
        (3600, "1 小时", "1 h"),
        (3660, "1 小时 1 分钟", "1 h 1 min"),
        (90_000, "1 天 1 小时", "1 d 1 h"),
    ],
)
def test_spans(seconds: int, zh: str, en: str) -> None:
    assert (span_zh(timedelta(seconds=seconds)), span_en(timedelta(seconds=seconds))) == (zh, en)


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASONS) == {reason.value for reason in Reason}
    assert all(words.zh and words.en for words in REASONS.values())

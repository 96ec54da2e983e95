"""What people read at 3 a.m.: first what and where, then value against limit, then by when and whose, then the link.

Chinese and English side by side; plain text, few lines, because a phone shows three of them on its lock screen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from services.notify.model import SEVERITIES, Reason, rank

SEVERITY_ZH = {"low": "低", "medium": "中", "high": "高", "critical": "紧急"}
SEVERITY_EN = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "critical": "CRITICAL"}
ROLE_ZH = {
    "guard": "安管员",
    "engineer": "设备责任人",
    "supervisor": "设备主管",
    "manager": "经理",
    "duty": "监控中心值班",
    "admin": "管理员",
}
ROLE_EN = {
    "guard": "guard",
    "engineer": "equipment engineer",
    "supervisor": "equipment supervisor",
    "manager": "manager",
    "duty": "duty desk",
    "admin": "administrator",
}
_DIGEST_LINES = 8


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """What a message about an alert may say."""

    title: str
    title_en: str
    severity: str
    place: str
    place_en: str
    since: datetime
    now: datetime
    zone: tzinfo
    value: str = ""
    """Formatted with its unit, e.g. `0.412 MPa`; empty: no value (silence)."""
    limit: str = ""
    """Formatted limit, e.g. `0.500 ± 0.100 MPa`."""
    ack_by: datetime | None = None
    owner: str = ""
    owner_en: str = ""
    order_number: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a message about a work order may say."""

    number: str
    title: str
    title_en: str
    place: str
    place_en: str
    priority: str
    now: datetime
    zone: tzinfo
    respond_by: datetime | None = None
    finish_by: datetime | None = None
    owner: str = ""
    owner_en: str = ""
    link: str = ""


def alert_opened(facts: AlertFacts, *, again: bool = False, worse: bool = False) -> Words:
    """Something is wrong (`again`: it came back; `worse`: it was known and got worse)."""
    zh_mark = "·加重" if worse else "·再次" if again else ""
    en_mark = ", worse" if worse else ", again" if again else ""
    return Words(
        _lines(
            f"【{SEVERITY_ZH[facts.severity]}{zh_mark}】{facts.title} · {facts.place}",
            _value_zh(facts),
            _ack_zh(facts),
            _owner_zh(facts.owner, facts.order_number),
            facts.link,
        ),
        _lines(
            f"[{SEVERITY_EN[facts.severity]}{en_mark}] {facts.title_en or facts.title} · {_place_en(facts)}",
            _value_en(facts),
            _ack_en(facts),
            _owner_en(facts.owner_en or facts.owner, facts.order_number),
            facts.link,
        ),
    )


def alert_escalated(facts: AlertFacts, role: str) -> Words:
    """Nobody has acknowledged; the next level is told."""
    waited = facts.now - facts.since
    return Words(
        _lines(
            f"【升级至{ROLE_ZH.get(role, role)}·{SEVERITY_ZH[facts.severity]}】{facts.title} · {facts.place}",
            f"已 {span_zh(waited)}无人确认，请立即处理",
            _value_zh(facts),
            _owner_zh(facts.owner, facts.order_number),
            facts.link,
        ),
        _lines(
            f"[ESCALATED to {ROLE_EN.get(role, role)}, {SEVERITY_EN[facts.severity]}] "
            f"{facts.title_en or facts.title} · {_place_en(facts)}",
            f"Nobody has acknowledged for {span_en(waited)}: act now",
            _value_en(facts),
            _owner_en(facts.owner_en or facts.owner, facts.order_number),
            facts.link,
        ),
    )


def alert_cleared(facts: AlertFacts, *, acknowledged: bool, latched: bool = False) -> Words:
    """The condition is over; what a person still has to do is said."""
    lasted = facts.now - facts.since
    zh_left = "须到现场检查后手动复位" if latched else "" if acknowledged else "尚未确认，请确认"
    en_left = "check on site, then reset by hand" if latched else "" if acknowledged else "still to be acknowledged"
    return Words(
        _lines(
            f"【恢复】{facts.title} · {facts.place}",
            f"{'现在 ' + facts.value + '，' if facts.value else ''}历时 {span_zh(lasted)}",
            zh_left,
            facts.link,
        ),
        _lines(
            f"[BACK TO NORMAL] {facts.title_en or facts.title} · {_place_en(facts)}",
            f"{'Now ' + facts.value + ', ' if facts.value else ''}lasted {span_en(lasted)}",
            en_left[:1].upper() + en_left[1:],
            facts.link,
        ),
    )


def order_dispatched(facts: OrderFacts) -> Words:
    """A job is somebody's now."""
    return Words(
        _lines(
            f"【派工·{facts.priority}】{facts.title} · {facts.place}",
            _by_zh("到场", facts.respond_by, facts),
            _by_zh("完成", facts.finish_by, facts),
            _owner_zh(facts.owner, facts.number),
            facts.link,
        ),
        _lines(
            f"[JOB, {facts.priority}] {facts.title_en or facts.title} · {facts.place_en or facts.place}",
            _by_en("On site", facts.respond_by, facts),
            _by_en("Finished", facts.finish_by, facts),
            _owner_en(facts.owner_en or facts.owner, facts.number),
            facts.link,
        ),
    )


def order_overdue(facts: OrderFacts, clock: str, role: str = "") -> Words:
    """A clock of a job ran out (`clock`: respond or finish); `role` is the level now told."""
    due = facts.respond_by if clock == "respond" else facts.finish_by
    over = facts.now - due if due else timedelta(0)
    zh_what, en_what = ("到场", "arrival") if clock == "respond" else ("完成", "completion")
    zh_role = f"·{ROLE_ZH.get(role, role)}" if role else ""
    en_role = f", {ROLE_EN.get(role, role)}" if role else ""
    return Words(
        _lines(
            f"【{zh_what}超时{zh_role}】{facts.title} · {facts.place}",
            f"应在 {clock_text(due, facts.now, facts.zone)} 前{zh_what}，已超 {span_zh(over)}" if due else "",
            _owner_zh(facts.owner, facts.number),
            facts.link,
        ),
        _lines(
            f"[OVERDUE {en_what}{en_role}] {facts.title_en or facts.title} · {facts.place_en or facts.place}",
            f"Due {clock_text(due, facts.now, facts.zone)}, {span_en(over)} ago" if due else "",
            _owner_en(facts.owner_en or facts.owner, facts.number),
            facts.link,
        ),
    )


def digest_text(members: Sequence[tuple[str, str, str]]) -> Words:
    """Several messages (severity, Chinese, English) as one: how many, which came first, then the worst of them."""
    counts = Counter(severity for severity, _, _ in members)
    order = [name for name in reversed(SEVERITIES) if counts[name]]
    zh_counts = "，".join(f"{SEVERITY_ZH[name]} {counts[name]}" for name in order)
    en_counts = ", ".join(f"{SEVERITY_EN[name].lower()} {counts[name]}" for name in order)
    first = members[0]
    # A stable sort keeps the order of arrival within a severity.
    rest = sorted(members[1:], key=lambda one: -rank(one[0]))
    listed, more = rest[: _DIGEST_LINES - 1], len(rest) - (_DIGEST_LINES - 1)
    return Words(
        _lines(
            f"【汇总】{len(members)} 条消息（{zh_counts}）",
            f"最先：{_first_line(first[1])}",
            *(f"· {_first_line(zh)}" for _, zh, _ in listed),
            f"…另有 {more} 条，请看值班台" if more > 0 else "",
        ),
        _lines(
            f"[DIGEST] {len(members)} messages ({en_counts})",
            f"First: {_first_line(first[2] or first[1])}",
            *(f"· {_first_line(en or zh)}" for _, zh, en in listed),
            f"…and {more} more on the duty console" if more > 0 else "",
        ),
    )


REASONS: dict[str, Words] = {
    Reason.ADDRESSED: Words("通道订阅了该角色与区域", "the channel hears this role and area"),
    Reason.ON_DUTY: Words("在岗的对应角色", "on duty in the addressed role"),
    Reason.LIFE_SAFETY: Words("涉及人身安全，静音与休班无效", "life safety overrides muting and rest"),
    Reason.NOT_IN_ROLE: Words("不属于通知对象的角色", "not in an addressed role"),
    Reason.NOT_IN_AREA: Words("不负责该区域", "not responsible for this area"),
    Reason.BELOW_CHANNEL_SEVERITY: Words("低于该通道的最低级别", "below the channel's lowest severity"),
    Reason.LATE_HISTORY: Words("迟到的历史数据，不打扰任何人", "late data about the past pages nobody"),
    Reason.OFF_DUTY: Words("当时不在岗", "was off duty"),
    Reason.MUTED: Words("当时已静音", "was muted"),
    Reason.ALREADY_ACKNOWLEDGED: Words("已有人确认", "somebody had acknowledged it"),
    Reason.ALREADY_CLOSED: Words("发送前报警已结束", "the alert had ended before sending"),
    Reason.DUPLICATE: Words("不久前已告知同一事件", "was told the same shortly before"),
    Reason.FLAPPING: Words("反复波动，近期已多次告知", "it flaps, and was told several times lately"),
    Reason.LOW_SEVERITY: Words("低级别，并入每十分钟汇总", "low severity goes into the ten-minute digest"),
    Reason.FLOOD: Words("报警洪峰，并入每分钟汇总", "alarm flood: goes into the one-minute digest"),
    Reason.THROTTLED: Words("通道本分钟已满，并入汇总", "the channel was full for the minute: goes into a digest"),
    Reason.DIGEST: Words("多条消息的汇总", "a digest of several messages"),
}
"""Every reason a message row can carry, for «why was (not) X told?»."""


def span_zh(span: timedelta) -> str:
    """A duration as a person says it: `3 小时 5 分钟`; under a minute `不到 1 分钟`."""
    days, hours, minutes = _parts(span)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes} 分钟" if minutes else f"{hours} 小时"
    return f"{minutes} 分钟" if minutes else "不到 1 分钟"


def span_en(span: timedelta) -> str:
    """A duration as a person says it: `3 h 5 min`; under a minute `under a minute`."""
    days, hours, minutes = _parts(span)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "under a minute"


def _parts(span: timedelta) -> tuple[int, int, int]:
    minutes = max(int(span.total_seconds()) // 60, 0)
    return minutes // 1440, minutes // 60 % 24, minutes % 60


def clock_text(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """A local time of day, with the date when it is not today's."""
    local = moment.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if same_day else f"{local:%m-%d %H:%M}"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _place_en(facts: AlertFacts) -> str:
    return facts.place_en or facts.place


def _value_zh(facts: AlertFacts) -> str:
    if not facts.value:
        return f"限值 {facts.limit}" if facts.limit else ""
    return f"现在 {facts.value}（限值 {facts.limit}）" if facts.limit else f"现在 {facts.value}"


def _value_en(facts: AlertFacts) -> str:
    if not facts.value:
        return f"Limit {facts.limit}" if facts.limit else ""
    return f"Now {facts.value} (limit {facts.limit})" if facts.limit else f"Now {facts.value}"


def _ack_zh(facts: AlertFacts) -> str:
    since = f"{clock_text(facts.since, facts.now, facts.zone)} 起"
    if facts.ack_by is None:
        return since
    by = clock_text(facts.ack_by, facts.now, facts.zone)
    left = facts.ack_by - facts.now
    return f"{since}，请在 {by} 前确认（还剩 {span_zh(left)}）" if left > timedelta(0) else f"{since}，请立即确认"


def _ack_en(facts: AlertFacts) -> str:
    since = f"Since {clock_text(facts.since, facts.now, facts.zone)}"
    if facts.ack_by is None:
        return since
    by = clock_text(facts.ack_by, facts.now, facts.zone)
    left = facts.ack_by - facts.now
    return (
        f"{since}, acknowledge by {by} ({span_en(left)} left)" if left > timedelta(0) else f"{since}, acknowledge now"
    )


def _by_zh(what: str, due: datetime | None, facts: OrderFacts) -> str:
    if due is None:
        return ""
    left = due - facts.now
    tail = f"还剩 {span_zh(left)}" if left > timedelta(0) else "已超时"
    return f"请在 {clock_text(due, facts.now, facts.zone)} 前{what}（{tail}）"


def _by_en(what: str, due: datetime | None, facts: OrderFacts) -> str:
    if due is None:
        return ""
    left = due - facts.now
    tail = f"{span_en(left)} left" if left > timedelta(0) else "overdue"
    return f"{what} by {clock_text(due, facts.now, facts.zone)} ({tail})"


def _owner_zh(owner: str, number: str) -> str:
    return " · ".join(part for part in (f"责任人 {owner}" if owner else "", f"工单 {number}" if number else "") if part)


def _owner_en(owner: str, number: str) -> str:
    return " · ".join(part for part in (f"Owner {owner}" if owner else "", f"order {number}" if number else "") if part)

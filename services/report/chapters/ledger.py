"""十二、台账变更与证照: what changed, how complete the ledger is, what is intact, what expires. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.report.chapters.parts import col, day, empty, moment, portion, share
from services.report.model import (
    Block,
    Chapter,
    Evidenced,
    FigureList,
    Month,
    Ref,
    Section,
    Table,
    Target,
    amount,
    ratio,
)

WARNED_BEFORE = (7, 30, 60, 90)
"""Days before the end at which a paper is listed (LED-20, LED-29: 60, 30, 7; 90 in the outline)."""
DOWN = ("stopped", "repair")
STATES = {"in_use": "在用", "stopped": "停用", "repair": "维修", "scrapped": "报废", "gone": "已撤出"}
MISSING = {"nameplate": "铭牌", "place": "位置", "owner": "责任人", "plan": "保养计划", "file": "技术档案"}
LONG = timedelta(hours=24)
MOST_PRINTED = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A live entry of the ledger at the month's end."""

    id: str
    name: str
    kind: str
    of: str
    """Its class."""
    state: str
    since_at: datetime
    """In this state since."""
    missing: tuple[str, ...] = ()
    """What its record lacks (LED-10), as known at the cut-off."""
    responsible: str = ""
    overhaul: bool = False
    """A planned overhaul is under way."""


@dataclass(frozen=True, slots=True)
class Presence:
    """How long an entry was in the ledger in the month, and how much of it neither stopped nor in repair."""

    id: str
    name: str
    live: timedelta
    intact: timedelta


@dataclass(frozen=True, slots=True)
class Changed:
    """A line of the ledger's history."""

    at: datetime
    kind: str
    """new, stopped, repair, back, scrapped, gone, replaced, person, moved."""
    equipment: str
    words: str
    by: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something with a last day."""

    id: str
    ref: str
    """certificate, contract or equipment."""
    kind: str
    subject: str
    number: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What section 十二 is made from."""

    entries: tuple[Entry, ...] = ()
    presence: tuple[Presence, ...] = ()
    """Of every entry that was live at some moment of the month."""
    changes: tuple[Changed, ...] = ()
    expiries: tuple[Expiry, ...] = ()
    """In force at the month's end, whenever they expire."""


def chapter(month: Month, facts: LedgerFacts) -> Chapter:
    """Section 十二 with its figures."""
    figures = (intact(facts), intact_time(facts), complete(facts), *_counts(month, facts))
    blocks: tuple[Block, ...] = (
        FigureList(
            id="ledger_figures", caption="台账指标", caption_en="Figures of the ledger",
            figures=tuple(one.figure.id for one in figures),
        ),
        classes(facts),
        changes(facts),
        down(month, facts),
        gaps(facts),
        expiring(month, facts),
    )  # fmt: skip
    section = Section(id="ledger", title="台账变更与证照", title_en="Ledger and certificates", blocks=blocks)
    said = () if facts.entries else ("台账为空：设施设备完好率、台账完整率无数据。",)
    return Chapter(
        section=section, figures=figures, conclusions=_conclusions(month, facts), decisions=_decisions(month, facts),
        gaps=said,
    )  # fmt: skip


def intact(facts: LedgerFacts) -> Evidenced:
    """设施设备完好率 at month end (KPI-18)."""
    refs = [
        Ref(kind="equipment", id=one.id, counted=one.state not in DOWN, words=f"{one.name}：{STATES[one.state]}")
        for one in facts.entries
    ]
    return ratio(
        "equipment.intact", "设施设备完好率（月末）", "Equipment intact at month end", refs,
        how="月末在册设备中既未停用也未在维修的 ÷ 月末在册设备；计划大修不扣除，按停用或维修计（从严）",
        how_en="Live entries neither stopped nor in repair at month end ÷ live entries; planned overhauls not excused",
        requirements=("KPI-18",),
    )  # fmt: skip


def intact_time(facts: LedgerFacts) -> Evidenced:
    """The same weighted with time."""
    live = sum((one.live for one in facts.presence), timedelta())
    good = sum((one.intact for one in facts.presence), timedelta())
    hour = timedelta(hours=1)
    refs = [
        Ref(
            kind="equipment", id=one.id, counted=one.intact == one.live,
            words=f"{one.name}：完好 {one.intact / hour:.1f} / {one.live / hour:.1f} 小时",
        )
        for one in facts.presence
    ]  # fmt: skip
    return portion(
        "equipment.intact_time", "设施设备完好率（时间加权）", "Equipment intact, by time",
        good / hour, live / hour, refs,
        how="本月各在册设备既未停用也未在维修的小时数之和 ÷ 在册小时数之和；计划大修不扣除",
        how_en="Hours in which live entries were neither stopped nor in repair ÷ hours in which they were live",
        requirements=("KPI-18",),
    )  # fmt: skip


def complete(facts: LedgerFacts) -> Evidenced:
    """台账完整率 (LED-10)."""
    refs = [
        Ref(kind="equipment", id=one.id, counted=not one.missing, words=f"{one.name}：{_lacks(one) or '完整'}")
        for one in facts.entries
    ]
    return ratio(
        "ledger.complete", "台账完整率", "Complete entries", refs, target=Target(op="eq", value=100),
        how="月末在册设备中铭牌、位置、责任人、保养计划、技术档案齐全的 ÷ 月末在册设备；按数据截止时的登记内容",
        how_en="Live entries with nameplate, place, owner, plan and file ÷ live entries; as recorded at the cut-off",
        requirements=("LED-10",),
    )  # fmt: skip


def last_day(month: Month) -> date:
    """The last local day that is counted."""
    return (month.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(month.timezone)).date()


def left(month: Month, one: Expiry) -> int:
    """Days left after the last day counted; negative: expired."""
    return (one.expires_on - last_day(month)).days


def band(days: int) -> str:
    """How near the end is; empty: not near enough to be listed."""
    if days < 0:
        return "已过期"
    return next((f"{most} 天内" for most in WARNED_BEFORE if days <= most), "")


def _counts(month: Month, facts: LedgerFacts) -> Iterable[Evidenced]:
    gone = [one for one in facts.expiries if left(month, one) < 0]
    soon = [one for one in facts.expiries if 0 <= left(month, one) <= 30]
    for figure_id, name, name_en, found, target, how, how_en in (
        ("ledger.expired", "已过期证照", "Expired papers", gone, Target(op="eq", value=0),
         "月末仍登记为有效而已过有效期的证照、合同、报废期限", "Papers in force, their last day over at month end"),
        ("ledger.expiring", "30 天内到期", "Expiring within 30 days", soon, None,
         "月末起 30 天内到期的证照、合同、保修、报废期限", "Papers whose last day is within 30 days of month end"),
    ):  # fmt: skip
        refs = [
            Ref(kind=one.ref, id=one.id, counted=True, words=f"{one.kind} {one.subject} {one.expires_on.isoformat()}")
            for one in found
        ]
        yield amount(
            figure_id, name, name_en, len(found) if facts.expiries else None, refs, how=how, how_en=how_en,
            target=target, requirements=("LED-20", "LED-29"),
        )  # fmt: skip


def classes(facts: LedgerFacts) -> Table:
    """How many of each class, and in what state."""
    names = sorted({one.of for one in facts.entries})
    rows = []
    for name in names:
        own = [one for one in facts.entries if one.of == name]
        broken = [sum(one.state == state for one in own) for state in DOWN]
        rows.append((name, len(own), *broken, share(len(own) - sum(broken), len(own))))
    whole = len(facts.entries)
    broken = [sum(one.state == state for one in facts.entries) for state in DOWN]
    return Table(
        id="ledger_classes", caption="各类设备在册与完好情况", caption_en="Equipment by class",
        columns=(
            col("class", "类别", "Class", width=2), col("count", "在册", "Live", "int"),
            col("stopped", "停用", "Stopped", "int"), col("repair", "维修", "In repair", "int"),
            col("intact", "完好率", "Intact", "percent"),
        ),
        rows=tuple(rows),
        total=("合计", whole, *broken, share(whole - sum(broken), whole)) if whole else None,
    )  # fmt: skip


def changes(facts: LedgerFacts) -> Table:
    """表28."""
    names = {
        "new": "新增", "stopped": "停用", "repair": "转维修", "back": "恢复在用", "scrapped": "报废",
        "gone": "撤出台账", "replaced": "更换", "person": "责任人变更", "moved": "位置变更",
    }  # fmt: skip
    return Table(
        id="ledger_changes", caption="台账变更", caption_en="Changes of the ledger", sheet="台账变更",
        most_printed=MOST_PRINTED,
        columns=(
            col("at", "时间", "At", "datetime", 1.4), col("kind", "变更", "Change"),
            col("equipment", "设备", "Equipment", width=2), col("words", "说明", "Words", width=3),
            col("by", "登记人", "By", "person"),
        ),
        rows=tuple((moment(one.at), names[one.kind], one.equipment, one.words, one.by) for one in facts.changes),
    )  # fmt: skip


def down(month: Month, facts: LedgerFacts) -> Table:
    """What was out of use when the month ended, the longest first."""
    found = sorted((one for one in facts.entries if one.state in DOWN), key=lambda one: (one.since_at, one.name))
    return Table(
        id="ledger_down", caption="月末停用、维修中的设备", caption_en="Out of use at month end",
        most_printed=MOST_PRINTED,
        columns=(
            col("equipment", "设备", "Equipment", width=2), col("kind", "类别", "Kind"),
            col("state", "状态", "State"), col("since", "自", "Since", "datetime", 1.4),
            col("hours", "已历（时）", "Hours", "hours"), col("overhaul", "计划大修", "Overhaul"),
            col("responsible", "责任人", "Responsible", "person"),
        ),
        rows=tuple(
            (one.name, one.kind, STATES[one.state], moment(one.since_at),
             (month.ends_at - one.since_at).total_seconds() / 3600, "是" if one.overhaul else None,
             one.responsible)
            for one in found
        ),
        **empty("月末全部在用", "All in use", known=bool(facts.entries)),
    )  # fmt: skip


def gaps(facts: LedgerFacts) -> Table:
    """What entries lack (LED-10)."""
    return Table(
        id="ledger_gaps", caption="台账缺项", caption_en="Gaps of the ledger", most_printed=20, sheet="台账缺项",
        columns=(
            col("equipment", "设备", "Equipment", width=2), col("kind", "类别", "Kind"),
            col("missing", "缺项", "Missing", width=3), col("responsible", "责任人", "Responsible", "person"),
        ),
        rows=tuple((one.name, one.kind, _lacks(one), one.responsible) for one in facts.entries if one.missing),
        **empty("台账完整", "Nothing missing", known=bool(facts.entries)),
    )  # fmt: skip


def expiring(month: Month, facts: LedgerFacts) -> Table:
    """表29: expired, and within 7, 30, 60 and 90 days."""
    found = sorted(facts.expiries, key=lambda one: (one.expires_on, one.kind, one.subject, one.id))
    return Table(
        id="ledger_expiring", caption="到期预警（90/60/30/7 天）", caption_en="Expiring within 90, 60, 30, 7 days",
        sheet="到期", most_printed=MOST_PRINTED,
        columns=(
            col("band", "预警", "Band"), col("kind", "名称", "Paper", width=1.6),
            col("subject", "对象", "Of", width=2), col("number", "编号", "Number", width=1.4),
            col("expires", "到期日", "Expires", "date"), col("days", "剩余天数", "Days left", "int"),
        ),
        rows=tuple(
            (band(left(month, one)), one.kind, one.subject, one.number or None, day(one.expires_on), left(month, one))
            for one in found if band(left(month, one))
        ),
        empty="90 天内无到期", empty_en="Nothing within 90 days",
    )  # fmt: skip


def _conclusions(month: Month, facts: LedgerFacts) -> tuple[tuple[int, str], ...]:
    lines = []
    gone = [one for one in facts.expiries if left(month, one) < 0]
    if gone:
        lines.append((70, f"{len(gone)} 项证照或期限已过期，最早为{gone_first(gone)}。"))
    broken = [one for one in facts.entries if one.state in DOWN]
    if broken:
        lines.append((35, f"月末 {len(broken)} 台设备停用或维修中，完好率 {intact(facts).figure.value or 0:.1f}%。"))
    return tuple(lines)


def gone_first(expired: Sequence[Expiry]) -> str:
    """The one that expired first, in words."""
    first = min(expired, key=lambda one: (one.expires_on, one.id))
    return f"{first.kind}（{first.subject or first.number}，{first.expires_on.isoformat()}）"


def _decisions(month: Month, facts: LedgerFacts) -> tuple[str, ...]:
    long = [one for one in facts.entries if one.state in DOWN and month.ends_at - one.since_at > LONG]
    if not long:
        return ()
    named = "、".join(one.name for one in sorted(long, key=lambda one: one.since_at)[:5])
    more = "等" if len(long) > 5 else ""
    return (f"{len(long)} 台设备停用或维修超过 24 小时：{named}{more}。",)


def _lacks(entry: Entry) -> str:
    return "、".join(MISSING.get(one, one) for one in entry.missing)

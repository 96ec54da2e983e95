"""十三、值守与查岗: who was rostered, handovers, spot checks at night, duty checks of the control room. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.report.chapters.parts import at_least, col, day, hours, minutes, moment
from services.report.model import Block, Chapter, Evidenced, Month, Ref, Section, Table, ratio


@dataclass(frozen=True, slots=True)
class Change:
    """A shift that took over, or should have."""

    id: str
    shift: str
    starts_at: datetime
    due_at: datetime
    given_by: str = ""
    taken_by: str = ""
    at: datetime | None = None
    """When it was handed over; None: it was not."""

    @property
    def in_time(self) -> bool:
        """The bound itself is in time."""
        return self.at is not None and self.at <= self.due_at


@dataclass(frozen=True, slots=True)
class Hole:
    """A time in which nobody was rostered."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Week:
    """Spot checks of one ISO week, by a rule."""

    rule: str
    requirement: str
    ends_on: date
    """Day after which it was over."""
    done: bool


@dataclass(frozen=True, slots=True)
class DutyCheck:
    """查岗 of a transmission device."""

    id: str
    source: str
    asked_at: datetime
    outcome: str
    """answered, missed, failed or open."""
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Presence:
    """Hours somebody was signed on for duty."""

    name: str
    times: int
    lasted: timedelta


@dataclass(frozen=True, slots=True)
class DutyFacts:
    """What the chapter is written from."""

    declared: bool
    """The site files have shifts, or somebody signed on."""
    changes: tuple[Change, ...] = ()
    holes: tuple[Hole, ...] = ()
    rostered: bool = False
    """There are shifts with people: holes mean something."""
    weeks: tuple[Week, ...] = ()
    checks: tuple[DutyCheck, ...] = ()
    presence: tuple[Presence, ...] = ()


def chapter(_month: Month, facts: DutyFacts) -> Chapter:
    """The chapter; without shifts it is left out."""
    if not facts.declared:
        return Chapter(gaps=("值守与查岗：站点文件没有班次，也没有人签到，本章省略",))
    figures = _figures(facts)
    blocks: list[Block] = [_missing(facts.changes)]
    if facts.rostered:
        blocks.append(_holes(facts.holes))
    if facts.weeks:
        blocks.append(_weeks(facts.weeks))
    if facts.checks:
        blocks.append(_checks(facts.checks))
    if facts.presence:
        blocks.append(_presence(facts.presence))
    return Chapter(
        section=Section(id="duty", title="值守与查岗", title_en="Duty", blocks=tuple(blocks)),
        figures=figures,
        conclusions=_conclusions(facts),
    )


def _figures(facts: DutyFacts) -> tuple[Evidenced, ...]:
    asked = [one for one in facts.checks if one.outcome in ("answered", "missed")]
    return (
        ratio("duty.handover", "交接班按时率", "Handovers in time",
              (Ref(kind="handover", id=one.id, counted=one.in_time,
                   words=f"{one.shift} {'按时' if one.in_time else '迟到' if one.at else '缺失'}")
               for one in facts.changes),
              how="在规定时间内完成交接的班次 ÷ 本月应交接的班次。",
              how_en="Shifts handed over in time over shifts begun.",
              target=at_least(100), requirements=("PER-62",)),
        ratio("duty.spot_checks", "夜间查岗完成率", "Weeks with a spot check",
              (Ref(kind="rule_week", id=f"{one.rule}:{one.ends_on}", counted=one.done,
                   words=f"截至 {one.ends_on} 的一周{'已' if one.done else '未'}查岗") for one in facts.weeks),
              how="夜间有查岗记录的自然周 ÷ 本月结束的自然周。",
              how_en="ISO weeks with a spot check at night over weeks ended.",
              target=at_least(100), requirements=("PER-17", "AMB-07")),
        ratio("duty.checks", "消控室查岗应答率", "Duty checks answered",
              (Ref(kind="fire_command", id=one.id, counted=one.outcome == "answered", words=one.source)
               for one in asked),
              how="按时应答的查岗 ÷ 送达并到期的查岗。",
              how_en="Answered over those that reached the device."),
    )  # fmt: skip


def _missing(changes: Sequence[Change]) -> Table:
    late = [one for one in changes if not one.in_time]
    return Table(
        id="duty.handover", caption="交接班缺失与迟到", caption_en="Handovers missing or late", most_printed=60,
        columns=(
            col("shift", "班次", "Shift", width=2.0), col("start", "应接班", "Began", "datetime", 1.6),
            col("at", "实际交接", "Handed over", "datetime", 1.6), col("after", "迟到", "Late by", "minutes"),
            col("given", "交班", "Given by", "person"), col("taken", "接班", "Taken by", "person"),
        ),
        rows=tuple((one.shift, moment(one.starts_at), moment(one.at), minutes(one.at - one.due_at) if one.at else None,
                    one.given_by or None, one.taken_by or None) for one in late),
        empty="没有缺失或迟到" if changes else "本月无应交接班次", empty_en="None" if changes else "None was due",
    )  # fmt: skip


def _holes(holes: Sequence[Hole]) -> Table:
    return Table(
        id="duty.holes", caption="24 小时覆盖缺口（排班无安保人员）", caption_en="Hours nobody was rostered",
        columns=(col("start", "开始", "From", "datetime", 1.6), col("end", "结束", "Until", "datetime", 1.6),
                 col("hours", "小时", "Hours", "hours")),
        rows=tuple((moment(one.start), moment(one.end), hours(one.end - one.start)) for one in holes),
        empty="没有缺口", empty_en="None", most_printed=60,
    )  # fmt: skip


def _weeks(weeks: Sequence[Week]) -> Table:
    return Table(
        id="duty.weeks", caption="每周夜间查岗", caption_en="Spot checks at night",
        columns=(col("rule", "要求", "Requirement", width=2.0), col("id", "编号", "Id"),
                 col("ends", "周截止", "Week until", "date"), col("done", "已查", "Done", "mark")),
        rows=tuple((one.rule, one.requirement, day(one.ends_on), one.done) for one in weeks),
    )  # fmt: skip


def _checks(checks: Sequence[DutyCheck]) -> Table:
    count = len(checks)
    answered = [one for one in checks if one.outcome == "answered" and one.answered_at is not None]
    longest = max((one.answered_at - one.asked_at for one in answered if one.answered_at), default=None)
    return Table(
        id="duty.checks", caption="消控室查岗", caption_en="Duty checks",
        columns=(col("asked", "查岗", "Asked", "int"), col("answered", "应答", "Answered", "int"),
                 col("missed", "未应答", "Missed", "int"), col("failed", "未送达", "Not delivered", "int"),
                 col("longest", "最久应答", "Longest", "minutes")),
        rows=((count, len(answered), sum(one.outcome == "missed" for one in checks),
               sum(one.outcome == "failed" for one in checks), minutes(longest)),),
    )  # fmt: skip


def _presence(presence: Sequence[Presence]) -> Table:
    return Table(
        id="duty.presence", caption="签到在岗", caption_en="Signed on",
        columns=(col("name", "人员", "Who", "person", 2.0), col("times", "次数", "Times", "int"),
                 col("hours", "小时", "Hours", "hours")),
        rows=tuple((one.name, one.times, hours(one.lasted)) for one in presence),
    )  # fmt: skip


def _conclusions(facts: DutyFacts) -> tuple[tuple[int, str], ...]:
    said: list[tuple[int, str]] = []
    late = sum(not one.in_time for one in facts.changes)
    if late:
        said.append((38, f"应交接 {len(facts.changes)} 班，{late} 班缺失或迟到。"))
    undone = sum(not one.done for one in facts.weeks)
    if undone:
        said.append((52, f"夜间查岗有 {undone} 周没有做。"))
    return tuple(said)

"""十、应急事件: what happened, when people were told and were there, when it was over, and its report. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.report.chapters.parts import at_least, col, minutes, moment
from services.report.model import Cell, Chapter, Evidenced, Month, Ref, Section, Table, ratio

WITHIN = timedelta(minutes=30)
REVIEWS = {"": None, "due": "待写", "drafted": "待批准", "approved": "已批准"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something urgent, in the month it began (AMB-28)."""

    id: str
    kind: str
    """Id of the record's kind: fire_incident, patrol_incident or work_order."""
    name: str
    number: str
    place: str
    began_at: datetime
    told_at: datetime | None
    """When the first message about it was delivered; None: none was."""
    arrived_at: datetime | None
    over_at: datetime | None
    review: str = ""
    """State of the report on the repair (ROU-33); empty: none is needed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of what happened in an event."""

    event: str
    """Number of its event."""
    at: datetime
    words: str
    who: str


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What the chapter is written from."""

    watched: bool = False
    """Anything was ever recorded: a month without events means none."""
    events: tuple[Event, ...] = ()
    timeline: tuple[Moment, ...] = ()


def chapter(_month: Month, facts: IncidentFacts) -> Chapter:
    """The chapter; it is there even when nothing happened."""
    figures = _figures(facts)
    blocks = (_events(facts.events), *((_timeline(facts.timeline),) if facts.timeline else ()))
    return Chapter(
        section=Section(id="incidents", title="应急事件", title_en="Emergencies", blocks=blocks),
        figures=figures,
        conclusions=_conclusions(facts),
        gaps=("应急事件：向业主公开通报的时间没有数据来源，只统计发给人员的首条消息",),
    )


def _figures(facts: IncidentFacts) -> tuple[Evidenced, ...]:
    asked = [one for one in facts.events if one.review]
    return (
        ratio("incident.first_notice", "应急首次通知达标率", "Told within 30 minutes",
              (Ref(kind=one.kind, id=one.id, counted=one.told_at is not None and one.told_at - one.began_at <= WITHIN,
                   words=f"{one.number or one.name} {_told(one)}") for one in facts.events),
              how="首条消息在事件开始后 30 分钟内送达人员的事件 ÷ 本月开始的应急事件。",
              how_en="Events about which the first message was delivered within 30 minutes over events begun.",
              target=at_least(100), requirements=("TIM-05", "AMB-28")),
        ratio("incident.reviewed", "应急维修复盘率", "Emergency repairs reported on",
              (Ref(kind=one.kind, id=one.id, counted=one.review == "approved", words=f"{one.number} {one.review}")
               for one in asked),
              how="复盘报告已批准的紧急维修 ÷ 需要复盘的紧急维修。", how_en="Approved reports over reports due.",
              target=at_least(100), requirements=("ROU-33",)),
    )  # fmt: skip


def _told(one: Event) -> str:
    return f"{minutes(one.told_at - one.began_at):.1f} 分钟" if one.told_at is not None else "未送达"


def _events(events: Sequence[Event]) -> Table:
    return Table(
        id="incidents.events", caption="应急事件", caption_en="Emergencies", sheet="事件",
        columns=(
            col("kind", "类别", "Kind", width=1.4), col("number", "编号", "Number", width=1.6),
            col("place", "地点", "Where", width=2.0), col("began", "开始", "Began", "datetime", 1.6),
            col("told", "首次通知", "Told after", "minutes"), col("arrived", "到场", "There after", "minutes"),
            col("over", "结束", "Over", "datetime", 1.6), col("review", "复盘报告", "Report"),
        ),
        rows=tuple(_event(one) for one in sorted(events, key=lambda each: (each.began_at, each.id))),
    )  # fmt: skip


def _event(one: Event) -> tuple[Cell, ...]:
    return (
        one.name, one.number or None, one.place or None, moment(one.began_at),
        minutes(one.told_at - one.began_at) if one.told_at else None,
        minutes(one.arrived_at - one.began_at) if one.arrived_at else None, moment(one.over_at),
        REVIEWS.get(one.review, one.review),
    )  # fmt: skip


def _timeline(lines: Sequence[Moment]) -> Table:
    return Table(
        id="incidents.timeline", caption="P1 事件经过", caption_en="What happened", most_printed=120,
        columns=(col("event", "编号", "Number", width=1.6), col("at", "时间", "When", "datetime", 1.6),
                 col("words", "经过", "What", width=3.0), col("who", "人员", "Who", "person")),
        rows=tuple((one.event, moment(one.at), one.words, one.who) for one in lines),
    )  # fmt: skip


def _conclusions(facts: IncidentFacts) -> tuple[tuple[int, str], ...]:
    if not facts.events:
        return ((3, "本月没有应急事件。"),) if facts.watched else ()
    still = sum(one.over_at is None for one in facts.events)
    words = f"本月应急事件 {len(facts.events)} 起"
    return ((72 if still else 48, words + (f"，{still} 起尚未结束。" if still else "，均已结束。")),)

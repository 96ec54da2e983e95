"""九、回访: three levels of call-backs about repairs (KPI-01 to KPI-03, AMB-10), the answers, the five haves. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.report.chapters.parts import col, empty, moment, share
from services.report.model import Block, Chapter, Evidenced, FigureList, Month, Ref, Section, Table, Target, ratio

LEVELS: tuple[tuple[str, str, str, str, int], ...] = (
    ("service", "服务中心", "Service centre", "KPI-01", 100),
    ("quality", "品质部", "Quality department", "KPI-02", 50),
    ("director", "中心主任", "Director", "KPI-03", 40),
)
"""Level, its names, its requirement, and how many of the closed requests it owes a call, in percent."""
NO_COMPLAINTS = "本产品不登记投诉：投诉回访率、投诉处理率、投诉及时率及首问责任无数据（KPI-04、KPI-09）。"
MOST_PRINTED = 40


@dataclass(frozen=True, slots=True)
class ClosedRequest:
    """A request closed with a rating in the month (not cancelled): the population of all three levels."""

    id: str
    number: str
    title: str
    closed_at: datetime
    drawn: frozenset[str] = frozenset()
    """Levels whose sample the system drew it for."""
    arrived: bool = True
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call-back known at the cut-off."""

    order_id: str
    level: str
    at: datetime
    satisfied: bool
    answer: str = ""
    rework: str = ""
    """Number of the order that a bad answer brought."""


@dataclass(frozen=True, slots=True)
class CallBacksFacts:
    """What section 九 is made from."""

    closed: tuple[ClosedRequest, ...] = ()
    calls: tuple[Call, ...] = ()
    """About those requests."""


def chapter(month: Month, facts: CallBacksFacts) -> Chapter:
    """Section 九 with its figures."""
    figures = (*(called(facts, level[0]) for level in LEVELS), satisfied(facts), five(facts))
    blocks: tuple[Block, ...] = (
        FigureList(
            id="callback_figures", caption="回访指标", caption_en="Figures of call-backs",
            figures=tuple(one.figure.id for one in figures),
        ),
        three_levels(facts),
        unhappy(facts),
        missing(facts),
    )  # fmt: skip
    section = Section(id="call_backs", title="回访", title_en="Call-backs", blocks=blocks)
    gaps = (NO_COMPLAINTS, *(() if facts.closed else ("本月没有评价关闭的报修：回访率无数据。",)))
    return Chapter(section=section, figures=figures, conclusions=_conclusions(facts), gaps=gaps)


def counts(facts: CallBacksFacts, level: str) -> frozenset[str]:
    """Requests that a level called back about; of a sample only those that the system drew."""
    drawn = {one.id for one in facts.closed if level == "service" or level in one.drawn}
    return frozenset(one.order_id for one in facts.calls if one.level == level and one.order_id in drawn)


def called(facts: CallBacksFacts, level: str) -> Evidenced:
    """回访率 of one level; calls ÷ population, so that the share is met exactly when ceil(share · n) calls are made."""
    _, name, name_en, requirement, target = next(one for one in LEVELS if one[0] == level)
    done = counts(facts, level)
    sampled = level != "service"
    refs = [
        Ref(
            kind="work_order", id=one.id, counted=one.id in done,
            words=f"{one.number} {one.title}：{'已访' if one.id in done else '未访'}"
            + ("" if not sampled or level in one.drawn else "（未抽中）"),
        )
        for one in facts.closed
    ]  # fmt: skip
    return ratio(
        f"callback.{level}", f"回访率（{name}）", f"Call-backs, {name_en.lower()}", refs,
        how=f"{name}已回访{'且由系统抽中' if sampled else ''}的报修 ÷ 本月评价关闭的报修（取消的不计）；截至数据截止时",
        how_en=f"Requests called back{' and drawn by the system' if sampled else ''} ÷ requests closed this month",
        target=Target(op="ge" if sampled else "eq", value=target), requirements=(requirement, "AMB-10"),
    )  # fmt: skip


def satisfied(facts: CallBacksFacts) -> Evidenced:
    """How many of the asked were satisfied."""
    known = {one.id: one for one in facts.closed}
    refs = [
        Ref(
            kind="call_back", id=f"{one.order_id}:{one.level}", counted=one.satisfied,
            words=f"{known[one.order_id].number}：{'满意' if one.satisfied else '不满意'}",
        )
        for one in facts.calls if one.order_id in known
    ]  # fmt: skip
    return ratio(
        "callback.satisfied", "回访满意率", "Satisfied at call-back", refs,
        how="回访中满意的次数 ÷ 对本月关闭报修的回访次数", how_en="Satisfied answers ÷ call-backs about these requests",
        requirements=("KPI-08", "KPI-12"),
    )  # fmt: skip


def five(facts: CallBacksFacts) -> Evidenced:
    """五有 (ROU-21): registered, handled, followed, with a result and a call-back."""
    done = counts(facts, "service")
    refs = []
    for one in facts.closed:
        lacks = [
            word for word, has in (("处理", one.arrived), ("跟进", one.verified), ("回访", one.id in done)) if not has
        ]
        words = f"{one.number} {one.title}：{'缺' + '、'.join(lacks) if lacks else '五有齐全'}"
        refs.append(Ref(kind="work_order", id=one.id, counted=not lacks, words=words))
    return ratio(
        "callback.five_haves", "五有齐全率", "Requests with all five records", refs, target=Target(op="eq", value=100),
        how="有登记、有处理（到场）、有跟进（验收）、有结果（评价）、有回访的报修 ÷ 本月评价关闭的报修",
        how_en="Registered, handled, verified, rated and called back ÷ requests closed this month",
        requirements=("ROU-21",),
    )  # fmt: skip


def owed(population: int, percent: int) -> int:
    """ceil(share · n)."""
    return -(-population * percent // 100)


def three_levels(facts: CallBacksFacts) -> Table:
    """表25."""
    rows = []
    ids = {one.id for one in facts.closed}
    for level, name, _, _, percent in LEVELS:
        done = counts(facts, level)
        due = owed(len(facts.closed), percent)
        answers = [one for one in facts.calls if one.level == level and one.order_id in ids]
        rows.append((
            name, len(facts.closed), due, len(done), share(len(done), len(facts.closed)), float(percent),
            max(due - len(done), 0), sum(one.satisfied for one in answers), sum(not one.satisfied for one in answers),
        ))  # fmt: skip
    return Table(
        id="callback_levels", caption="三级回访", caption_en="Three levels of call-backs", sheet="回访",
        columns=(
            col("level", "层级", "Level", width=1.4), col("closed", "关闭报修", "Closed", "int"),
            col("due", "应访", "Due", "int"), col("done", "已访", "Done", "int"),
            col("rate", "回访率", "Rate", "percent"), col("target", "目标", "Target", "percent"),
            col("short", "缺口", "Short", "int"), col("good", "满意", "Satisfied", "int"),
            col("bad", "不满意", "Not satisfied", "int"),
        ),
        rows=tuple(rows) if facts.closed else (),
    )  # fmt: skip


def unhappy(facts: CallBacksFacts) -> Table:
    """Bad answers and what they brought (ROU-23)."""
    known = {one.id: one for one in facts.closed}
    names = {level[0]: level[1] for level in LEVELS}
    found = sorted((one for one in facts.calls if not one.satisfied and one.order_id in known), key=lambda one: one.at)
    return Table(
        id="callback_unhappy", caption="不满意回访", caption_en="Not satisfied", most_printed=MOST_PRINTED,
        columns=(
            col("number", "工单号", "Number", width=1.4), col("title", "事项", "Job", width=2.4),
            col("level", "层级", "Level"), col("at", "回访时间", "At", "datetime", 1.4),
            col("answer", "意见", "Answer", width=2.4), col("rework", "返修单", "Rework", width=1.4),
        ),
        rows=tuple(
            (known[one.order_id].number, known[one.order_id].title, names.get(one.level, one.level), moment(one.at),
             one.answer or None, one.rework or None)
            for one in found
        ),
        **empty("无不满意", "Everybody was satisfied", known=bool(facts.calls)),
    )  # fmt: skip


def missing(facts: CallBacksFacts) -> Table:
    """Requests without a call of the service centre (KPI-01)."""
    done = counts(facts, "service")
    return Table(
        id="callback_missing", caption="服务中心未回访清单", caption_en="Without a call-back",
        most_printed=MOST_PRINTED,
        columns=(
            col("number", "工单号", "Number", width=1.4), col("title", "事项", "Job", width=2.4),
            col("closed", "关闭时间", "Closed", "datetime", 1.4),
        ),
        rows=tuple((one.number, one.title, moment(one.closed_at)) for one in facts.closed if one.id not in done),
        **empty("全部已回访", "All called back", known=bool(facts.closed)),
    )  # fmt: skip


def _conclusions(facts: CallBacksFacts) -> tuple[tuple[int, str], ...]:
    lines = []
    for level, name, _, _, percent in LEVELS:
        short = owed(len(facts.closed), percent) - len(counts(facts, level))
        if short > 0:
            done = len(counts(facts, level))
            lines.append((30, f"{name}回访 {done}/{len(facts.closed)}，距目标 {percent}% 缺 {short} 次。"))
    bad = sum(not one.satisfied for one in facts.calls)
    if bad:
        lines.append((38, f"回访中 {bad} 次不满意。"))
    return tuple(lines)

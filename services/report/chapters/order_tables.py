"""表19 to 表23 and 图7: what section 八 prints. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.report.chapters.order_records import (
    REPEAT_FROM,
    OrderRecord,
    finished_in,
    in_time,
    kept,
    minutes,
    open_at_end,
    open_overdue,
    repeats_of,
    within,
)
from services.report.chapters.parts import empty, share
from services.report.model import Block, Cell, Chart, Column, FigureList, Month, Series, Table
from services.report.statistics import median, p90

MOST_SLICES = 8
PRIORITIES = ("P1", "P2", "P3", "P4")
AGES = (
    ("0–1 天", timedelta(days=1)),
    ("1–3 天", timedelta(days=3)),
    ("3–7 天", timedelta(days=7)),
    ("7 天以上", timedelta.max),
)
"""Buckets of age at month end; an upper bound belongs to its bucket."""


def blocks(month: Month, orders: Sequence[OrderRecord]) -> tuple[Block, ...]:
    """Everything the section shows; cancelled orders count nowhere but in the tally of table 19."""
    live = tuple(one for one in orders if not one.cancelled)
    return (
        FigureList(
            id="order_figures", caption="工单指标", caption_en="Figures of work orders",
            figures=(
                "order.received", "order.finished", "order.open", "order.open_overdue", "order.arrival_timely",
                "order.timely", "order.rework", "order.accept_median", "order.accept_p90", "order.arrive_median",
                "order.arrive_p90", "order.restore_median", "order.restore_p90", "order.rating",
                "order.repeat_equipment",
            ),
        ),
        by_priority(month, orders),
        pareto(month, live),
        *_shares(month, live),
        Chart(
            id="order_flow", kind="line", caption="每日受理、完工与积压", caption_en="Received, finished, open by day",
            labels=tuple(f"{day:%m-%d}" for day in _days(month)), series=_flow(month, orders),
        ),
        reworked(month, live),
        waiting(month, live),
        ages(month, live),
        people(month, live),
        areas(month, live),
        classes(month, live),
        repeating(month, live),
    )  # fmt: skip


def by_priority(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """表19: by level, with the sum below."""

    def row(label: str, some: Callable[[OrderRecord], bool]) -> tuple[Cell, ...]:
        live = [one for one in orders if not one.cancelled and some(one)]
        done, late = finished_in(month, live), open_overdue(month, live)
        arrived = [one for one in live if one.respond_due_at and one.arrived_at and within(month, one.arrived_at)]
        absent = [
            one for one in live
            if one.respond_due_at and one.arrived_at is None and one.finished_at is None
            and one.respond_due_at < month.ends_at
        ]  # fmt: skip
        good = sum(kept(one.arrived_at, one.respond_due_at) for one in arrived)
        return (
            label,
            sum(within(month, one.registered_at) for one in live),
            sum(one.cancelled and some(one) and _closed_in(month, one) for one in orders),
            len(done),
            share(good, len(arrived) + len(absent)),
            share(sum(map(in_time, done)), len(done) + len(late)),
            median(minutes(one.finished_at - one.first_signal_at) / 60 for one in done if one.finished_at),
            len(late),
        )

    return Table(
        id="order_priorities", caption="工单按级别统计", caption_en="Orders by priority", sheet="工单",
        columns=(
            Column(key="priority", title="级别", title_en="Priority"),
            Column(key="received", title="受理", title_en="Received", kind="int"),
            Column(key="cancelled", title="取消", title_en="Cancelled", kind="int"),
            Column(key="finished", title="完工", title_en="Finished", kind="int"),
            Column(key="arrival", title="到场及时率", title_en="Arrival in time", kind="percent"),
            Column(key="timely", title="维修及时率", title_en="In time", kind="percent"),
            Column(key="hours", title="恢复中位时长（时）", title_en="Median hours", kind="hours"),
            Column(key="overdue", title="月末超期", title_en="Overdue", kind="int"),
        ),
        rows=tuple(row(level, lambda one, level=level: one.priority == level) for level in PRIORITIES),  # type: ignore[misc]
        total=row("合计", lambda one: True),
    )  # fmt: skip


def pareto(month: Month, orders: Iterable[OrderRecord]) -> Table:
    """表20: the most frequent class first, with its share and the shares so far."""
    found: dict[str, int] = {}
    for one in orders:
        if within(month, one.registered_at):
            found[one.category or "未分类"] = found.get(one.category or "未分类", 0) + 1
    whole, so_far, rows = sum(found.values()), 0, []
    for name, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        so_far += count
        rows.append((name, count, share(count, whole), share(so_far, whole)))
    return Table(
        id="order_pareto", caption="故障类别排列（Pareto）", caption_en="Fault classes, most frequent first",
        columns=(
            Column(key="category", title="类别", title_en="Class", width=2),
            Column(key="count", title="工单数", title_en="Orders", kind="int"),
            Column(key="share", title="占比", title_en="Share", kind="percent"),
            Column(key="cumulated", title="累计占比", title_en="Cumulated", kind="percent"),
        ),
        rows=tuple(rows), total=("合计", whole, share(whole, whole), None) if whole else None,
    )  # fmt: skip


def _shares(month: Month, orders: Iterable[OrderRecord]) -> Iterable[Chart]:
    """The classes as slices (REP-01); the drawing puts small ones together."""
    slices = [(str(row[0]), float(row[1] or 0)) for row in pareto(month, orders).rows]
    if not slices:
        return
    yield Chart(
        id="order_share", kind="share", caption="故障类别占比", caption_en="Share of classes", unit="张",
        labels=tuple(name for name, _ in slices), series=(Series(name="工单数", values=tuple(n for _, n in slices)),),
    )  # fmt: skip


def reworked(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """表21."""
    rows = tuple(
        (one.number, one.title, one.category, one.place, one.finished_at and one.finished_at.isoformat(),
         "、".join(one.executors), one.rework_why)
        for one in finished_in(month, orders) if one.reworked
    )  # fmt: skip
    return Table(
        id="order_rework", caption="返修清单", caption_en="Rework", most_printed=40,
        columns=(
            Column(key="number", title="工单号", title_en="Number", width=1.4),
            Column(key="title", title="事项", title_en="Job", width=2),
            Column(key="category", title="类别", title_en="Class", width=1.4),
            Column(key="place", title="地点", title_en="Place", width=1.6),
            Column(key="finished", title="完工时间", title_en="Finished", kind="datetime", width=1.4),
            Column(key="by", title="维修人", title_en="By", kind="person", width=1.4),
            Column(key="why", title="返修原因", title_en="Why", width=1.6),
        ),
        rows=rows,
    )  # fmt: skip


def waiting(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """Orders not done at month end, the oldest first."""
    found = sorted(open_at_end(month, orders), key=lambda one: (one.first_signal_at, one.number))
    late = {one.id for one in open_overdue(month, orders)}
    return Table(
        id="order_open", caption="月末未完工工单", caption_en="Open at month end", sheet="未完工单",
        most_printed=40,
        columns=(
            Column(key="number", title="工单号", title_en="Number", width=1.4),
            Column(key="title", title="事项", title_en="Job", width=2.4),
            Column(key="priority", title="级别", title_en="Priority"),
            Column(key="since", title="首次信号", title_en="Since", kind="datetime", width=1.4),
            Column(key="due", title="完工时限", title_en="Due", kind="datetime", width=1.4),
            Column(key="days", title="已历天数", title_en="Days", kind="number"),
            Column(key="overdue", title="超期", title_en="Overdue"),
            Column(key="assignee", title="负责人", title_en="Assignee", kind="person"),
        ),
        rows=tuple(
            (one.number, one.title, one.priority, one.first_signal_at.isoformat(),
             one.finish_due_at.isoformat() if one.finish_due_at else None, _age(month, one) / timedelta(days=1),
             "超期" if one.id in late else None, one.assignee)
            for one in found
        ),
        **empty("月末无未完工工单", "None open", known=bool(orders)),
    )  # fmt: skip


def ages(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """表22: how old the open orders are."""
    rows, below = [], timedelta(0)
    found = open_at_end(month, orders)
    for label, most in AGES:
        inside = [one for one in found if (below < _age(month, one) or not below) and _age(month, one) <= most]
        counts = [sum(one.priority == level for one in inside) for level in PRIORITIES]
        rows.append((label, len(inside), *counts))
        below = most
    return Table(
        id="order_ages", caption="未完工工单账龄", caption_en="Age of open orders",
        columns=(
            Column(key="age", title="账龄", title_en="Age", width=1.2),
            Column(key="count", title="工单数", title_en="Orders", kind="int"),
            *(Column(key=level.lower(), title=level, kind="int") for level in PRIORITIES),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def people(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """表23 (KPI-17): quantities of each person who carried out an order that was finished in the month."""
    done = finished_in(month, orders)
    hours: dict[str, float] = {}
    for one in done:
        for person, count in one.hours:
            hours[person] = hours.get(person, 0.0) + count
    names = sorted({name for one in done for name in one.executors} | hours.keys())
    rows = []
    for name in names:
        own = [one for one in done if name in one.executors]
        rated = [one.rating for one in own if one.rating is not None]
        rows.append((
            name, len(own), hours.get(name), share(sum(map(in_time, own)), len(own)),
            share(sum(one.reworked for one in own), len(own)), sum(rated) / len(rated) if rated else None,
        ))  # fmt: skip
    return Table(
        id="order_people", caption="维修人员量化", caption_en="Quantities by person", sheet="人员",
        columns=(
            Column(key="person", title="人员", title_en="Person", kind="person", width=1.6),
            Column(key="orders", title="完工工单", title_en="Orders", kind="int"),
            Column(key="hours", title="工时（时）", title_en="Hours", kind="hours"),
            Column(key="timely", title="及时率", title_en="In time", kind="percent"),
            Column(key="rework", title="返修率", title_en="Rework", kind="percent"),
            Column(key="rating", title="评价均分", title_en="Rating", kind="number", decimals=2),
        ),
        rows=tuple(rows), note="多人完成的工单对每人各计一次；工时为登记的人工。",
    )  # fmt: skip


def areas(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """Ranking of areas (KPI-16): open counts 1, overdue 2 more, rework 2; the fewest points rank first."""
    late = {one.id for one in open_overdue(month, orders)}
    waits = {one.id for one in open_at_end(month, orders)}
    again = {one.id for one in finished_in(month, orders) if one.reworked}
    counted: dict[str, list[int]] = {}
    for one in orders:
        row = counted.setdefault(one.area or "未定片区", [0, 0, 0, 0])
        row[0] += within(month, one.registered_at)
        row[1] += one.id in waits
        row[2] += one.id in late
        row[3] += one.id in again
    points = {area: row[1] + 2 * row[2] + 2 * row[3] for area, row in counted.items() if any(row)}
    rows = [
        (sum(other < mine for other in points.values()) + 1, area, *counted[area], mine)
        for area, mine in sorted(points.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    return Table(
        id="order_areas", caption="片区评比", caption_en="Ranking of areas",
        columns=(
            Column(key="rank", title="名次", title_en="Rank", kind="int"),
            Column(key="area", title="片区", title_en="Area", width=2),
            Column(key="received", title="受理", title_en="Received", kind="int"),
            Column(key="open", title="未完工", title_en="Open", kind="int"),
            Column(key="overdue", title="超期", title_en="Overdue", kind="int"),
            Column(key="rework", title="返修", title_en="Rework", kind="int"),
            Column(key="points", title="扣分", title_en="Points", kind="int"),
        ),
        rows=tuple(rows), note="扣分 = 未完工 ×1 + 其中超期再 ×2 + 返修 ×2（默认口径），少者在前，同分同名次。",
    )  # fmt: skip


def classes(month: Month, orders: Iterable[OrderRecord]) -> Table:
    """Failures per class of equipment and how long they took to end (KPI-21, KPI-22)."""
    found: dict[str, list[OrderRecord]] = {}
    for one in orders:
        if one.equipment_class and within(month, one.first_signal_at):
            found.setdefault(one.equipment_class, []).append(one)
    rows = []
    for name, faults in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        hours = [minutes(one.finished_at - one.first_signal_at) / 60 for one in faults if one.finished_at]
        machines = len({one.equipment_id for one in faults if one.equipment_id})
        rows.append((name, len(faults), machines, median(hours), p90(hours)))
    return Table(
        id="order_classes", caption="各类设备故障与恢复", caption_en="Failures by class of equipment",
        columns=(
            Column(key="class", title="设备类别", title_en="Class", width=2),
            Column(key="failures", title="故障次数", title_en="Failures", kind="int"),
            Column(key="equipment", title="涉及设备", title_en="Equipment", kind="int"),
            Column(key="median", title="恢复中位数（时）", title_en="Median hours", kind="hours"),
            Column(key="p90", title="恢复 P90（时）", title_en="P90 hours", kind="hours"),
        ),
        rows=tuple(rows), note="首次信号在本月的工单；恢复时长只计月末前已完工的。",
    )  # fmt: skip


def repeating(month: Month, orders: Sequence[OrderRecord]) -> Table:
    """Equipment whose plan should change (PER-58)."""
    found = sorted(repeats_of(month, orders).values(), key=lambda faults: (-len(faults), faults[0].equipment))
    return Table(
        id="order_repeats", caption=f"重复故障设备（90 天内 {REPEAT_FROM} 次及以上）", caption_en="Repeated failures",
        most_printed=40,
        columns=(
            Column(key="equipment", title="设备", title_en="Equipment", width=2),
            Column(key="count", title="次数", title_en="Times", kind="int"),
            Column(key="categories", title="故障类别", title_en="Classes", width=1.6),
            Column(key="orders", title="工单号", title_en="Orders", width=2.4),
            Column(key="suggestion", title="建议", title_en="Suggestion", width=2.4),
        ),
        rows=tuple(
            (faults[0].equipment, len(faults), "、".join(sorted({one.category for one in faults if one.category})),
             "、".join(one.number for one in faults), _suggestion(faults))
            for faults in found
        ),
    )  # fmt: skip


def _suggestion(faults: Sequence[OrderRecord]) -> str:
    same = len({one.category for one in faults}) == 1
    return "同类故障反复，建议查明根因并缩短保养周期" if same else "故障多发，建议列入大修或更换评估"


def _age(month: Month, order: OrderRecord) -> timedelta:
    return month.ends_at - order.first_signal_at


def _closed_in(month: Month, order: OrderRecord) -> bool:
    return order.closed_at is not None and within(month, order.closed_at)


def _days(month: Month) -> tuple[date, ...]:
    zone = ZoneInfo(month.timezone)
    last = (month.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return tuple(month.first_on + timedelta(days=one) for one in range((last - month.first_on).days + 1))


def _flow(month: Month, orders: Sequence[OrderRecord]) -> tuple[Series, ...]:
    if not orders:
        return ()
    zone = ZoneInfo(month.timezone)

    def day(at: datetime) -> date:
        return at.astimezone(zone).date()

    days = _days(month)
    came, went = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    waiting_before = 0
    for one in orders:
        gone = one.closed_at if one.cancelled else one.finished_at
        if one.registered_at < month.since_at:
            waiting_before += gone is None or gone >= month.since_at
        elif day(one.registered_at) in came:
            came[day(one.registered_at)] += 1
        if gone is not None and day(gone) in went:
            went[day(gone)] += 1
    level, levels = waiting_before, []
    for one_day in days:
        level += came[one_day] - went[one_day]
        levels.append(float(level))
    return (
        Series(name="受理", values=tuple(float(came[one]) for one in days)),
        Series(name="完工或取消", values=tuple(float(went[one]) for one in days)),
        Series(name="日末未完工", values=tuple(levels)),
    )

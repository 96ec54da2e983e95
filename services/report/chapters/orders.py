"""八、工单与维修: timeliness with open overdue orders in the denominator, rework, speed, repeated faults. Pure."""

from collections.abc import Iterable, Sequence

from services.report.chapters import order_tables as tables
from services.report.chapters.order_records import (
    REPEAT_FROM,
    OrderRecord,
    OrdersFacts,
    finished_in,
    in_time,
    kept,
    minutes,
    open_at_end,
    open_overdue,
    repeats_of,
    within,
)
from services.report.model import Chapter, Evidenced, Month, Ref, Section, amount, ratio
from services.report.statistics import mean, median, p90

__all__ = ["OrderRecord", "OrdersFacts", "chapter"]


def chapter(month: Month, facts: OrdersFacts) -> Chapter:
    """Section 八 with its figures."""
    orders = tuple(one for one in facts.orders if not one.cancelled)
    figures = (
        *_counts(month, orders),
        arrival_timely(month, orders),
        timely(month, orders),
        rework(month, orders),
        *_speed(month, orders),
        *_quality(month, orders),
        repeats(month, orders),
    )
    section = Section(
        id="orders",
        title="工单与维修",
        title_en="Work orders and repairs",
        blocks=tables.blocks(month, facts.orders),
    )
    return Chapter(section=section, figures=figures, conclusions=_conclusions(figures), decisions=_decisions(orders))


def timely(month: Month, orders: Sequence[OrderRecord]) -> Evidenced:
    """维修及时率 (KPI-06, AMB-12)."""
    done = [
        Ref(kind="work_order", id=one.id, counted=in_time(one), words=_why(one)) for one in finished_in(month, orders)
    ]
    late = [
        Ref(kind="work_order", id=one.id, counted=False, words=f"{one.number} {one.title}：超期未完工")
        for one in open_overdue(month, orders)
    ]
    return ratio(
        "order.timely", "维修及时率", "Repairs in time", [*done, *late],
        how="本月完工且到场、完工均未超限的工单 ÷（本月完工 + 月末超期未完工）；已取消的不计",
        how_en="Finished this month with arrival and finish within limits ÷ (finished + open overdue at month end)",
        requirements=("KPI-06", "AMB-12"),
    )  # fmt: skip


def arrival_timely(month: Month, orders: Sequence[OrderRecord]) -> Evidenced:
    """工单到场及时率: the same rule for the clock of arrival (AMB-12)."""
    refs = []
    for one in orders:
        if one.respond_due_at is None:
            continue
        if one.arrived_at is not None:
            if within(month, one.arrived_at):
                good = one.arrived_at <= one.respond_due_at
                words = f"{one.number} {one.title}：{'按时到场' if good else '到场超时'}"
                refs.append(Ref(kind="work_order", id=one.id, counted=good, words=words))
        elif one.finished_at is None and one.respond_due_at < month.ends_at:
            words = f"{one.number} {one.title}：超期未到场"
            refs.append(Ref(kind="work_order", id=one.id, counted=False, words=words))
    return ratio(
        "order.arrival_timely", "工单到场及时率", "Arrival in time", refs,
        how="本月按时到场 ÷（本月到场 + 月末超期未到场）；无到场时限的工单不计",
        how_en="Arrived in time this month ÷ (arrived + overdue without arrival); orders without a limit left out",
        requirements=("TIM-07", "AMB-12"),
    )  # fmt: skip


def rework(month: Month, orders: Sequence[OrderRecord]) -> Evidenced:
    """返修率 (KPI-06, AMB-12): it belongs to the month of the first order."""
    refs = [
        Ref(
            kind="work_order", id=one.id, counted=one.reworked,
            words=f"{one.number} {one.title}：{one.rework_why or '返修' if one.reworked else '未返修'}",
        )
        for one in finished_in(month, orders)
    ]  # fmt: skip
    return ratio(
        "order.rework", "返修率", "Rework", refs,
        how="本月完工工单中退回返修、或 30 天内同处同类再次报修的 ÷ 本月完工；返修记在首单所在月，截至数据截止时已知",
        how_en="Sent back, or the same fault again within 30 days ÷ finished this month; of the first order's month",
        requirements=("KPI-06", "AMB-12"),
    )  # fmt: skip


def repeats(month: Month, orders: Sequence[OrderRecord]) -> Evidenced:
    """Equipment that fails again and again (PER-58, KPI-21)."""
    found = repeats_of(month, orders)
    refs = [
        Ref(kind="equipment", id=key, counted=True, words=f"{faults[0].equipment}：90 天内 {len(faults)} 次")
        for key, faults in found.items()
    ]
    return amount(
        "order.repeat_equipment", "重复故障设备", "Equipment failing repeatedly", len(found) if orders else None, refs,
        how=f"截至月末 90 天内报修 {REPEAT_FROM} 次及以上的设备数",
        how_en=f"Equipment with {REPEAT_FROM} or more orders in the 90 days before the month's end",
        requirements=("PER-58", "KPI-21"),
    )  # fmt: skip


def _counts(month: Month, orders: Sequence[OrderRecord]) -> Iterable[Evidenced]:
    received = [one for one in orders if within(month, one.registered_at)]
    waiting = open_at_end(month, orders)
    late = open_overdue(month, orders)
    for figure_id, name, name_en, found, how, how_en in (
        ("order.received", "受理工单", "Orders received", received,
         "本月登记的工单，已取消的不计", "Registered this month"),
        ("order.finished", "完工工单", "Orders finished", finished_in(month, orders),
         "本月完工的工单", "Finished this month"),
        ("order.open", "月末未完工", "Open at month end", waiting,
         "月末未完工的工单（不论何时报修）", "Not finished at month end"),
        ("order.open_overdue", "月末超期未完工", "Open and overdue", late,
         "月末未完工且已过完工时限的工单", "Not finished at month end, limit passed"),
    ):  # fmt: skip
        refs = [Ref(kind="work_order", id=one.id, counted=True, words=f"{one.number} {one.title}") for one in found]
        count = len(refs) if orders else None
        yield amount(figure_id, name, name_en, count, refs, how=how, how_en=how_en, requirements=("KPI-06",))


def _speed(month: Month, orders: Sequence[OrderRecord]) -> Iterable[Evidenced]:
    accepted = [
        (one, minutes(one.accepted_at - one.registered_at))
        for one in orders if one.accepted_at is not None and within(month, one.accepted_at)
    ]  # fmt: skip
    arrived = [
        (one, minutes(one.arrived_at - one.first_signal_at))
        for one in orders if one.arrived_at is not None and within(month, one.arrived_at)
    ]  # fmt: skip
    restored = [
        (one, minutes(one.finished_at - one.first_signal_at) / 60)
        for one in finished_in(month, orders) if one.finished_at is not None
    ]  # fmt: skip
    for prefix, name, name_en, found, unit, how, how_en, ids in (
        ("accept", "受理用时", "Time to accept", accepted, "minutes", "本月受理的工单：受理时刻 − 登记时刻",
         "Accepted this month: accepted − registered", ("KPI-12",)),
        ("arrive", "到场用时", "Time to arrive", arrived, "minutes", "本月到场的工单：到场时刻 − 首次信号时刻",
         "Arrived this month: arrived − first signal", ("KPI-12",)),
        ("restore", "恢复用时", "Time to restore", restored, "hours", "本月完工的工单：完工时刻 − 首次信号时刻",
         "Finished this month: finished − first signal", ("KPI-21", "KPI-22")),
    ):  # fmt: skip
        said = "小时" if unit == "hours" else "分钟"
        refs = [
            Ref(kind="work_order", id=one.id, counted=True, words=f"{one.number} {one.title}：{value:.1f} {said}")
            for one, value in found
        ]
        values = [value for _, value in found]
        for which, label, value in (("median", "中位数", median(values)), ("p90", "P90", p90(values))):
            yield amount(
                f"order.{prefix}_{which}", f"{name}{label}", f"{name_en}, {which}", value, refs,
                unit="hours" if unit == "hours" else "minutes", decimals=1,
                how=f"{how}，取{label}（线性插值）", how_en=how_en, requirements=ids,
            )  # fmt: skip


def _quality(month: Month, orders: Sequence[OrderRecord]) -> Iterable[Evidenced]:
    rated = [one for one in orders if one.rating is not None and one.closed_at and within(month, one.closed_at)]
    yield amount(
        "order.rating", "服务评价均分", "Mean rating", mean(float(one.rating or 0) for one in rated),
        [
            Ref(kind="work_order", id=one.id, counted=True, words=f"{one.number} {one.title}：{one.rating} 分")
            for one in rated
        ],
        unit="score", decimals=2, how="本月评价关闭的工单评分（1–5）的平均值",
        how_en="Mean of the ratings (1 to 5) of orders closed this month", requirements=("KPI-19",),
    )  # fmt: skip


def _conclusions(figures: Sequence[Evidenced]) -> tuple[tuple[int, str], ...]:
    known = {one.figure.id: one.figure for one in figures}
    lines = []
    late = known["order.open_overdue"]
    if late.value:
        lines.append((60, f"月末有 {late.value:.0f} 张工单超期未完工，已计入维修及时率分母。"))
    done = known["order.timely"]
    if done.value is not None and done.numerator is not None and done.denominator is not None:
        rank = 50 if done.value < 80 else 20
        lines.append((rank, f"维修及时率 {done.value:.1f}%（{done.numerator:.0f}/{done.denominator:.0f}）。"))
    again = known["order.repeat_equipment"]
    if again.value:
        lines.append((45, f"{again.value:.0f} 台设备 90 天内报修 {REPEAT_FROM} 次及以上，建议调整保养计划。"))
    return tuple(lines)


def _decisions(orders: Sequence[OrderRecord]) -> tuple[str, ...]:
    waiting = [one for one in orders if one.review in ("due", "drafted") and one.finished_at is not None]
    return (f"{len(waiting)} 份紧急维修报告待批准。",) if waiting else ()


def _why(order: OrderRecord) -> str:
    said = []
    if not kept(order.arrived_at, order.respond_due_at):
        said.append("到场超时")
    if not kept(order.finished_at, order.finish_due_at):
        said.append("完工超时")
    return f"{order.number} {order.title}：{'、'.join(said) or '按时'}"

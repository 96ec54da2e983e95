"""七、维护保养: six levels, overdue work, contractors, what is due next month. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.site.upkeep import LEVEL_NAMES
from services.report.chapters.parts import col, day, empty, moment, share
from services.report.model import Block, Cell, Chapter, Evidenced, FigureList, Month, Ref, Section, Table, amount, ratio

MOST_PRINTED = 40


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """An occurrence of a plan as it stood at the month's end."""

    id: str
    plan: str
    level: int
    equipment_id: str
    equipment: str
    due_on: date
    due_at: datetime
    contract: str = ""
    done_at: datetime | None = None
    """None: not done by the month's end, nor by its own end when that is a little later."""
    on_time: bool = False
    passed: bool | None = None
    is_lift: bool = False
    windowed: bool = False
    """Its plan has a window."""
    outside_window: bool = False
    emergency: bool = False
    """Repair or rescue: free of the window."""
    responsible: str = ""
    called_off: bool = False
    """A person decided after it was due that it is not done: it stays undone, but waits for nobody."""

    @property
    def good(self) -> bool:
        """Done on time and passed."""
        return self.done_at is not None and self.on_time and self.passed is True

    @property
    def words(self) -> str:
        """Which it is."""
        return f"{self.equipment} {self.plan}（{self.due_on.isoformat()}）"


@dataclass(frozen=True, slots=True)
class Covered:
    """A live entry of the ledger, and whether a plan holds for it."""

    equipment_id: str
    name: str
    kind: str
    planned: bool


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract with a contractor."""

    id: str
    name: str
    contractor: str
    ends_on: date
    reviewed: bool
    """The legal department has (APR-03)."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What is due next month of one plan."""

    level: int
    plan: str
    count: int
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class MaintenanceFacts:
    """What section 七 is made from."""

    tasks: tuple[TaskRecord, ...] = ()
    """Due in the month (AMB-28), those cancelled before they were due left out."""
    late_before: tuple[TaskRecord, ...] = ()
    """Due earlier and not done when the month ended, nor a later one of the same plan and machine."""
    started: tuple[TaskRecord, ...] = ()
    """Done in the month, whenever due: for the window."""
    live: tuple[Covered, ...] = ()
    contracts: tuple[ContractRecord, ...] = ()
    coming: tuple[Coming, ...] = ()
    repairs: tuple[tuple[str, str], ...] = ()
    """(id, words) of orders finished in the month that repaired something."""


def chapter(month: Month, facts: MaintenanceFacts) -> Chapter:
    """Section 七 with its figures."""
    figures = (compliance(facts), coverage(facts), window(facts), overdue(month, facts), preventive(facts))
    blocks: tuple[Block, ...] = (
        FigureList(
            id="maintenance_figures", caption="维护保养指标", caption_en="Figures of upkeep",
            figures=tuple(one.figure.id for one in figures),
        ),
        levels(month, facts),
        late(month, facts),
        contractors(facts),
        coming(facts),
        uncovered(facts),
    )  # fmt: skip
    section = Section(id="maintenance", title="维护保养", title_en="Maintenance", blocks=blocks)
    gaps = () if facts.tasks else ("本月没有到期的保养任务：设备维护达标率无数据。",)
    return Chapter(section=section, figures=figures, conclusions=_conclusions(month, facts, figures), gaps=gaps)


def compliance(facts: MaintenanceFacts) -> Evidenced:
    """设备维护达标率 (KPI-12)."""
    refs = [Ref(kind="task", id=one.id, counted=one.good, words=f"{one.words}：{_fate(one)}") for one in facts.tasks]
    return ratio(
        "maintenance.compliance", "设备维护达标率", "Maintenance done on time and passed", refs,
        how="本月到期的保养任务中按时完成且合格的 ÷ 本月到期的；到期前取消的不计，到期后取消的仍计为未做",
        how_en="Tasks due this month done on time and passed ÷ due; left out only when cancelled before they were due",
        requirements=("KPI-12", "AMB-28"),
    )  # fmt: skip


def coverage(facts: MaintenanceFacts) -> Evidenced:
    """Entries of the ledger that a plan holds for (PER-09, PER-64)."""
    refs = [
        Ref(
            kind="equipment", id=one.equipment_id, counted=one.planned,
            words=f"{one.name}：{'有保养计划' if one.planned else '无保养计划'}",
        )
        for one in facts.live
    ]  # fmt: skip
    return ratio(
        "maintenance.coverage", "保养计划覆盖率", "Equipment with a plan", refs,
        how="月末在册设备中有有效保养计划的 ÷ 月末在册设备", how_en="Live entries with a plan in force ÷ live entries",
        requirements=("PER-09", "PER-64"),
    )  # fmt: skip


def window(facts: MaintenanceFacts) -> Evidenced:
    """Lift work begun inside its window (TIM-12); repair and rescue are free."""
    refs = [
        Ref(
            kind="task", id=one.id, counted=not one.outside_window,
            words=f"{one.words}：{'不在时段内' if one.outside_window else '在时段内'}",
        )
        for one in facts.started if one.is_lift and one.windowed and not one.emergency
    ]  # fmt: skip
    return ratio(
        "maintenance.window", "电梯保养时段合规率", "Lift work inside its window", refs,
        how="本月完成的电梯计划保养中在规定时段（00:00 后）内开始的 ÷ 本月完成的；抢修、救援除外",
        how_en="Planned lift work done this month and begun in its window ÷ done; repair and rescue left out",
        requirements=("TIM-12",),
    )  # fmt: skip


def overdue(month: Month, facts: MaintenanceFacts) -> Evidenced:
    """Work that waited when the month ended, whenever it was due: one of a plan and machine, the newest."""
    found = [own[-1] for own in overdue_work(month, facts)]
    refs = [Ref(kind="task", id=one.id, counted=True, words=one.words) for one in found]
    known = facts.tasks or facts.late_before
    return amount(
        "maintenance.overdue", "月末超期未做", "Overdue at month end", len(found) if known else None, refs,
        how="截至月末已到期仍未完成的保养，含以前月份；同一设备同一计划计一项，其后已做过的漏做不计",
        how_en="Due and not done at month end, earlier months too; one per plan and machine, none once a "
        "later one is done",
        requirements=("KPI-12",),
    )  # fmt: skip


def preventive(facts: MaintenanceFacts) -> Evidenced:
    """Planned work among all work (PER-64)."""
    refs = [Ref(kind="task", id=one.id, counted=True, words=f"计划保养：{one.words}") for one in facts.started]
    refs += [Ref(kind="work_order", id=one, counted=False, words=f"维修：{words}") for one, words in facts.repairs]
    return ratio(
        "maintenance.preventive", "预防性维护占比", "Preventive share", refs,
        how="本月完成的计划保养 ÷（本月完成的计划保养 + 本月完工的维修工单）",
        how_en="Planned tasks done this month ÷ (planned tasks done + repairs finished)", requirements=("PER-64",),
    )  # fmt: skip


def overdue_work(month: Month, facts: MaintenanceFacts) -> list[list[TaskRecord]]:
    """What waited when the month ended by plan and machine: its undone tasks since it was last done, oldest first."""
    done: dict[tuple[str, str], datetime] = {}
    for one in (*facts.tasks, *facts.started):
        if one.done_at is not None:
            key = (one.plan, one.equipment_id)
            done[key] = max(one.due_at, done.get(key, one.due_at))
    groups: dict[tuple[str, str], list[TaskRecord]] = {}
    for one in sorted((*facts.late_before, *facts.tasks), key=lambda one: (one.due_at, one.equipment, one.id)):
        key = (one.plan, one.equipment_id)
        # Nobody can do last month's daily check any more: what was missed before one that was done waits for nobody.
        if _is_late(month, one) and (key not in done or done[key] < one.due_at):
            groups.setdefault(key, []).append(one)
    return list(groups.values())


def levels(month: Month, facts: MaintenanceFacts) -> Table:
    """表16."""

    def row(name: str, own: Sequence[TaskRecord]) -> tuple[Cell, ...]:
        done = [one for one in own if one.done_at is not None]
        return (
            name, len(own), len(done), sum(one.on_time for one in done), sum(one.passed is True for one in done),
            sum(_is_late(month, one) for one in own),
            share(sum(one.good for one in own), len(own)),
        )  # fmt: skip

    return Table(
        id="maintenance_levels", caption="六级保养完成情况", caption_en="Six levels", sheet="保养",
        columns=(
            col("level", "级别", "Level", width=2), col("due", "应做", "Due", "int"),
            col("done", "完成", "Done", "int"),
            col("on_time", "准时", "On time", "int"), col("passed", "合格", "Passed", "int"),
            col("overdue", "超期", "Overdue", "int"), col("compliance", "达标率", "Compliance", "percent"),
        ),
        rows=tuple(row(name, [one for one in facts.tasks if one.level == no]) for no, (name, _) in LEVEL_NAMES.items()),
        total=row("合计", facts.tasks),
    )  # fmt: skip


def late(month: Month, facts: MaintenanceFacts) -> Table:
    """表17: one row per plan and piece of equipment; the rarer the work, the further up."""
    found = sorted(overdue_work(month, facts), key=lambda own: (-own[0].level, own[0].due_at, own[0].equipment))
    return Table(
        id="maintenance_overdue", caption="超期未做", caption_en="Overdue", sheet="超期保养", most_printed=MOST_PRINTED,
        columns=(
            col("equipment", "设备", "Equipment", width=2), col("plan", "计划", "Plan", width=2),
            col("level", "级别", "Level", width=1.4), col("count", "次数", "Times", "int"),
            col("due", "最早应完成", "Due first", "date"), col("days", "最长超期（天）", "Days late", "number"),
            col("responsible", "责任人", "Responsible", "person"),
        ),
        rows=tuple(
            (own[0].equipment, own[0].plan, LEVEL_NAMES[own[0].level][0], len(own), day(own[0].due_on),
             (month.ends_at - own[0].due_at).total_seconds() / 86400, own[0].responsible)
            for own in found
        ),
        **empty("月末无超期任务", "Nothing overdue", known=bool(facts.tasks)),
    )  # fmt: skip


def contractors(facts: MaintenanceFacts) -> Table:
    """表18: what contractors were to do and did."""
    rows = []
    for contract in facts.contracts:
        own = [one for one in facts.tasks if one.contract == contract.id]
        rows.append((
            contract.name, contract.contractor, len(own), sum(one.done_at is not None for one in own),
            share(sum(one.good for one in own), len(own)), day(contract.ends_on), contract.reviewed,
        ))  # fmt: skip
    return Table(
        id="maintenance_contractors", caption="分承包方", caption_en="Contractors",
        columns=(
            col("contract", "合同", "Contract", width=2), col("contractor", "分承包方", "Contractor", width=2),
            col("due", "应做", "Due", "int"), col("done", "完成", "Done", "int"),
            col("compliance", "达标率", "Compliance", "percent"), col("ends", "合同到期", "Ends", "date"),
            col("reviewed", "法务审核", "Legal review", "mark"),
        ),
        rows=tuple(rows), empty="未登记分承包合同", empty_en="No contracts",
    )  # fmt: skip


def coming(facts: MaintenanceFacts) -> Table:
    """下月到期计划."""
    found = sorted(facts.coming, key=lambda one: (one.level, one.first_on, one.plan))
    return Table(
        id="maintenance_coming", caption="下月到期计划", caption_en="Due next month", most_printed=MOST_PRINTED,
        columns=(
            col("level", "级别", "Level", width=1.6), col("plan", "计划", "Plan", width=2.4),
            col("count", "任务数", "Tasks", "int"), col("first", "最早", "First", "date"),
            col("last", "最晚", "Last", "date"),
        ),
        rows=tuple(
            (LEVEL_NAMES[one.level][0], one.plan, one.count, day(one.first_on), day(one.last_on)) for one in found
        ),
        total=("合计", "", sum(one.count for one in found), None, None) if found else None,
        empty="下月没有到期计划", empty_en="Nothing due next month",
    )  # fmt: skip


def uncovered(facts: MaintenanceFacts) -> Table:
    """无保养计划设备 (PER-09)."""
    return Table(
        id="maintenance_uncovered", caption="无保养计划设备", caption_en="Equipment without a plan", most_printed=20,
        columns=(col("equipment", "设备", "Equipment", width=2), col("kind", "类别", "Kind", width=1.4)),
        rows=tuple((one.name, one.kind) for one in facts.live if not one.planned),
        **empty("全部设备均有保养计划", "All have one", known=bool(facts.live)),
    )  # fmt: skip


def _conclusions(month: Month, facts: MaintenanceFacts, figures: Iterable[Evidenced]) -> tuple[tuple[int, str], ...]:
    known = {one.figure.id: one.figure for one in figures}
    lines = []
    found = [own[0] for own in overdue_work(month, facts)]
    if found:
        rarer = [one for one in found if one.level > 1]
        oldest = (rarer or found)[0]
        inside = f"，其中日检以外 {len(rarer)} 项" if rarer else "，均为日检"
        since = f"，最早应于 {oldest.due_on.isoformat()} 完成（{oldest.equipment}）"
        lines.append((55 if rarer else 36, f"月末有 {len(found)} 项保养超期未做{inside}{since}。"))
    met = known["maintenance.compliance"]
    if met.value is not None and met.numerator is not None and met.denominator is not None:
        rank = 40 if met.value < 90 else 15
        lines.append((rank, f"设备维护达标率 {met.value:.1f}%（{met.numerator:.0f}/{met.denominator:.0f}）。"))
    return tuple(lines)


def _is_late(month: Month, task: TaskRecord) -> bool:
    return task.done_at is None and not task.called_off and task.due_at <= month.ends_at


def _fate(task: TaskRecord) -> str:
    if task.done_at is None:
        return "到期后取消" if task.called_off else "未做"
    said = "按时" if task.on_time else f"逾期完成 {moment(task.done_at)}"
    return said if task.passed is True else f"{said}，不合格"

"""六、电梯: certificates, the contractor's work and its hours, people trapped, faults, hours out of service. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.report.chapters.parts import at_least, col, day, hours, minutes, nothing_but
from services.report.chapters.tasks import Task
from services.report.model import Cell, Chapter, Evidenced, Month, Ref, Section, Table, amount, ratio


@dataclass(frozen=True, slots=True)
class Call:
    """A fault or people trapped: one work order."""

    id: str
    number: str
    trapped: bool
    began_at: datetime
    arrived_at: datetime | None

    @property
    def arrival(self) -> timedelta | None:
        """From the first signal to somebody there; None: nobody has come."""
        return self.arrived_at - self.began_at if self.arrived_at is not None else None


@dataclass(frozen=True, slots=True)
class Lift:
    """One lift over the month; without an id: what no order says which lift it was."""

    id: str
    name: str
    certificate_until_on: date | None
    """Last day the inspection mark is valid; None: the ledger has none."""
    tasks: tuple[Task, ...] = ()
    calls: tuple[Call, ...] = ()
    stopped: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class ElevatorFacts:
    """What the chapter is written from."""

    lifts: tuple[Lift, ...] = ()
    last_on: date | None = None
    """Last day of what is counted."""
    watched: bool = False
    """Orders were kept: a month without one of people trapped means none."""


def chapter(month: Month, facts: ElevatorFacts) -> Chapter:
    """The chapter; without a lift it is left out."""
    if not facts.lifts:
        return Chapter(gaps=("电梯：台账没有电梯，本章省略",))
    named = [one for one in facts.lifts if one.id]
    return Chapter(
        section=Section(id="elevator", title="电梯", title_en="Lifts", blocks=(_table(facts, month),)),
        figures=_figures(facts, named, month),
        conclusions=_conclusions(facts, named, month),
        decisions=tuple(f"{one.name}检验合格证已过期，应停用并申请检验。" for one in named if _expired(one, facts)),
    )


def _expired(one: Lift, facts: ElevatorFacts) -> bool:
    until = one.certificate_until_on
    return until is not None and facts.last_on is not None and until < facts.last_on


def _due(named: Sequence[Lift], month: Month) -> list[Task]:
    """Work, daily checks apart: all of a month that is over, else what is done or whose time has run out."""
    every = (one for lift in named for one in lift.tasks if not one.daily)
    return [one for one in every if month.over or one.done_at is not None or one.overdue(month.now)]


def _figures(facts: ElevatorFacts, named: Sequence[Lift], month: Month) -> tuple[Evidenced, ...]:
    tasks = _due(named, month)
    calls = [one for lift in facts.lifts for one in lift.calls]
    trapped = [one for one in calls if one.trapped]
    held = [one for one in named if one.certificate_until_on is not None]
    return (
        ratio("elevator.certified", "电梯检验有效率", "Lifts with a valid mark",
              (Ref(kind="equipment", id=one.id, counted=not _expired(one, facts),
                   words=f"{one.name} 有效期至 {one.certificate_until_on}") for one in held),
              how="月末检验合格证有效的电梯 ÷ 登记了合格证的电梯。",
              how_en="Lifts with a valid mark at the end of the month.",
              target=at_least(100), requirements=("LED-20",)),
        ratio("elevator.serviced", "电梯维保按期率", "Lift work on time",
              (Ref(kind="task", id=one.id, counted=one.on_time, words=f"{one.equipment} {one.plan_name} {one.due_on}")
               for one in tasks),
              how="按期完成的电梯维保次数 ÷ 本月到期或已做的次数；日检不计。",
              how_en="Lift work done on time over work due, daily checks apart.",
              target=at_least(100), requirements=("AMB-28",)),
        amount("elevator.trapped", "电梯困人次数", "People trapped",
               float(len(trapped)) if facts.watched or calls else None,
               [Ref(kind="work_order", id=one.id, counted=True, words=one.number) for one in trapped],
               how="本月登记的电梯困人工单数。", how_en="Orders of people trapped in a lift.", target=nothing_but(),
               requirements=("TIM-06",)),
    )  # fmt: skip


def _table(facts: ElevatorFacts, month: Month) -> Table:
    return Table(
        id="elevator.lifts", caption="电梯运行与维保", caption_en="Lifts", sheet="电梯",
        columns=(
            col("lift", "电梯", "Lift", width=1.8), col("until", "检验有效期至", "Mark until", "date", 1.2),
            col("valid", "有效", "Valid", "mark"), col("daily", "日检", "Daily"), col("due", "维保应做", "Due", "int"),
            col("done", "完成", "Done", "int"), col("on_time", "按期", "On time", "int"),
            col("window", "0 点后开工", "After 00:00", width=1.2), col("trapped", "困人", "Trapped", "int"),
            col("arrival", "困人到场", "Arrival", "minutes"), col("faults", "故障", "Faults", "int"),
            col("stopped", "停梯小时", "Stopped (h)", "hours"),
        ),
        rows=tuple(_lift(one, facts, month) for one in facts.lifts),
        note="日检为完成 / 应做，不计入维保；到场为最久的一次；0 点后开工为合规 / 已开工次数（TIM-12，抢修除外）。",
    )  # fmt: skip


def _lift(one: Lift, facts: ElevatorFacts, month: Month) -> tuple[Cell, ...]:
    checks, work = [task for task in one.tasks if task.daily], [task for task in one.tasks if not task.daily]
    done = [task for task in work if task.done_at is not None]
    windowed = [task for task in done if task.windowed]
    trapped = [call for call in one.calls if call.trapped]
    arrivals = [call.arrival for call in trapped if call.arrival is not None]
    inside = sum(not task.outside_window for task in windowed)
    return (
        one.name, day(one.certificate_until_on), None if one.certificate_until_on is None else not _expired(one, facts),
        f"{sum(task.done_at is not None for task in checks)}/{len(checks)}" if checks else None,
        len(work), len(done), sum(task.on_time for task in work), f"{inside}/{len(windowed)}" if windowed else None,
        len(trapped), minutes(max(arrivals, default=None)), len(one.calls) - len(trapped),
        hours(one.stopped) if one.id else None,
    )  # fmt: skip


def _conclusions(facts: ElevatorFacts, named: Sequence[Lift], month: Month) -> tuple[tuple[int, str], ...]:
    said: list[tuple[int, str]] = []
    expired = [one.name for one in named if _expired(one, facts)]
    if expired:
        said.append((92, f"{'、'.join(expired)}检验合格证已过期。"))
    trapped = sum(call.trapped for one in facts.lifts for call in one.calls)
    if trapped:
        said.append((75, f"本月电梯困人 {trapped} 次。"))
    late = sum(not one.on_time for one in _due(named, month))
    if late:
        said.append((45, f"电梯维保有 {late} 次未按期完成。"))
    return tuple(said)

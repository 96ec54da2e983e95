"""What a month's report must say of a past, counted by plain loops over what truly happened."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gateway.contract.times import from_ms
from services.cli.history.load import Planted
from services.cli.history.orders import OrderFact
from services.report.months import next_first

TESTED = frozenset({"smoke", "heat", "manual_call_point", "hydrant_button"})
"""What PER-13 wants tested of the points of a panel; appliances are all tested."""
Counted = tuple[float, float] | float | None
"""Numerator and denominator, or a value; None: no data."""


@dataclass(frozen=True)
class Count:
    """One month of a past, as known at a cut-off after it."""

    planted: Planted
    first_on: date

    @property
    def since_at(self) -> datetime:
        return self._midnight(self.first_on)

    @property
    def until_at(self) -> datetime:
        return self._midnight(next_first(self.first_on))

    @property
    def cutoff_at(self) -> datetime:
        return self.planted.past.until_at

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.planted.past.zone).astimezone(UTC)

    def _in(self, at: datetime | None) -> bool:
        return at is not None and self.since_at <= at < self.until_at and at < self.cutoff_at

    def figures(self) -> dict[str, Counted]:
        """Figure → what it must be."""
        return self._patrol() | self._pumps() | self._fire() | self._orders() | self._calls() | self._upkeep()

    def _patrol(self) -> dict[str, Counted]:
        walked = [one for one in self.planted.rounds if self._in(from_ms(one.plan.starts_ms))]
        counted = [one for one in walked if one.counted]
        missing = {"walked": 0, "one_late": 0, "one_missed": 1}
        missed = sum(len(one.counted) if one.fate == "nobody" else missing[one.fate] for one in counted)
        late = sum(one.fate == "one_late" for one in counted)
        due = sum(len(one.counted) for one in counted)
        return {
            "patrol.punctual": (due - missed - late, due),
            "patrol.completion": (sum(one.fate == "walked" for one in counted), len(counted)),
            "patrol.visits": (due - missed, due),
            "patrol.missed": float(missed),
        }

    def _pumps(self) -> dict[str, Counted]:
        found = [one for one in self.planted.alarms.excursions if self._in(one.started_at)]
        minutes = sum((one.ended_at - one.started_at) / timedelta(minutes=1) for one in found)
        return {"pump.excursions": float(len(found)), "pump.minutes_out": minutes}

    def _fire(self) -> dict[str, Counted]:
        past, alarmed = self.planted.past, self.planted.alarms
        verdicts = [one.verdict for one in alarmed.incidents if self._in(one.at)]
        troubles = [one.kind for one in alarmed.troubles if self._in(one.at)]
        devices = {one.id for one in past.config.fire.points if one.kind in TESTED}
        devices |= {one.id for one in past.config.fire.appliances}
        lists, plans = past.config.upkeep.checklist_by_id, past.config.upkeep.plan_by_id
        tested = {
            one.equipment
            for one in self.planted.tasks
            if lists[plans[one.plan].checklist].fire_test and one.equipment in devices and self._in(one.done_at)
        }
        return {
            "fire.alarms_real": float(verdicts.count("real")),
            "fire.alarms_false": float(verdicts.count("false")),
            "fire.alarms_pending": 0.0,
            "fire.faults": float(troubles.count("fault")),
            "fire.shields": float(troubles.count("shield")),
            "fire.tested": (len(tested), len(devices)),
        }

    def _orders(self) -> dict[str, Counted]:
        known = [one for one in self.planted.orders.orders if one.fate != "cancelled"]
        finished = [one for one in known if self._in(one.finished_at)]
        late = [one for one in known if not self._finished_by_end(one) and one.finish_due_at < self.until_at]
        timely = [one for one in finished if self._started_in_time(one) and self._finished_in_time(one)]
        again = {one.repeats for one in self.planted.orders.orders if one.repeats and one.created_at < self.cutoff_at}
        reworked = [one for one in finished if one.fate == "rework" or one.key in again]
        arrived = [one for one in known if self._in(one.responded_at)]
        absent = [
            one for one in known
            if not (one.responded_at and one.responded_at < self.until_at) and one.respond_due_at < self.until_at
        ]  # fmt: skip
        begun = [one for one in known if one.created_at < self.until_at]
        open_then = [one for one in begun if not self._finished_by_end(one)]
        return {
            "order.timely": (len(timely), len(finished) + len(late)),
            "order.rework": (len(reworked), len(finished)),
            "order.arrival_timely": (
                sum(self._started_in_time(one) for one in arrived), len(arrived) + len(absent)
            ),
            "order.received": float(sum(self._in(one.created_at) for one in known)),
            "order.finished": float(len(finished)),
            "order.open": float(len(open_then)),
            "order.open_overdue": float(len(late)),
            "order.arrive_median": self._middle((one.responded_at, one.created_at) for one in arrived),
            "order.restore_median": self._middle(((one.finished_at, one.created_at) for one in finished), hours=1),
        } | self._costs()  # fmt: skip

    @staticmethod
    def _middle(pairs: Iterable[tuple[datetime | None, datetime]], *, hours: int = 0) -> float | None:
        unit = timedelta(hours=1) if hours else timedelta(minutes=1)
        times = [(end - start) / unit for end, start in pairs if end is not None]
        return statistics.median(times) if times else None

    def _costs(self) -> dict[str, Counted]:
        spent = [
            one for one in self.planted.orders.orders
            if one.cost_yuan and one.submitted_at and one.submitted_at < self.cutoff_at and self._in(one.responded_at)
        ]  # fmt: skip
        return {"cost.total": float(sum(one.cost_yuan for one in spent))}

    def _finished_by_end(self, one: OrderFact) -> bool:
        return one.finished_at is not None and one.finished_at < min(self.until_at, self.cutoff_at)

    @staticmethod
    def _started_in_time(one: OrderFact) -> bool:
        return one.responded_at is not None and one.responded_at <= one.respond_due_at

    @staticmethod
    def _finished_in_time(one: OrderFact) -> bool:
        return one.finished_at is not None and one.finished_at <= one.finish_due_at

    def _calls(self) -> dict[str, Counted]:
        closed = {
            one.key
            for one in self.planted.orders.orders
            if one.origin == "request" and one.fate != "cancelled" and self._in(one.closed_at)
        }
        drawn = {(order, level) for order, level, _ in self.planted.orders.samples}
        found: dict[str, Counted] = {}
        for level in ("service", "quality", "director"):
            called = [
                one.order
                for one in self.planted.orders.calls
                if one.level == level and one.order in closed and (level == "service" or (one.order, level) in drawn)
            ]
            found[f"callback.{level}"] = (len(called), len(closed))
        about = [one for one in self.planted.orders.calls if one.order in closed]
        return found | {"callback.satisfied": (sum(one.satisfied for one in about), len(about))}

    def _upkeep(self) -> dict[str, Counted]:
        due = [one for one in self.planted.tasks if self.first_on <= one.due_on < next_first(self.first_on)]
        good = [
            one for one in due
            if one.fate == "done" and one.done_at is not None and one.done_at < min(one.due_at, self.cutoff_at)
        ]  # fmt: skip
        live = len(self.planted.past.config.ledger)
        down = sum(one.at < self.until_at <= one.ended_at for one in self.planted.ledger.down)
        return {
            "maintenance.compliance": (len(good), len(due)),
            "maintenance.overdue": float(self._undone()),
            "equipment.intact": (live - down, live),
            "equipment.intact_time": 100.0 * (1.0 - self._down_share() / live),
            "duty.handover": self._handovers(),
        }

    def _undone(self) -> int:
        """Plans of machines whose last due task of this and earlier months was not done at its end, nor a later one."""
        until = min(self.until_at, self.cutoff_at)
        newest: dict[tuple[str, str], bool] = {}
        for one in sorted(self.planted.tasks, key=lambda one: one.due_at):
            is_done = one.done_at is not None and one.done_at < until
            if is_done or one.due_at <= until:
                newest[one.plan, one.equipment] = is_done
        return sum(not is_done for is_done in newest.values())

    def _down_share(self) -> float:
        """Pieces of equipment that were out of use, weighted by how much of the month."""
        until = min(self.until_at, self.cutoff_at)
        seconds = (
            max((min(one.ended_at, until) - max(one.at, self.since_at)).total_seconds(), 0.0)
            for one in self.planted.ledger.down
        )
        return math.fsum(seconds) / (until - self.since_at).total_seconds()

    def _handovers(self) -> tuple[float, float]:
        done = {one.partition("@")[2][:7] + one for one in self.planted.handovers}
        month = f"{self.first_on:%Y-%m}"
        due = self._days() * sum(one.handover for one in self.planted.past.config.patrol.shifts)
        return len([one for one in done if one.startswith(month)]), due

    def _days(self) -> int:
        return (next_first(self.first_on) - self.first_on).days


def months(planted: Planted) -> Iterable[date]:
    """The whole months of a past."""
    zone = planted.past.zone
    first = planted.past.since_at.astimezone(zone).date()
    while datetime.combine(next_first(first), time(), zone) <= planted.past.until_at:
        yield first
        first = next_first(first)

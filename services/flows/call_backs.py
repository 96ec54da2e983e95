"""Call-backs 回访 as they go on: recorded with the rework they bring, samples topped up every day, gaps told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.flows import orders
from services.flows.order_telling import tell, tell_site
from services.kernel import timers
from services.kernel.timers import Timer, TimerHandler
from services.notify.texts import Words
from services.work_order import call_backs, samples
from services.work_order import service as work_orders
from services.work_order.call_backs import Answer
from services.work_order.samples import Level
from services.work_order.tables import CallBack

WATCH_TIMER = "call_back.watch"
LOOK_AT = time(8, 30)
"""Local time of the daily look: samples, and what is overdue."""
LOOKED_BACK = timedelta(days=62)
"""Requests finished longer ago are not listed as waiting any more; the month's figures keep the gap."""
LEVEL_ROLES: Mapping[Level, frozenset[str]] = {
    "service": frozenset({"duty"}),
    "quality": frozenset({"supervisor"}),
    "director": frozenset({"manager"}),
}
_ZH: Mapping[Level, str] = {"service": "服务中心", "quality": "品质部", "director": "中心主任"}


def record(
    session: Session, config: SiteConfig, order_id: str, given: Answer, *, actor: str, now: datetime
) -> CallBack:
    """Write a call-back down; somebody who is not satisfied gets a rework order (KPI-05, ROU-23)."""
    order = call_backs.check(session, order_id, given, actor=actor)
    rework_id = None
    if not given.satisfied:
        again = work_orders.report(
            session,
            work_orders.NewOrder(
                site=order.site,
                title=order.title,
                place=order.place,
                equipment=order.equipment,
                equipment_id=order.equipment_id,
                category=order.category,
                origin="rework",
                requester=order.requester,
                rework_of=order.rework_of or order.id,
                policy=orders.policy_for(config, str(order.policy.get("id", "repair"))),
                detail={"after": order.number, "answer": given.answer.strip()[:400]},
            ),
            ZoneInfo(config.site.timezone),
            now,
            actor=actor,
        )
        rework_id = again.id
        said = given.answer.strip()
        words = Words(
            f"回访不满意，返修：{order.title}\n{order.place}，原工单 {order.number}，返修单 {again.number}\n{said}",
            f"Not satisfied, rework: {order.title}\n{order.place}, order {again.number} after {order.number}",
        )
        tell(session, config, again, "rework", words, now, roles=orders.DESK | {"supervisor"})
    return call_backs.record(session, order, given, actor=actor, now=now, rework_id=rework_id)


def _day_before(today: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return datetime.combine(today - timedelta(days=1), time(), zone), datetime.combine(today, time(), zone)


@dataclass(frozen=True, slots=True)
class CallBackTimers:
    """The handlers of requests and call-backs."""

    configs: Configs
    seed: str = ""
    """Makes the samples unpredictable to whoever does not know it."""

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {WATCH_TIMER: self.watch, orders.PROGRESS_TIMER: self.progress_due}

    def begin(self, session: Session, now: datetime) -> None:
        """Start the daily look at every site; one that runs goes on."""
        for site in self.configs.sites:
            watch = timers.schedule(session, WATCH_TIMER, site, now)
            watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends

    def progress_due(self, session: Session, timer: Timer, now: datetime) -> str:
        """An hour after a repair was reported."""
        order = work_orders.get(session, timer.ref)
        return orders.progress_due(session, self.configs.site(order.site), timer, now)

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Draw for this month and the last one, and tell who has calls to make; once a day, for ever."""
        config = self.configs.site(timer.ref)
        zone = ZoneInfo(config.site.timezone)
        month = samples.month_of(now, zone)
        for one in (samples.month_before(month), month):
            random = Random(f"{self.seed}|{config.site.id}|{one}|{now.isoformat()}")  # noqa: S311 - seeded by a secret
            call_backs.top_up(session, config.site.id, one, zone, random, now)
        today = now.astimezone(zone)
        if today.time() >= LOOK_AT:
            self._tell(session, config, zone, now)
        next_on = today.date() + timedelta(days=1) if today.time() >= LOOK_AT else today.date()
        timer.due_at = datetime.combine(next_on, LOOK_AT, zone)
        return ""

    @staticmethod
    def _tell(session: Session, config: SiteConfig, zone: ZoneInfo, now: datetime) -> None:
        """Late calls, what was said yesterday (ROU-22), and from the 25th on what the month still lacks (KPI-03)."""
        today = now.astimezone(zone).date()
        waiting = call_backs.waiting(session, config.site.id, "service", now - LOOKED_BACK)
        late = [
            one
            for one in waiting
            if one.finished_at is not None and samples.due_at(one.finished_at, config.upkeep.calendar, zone) <= now
        ]
        if late:
            words = Words(
                f"回访超期：{len(late)} 件报修完工后一个工作日内未回访，最早 {late[0].number}",
                f"{len(late)} call-backs are overdue, the earliest about {late[0].number}",
            )
            tell_site(session, config, "call-backs", f"late:{today}", words, now, roles=LEVEL_ROLES["service"])
        said = call_backs.between(session, config.site.id, *_day_before(today, zone))
        if said:
            bad = sum(not one.satisfied for one in said)
            words = Words(
                f"昨日回访 {len(said)} 件，不满意 {bad} 件",
                f"{len(said)} call-backs yesterday, {bad} of them not satisfied",
            )
            roles = frozenset({"supervisor", "manager"})
            tell_site(session, config, "call-backs", f"said:{today}", words, now, roles=roles)
        if today.day < samples.CHECK_DAY:
            return
        for one in call_backs.figures(session, config.site.id, samples.month_of(now, zone), zone):
            if one.shortfall:
                words = Words(
                    f"本月{_ZH[one.level]}回访还差 {one.shortfall} 件（应 {one.needed}，已 {one.called}）",
                    f"{one.shortfall} {one.level} call-backs are missing this month ({one.called} of {one.needed})",
                )
                key = f"short:{one.level}:{today}"
                tell_site(session, config, "call-backs", key, words, now, roles=LEVEL_ROLES[one.level])

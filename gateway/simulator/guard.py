"""Virtual guards: who walks which round when, how he behaves, and what he taps. Pure; taps.py tells it to the world."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from gateway.contract.times import from_ms
from gateway.simulator.noise import key_of, uniform
from gateway.simulator.plan import Plan
from gateway.simulator.rota import on_shift, starts
from gateway.simulator.scenario import Behaviour, Guard
from gateway.simulator.walk import Answer, answers, bad_answer, floor_ms, stay_ms, walk_ms
from gateway.site.duration import to_milliseconds
from gateway.site.patrol import Checkpoint, Question, Route, Schedule, Tolerance

_SOON_MS = 10_000
"""So soon after the scenario began, a guard whose round may begin is on his way."""
_IMPATIENT_MS = 300_000
"""A first round that may begin within this begins as early as it may: somebody is watching."""
_JUST_BEGUN_MS = 5_000
"""A round that began so shortly before the scenario may have been planned in time."""
_PUNCTUAL_MS = 60_000
"""Nobody is there to the second: guards set out at most so much early, and wait until about then for what is due."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A round that somebody is to walk."""

    entry: Guard
    key: int
    """Its own randomness."""
    number: int
    guard: str
    route: Route
    behaviour: Behaviour
    round: str
    """As phones name it, `{site}/{schedule}.{start}`; empty: no schedule asked for it."""
    from_ms: int
    """Nothing of it happens before."""
    starts_ms: int
    """When it is due to start."""
    set_out_ms: int
    urgent_ms: int
    """Of rounds at the same time he walks the one first that is late first."""
    last_ms: int
    """Later he does not begin it any more."""
    punctual_ms: int

    @property
    def order(self) -> tuple[int, int]:
        """In which order he turns to rounds."""
        return self.from_ms, self.urgent_ms


@dataclass(frozen=True, slots=True)
class Tap:
    """A phone was held to a checkpoint's tag."""

    at_ms: int
    sent_ms: int
    """When the phone delivers it."""
    claimed_ms: int
    """What its clock says."""
    guard: str
    checkpoint: Checkpoint
    client_id: str
    answers: dict[str, Answer]
    retries: int


@dataclass(frozen=True, slots=True)
class Walk:
    """A round as it was walked."""

    errand: Errand
    taps: tuple[Tap, ...]
    """In order of time."""
    skipped: tuple[Checkpoint, ...]
    finding: tuple[Checkpoint, Question] | None


class Guards:
    """The guards of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._patrol = plan.config.patrol
        self._site = plan.config.site.id
        self._zone = ZoneInfo(plan.config.site.timezone)

    def walks(self) -> Iterator[Walk]:
        """Every round they walk, in order of `errand.from_ms`; nobody walks two at once, nothing is walked twice."""
        entries = [self._errands(index, entry) for index, entry in enumerate(self._plan.scenario.guards)]
        free: dict[str, tuple[int, Checkpoint]] = {}
        taken: set[str] = set()
        for errand in heapq.merge(*entries, key=lambda errand: errand.order):
            if errand.round in taken:
                continue
            if errand.round:
                taken.add(errand.round)
            walk = self._walk(errand, free)
            if walk is not None:
                free[errand.guard] = walk.taps[-1].at_ms, walk.taps[-1].checkpoint
                yield walk

    # --- who sets out when ---

    def _errands(self, index: int, entry: Guard) -> Iterator[Errand]:
        routes = [one for one in self._patrol.routes if fnmatchcase(one.id, entry.route) and not one.retired]
        if not routes:
            return
        if entry.every is not None:
            dues = self._own_rhythm(entry, routes, to_milliseconds(entry.every))
        else:
            walked = {route.id: route for route in routes}
            scheduled = [one for one in self._patrol.schedules if one.route in walked]
            dues = heapq.merge(
                *(self._scheduled(entry, one, walked[one.route]) for one in scheduled),
                key=lambda due: (due.from_ms, due.urgent_ms),
            )
        for number, due in enumerate(itertools.islice(dues, entry.rounds)):
            guard = self._who(entry, due)
            if not guard:  # the entry does not apply to this site
                return
            yield self._errand(index, entry, number, guard, due)

    def _own_rhythm(self, entry: Guard, routes: list[Route], every_ms: int) -> Iterator["_Due"]:
        begin_ms = self._plan.begin_ms(entry)
        for number in itertools.count():
            at_ms = begin_ms + number * every_ms
            yield _Due(routes[number % len(routes)], None, at_ms, at_ms, at_ms, at_ms + every_ms, 0)

    def _scheduled(self, entry: Guard, schedule: Schedule, route: Route) -> Iterator["_Due"]:
        tolerance = schedule.tolerance or Tolerance()
        before_ms = to_milliseconds(tolerance.on_time_before)
        punctual_ms = min(_PUNCTUAL_MS, before_ms // 2)
        first = route.stops[0].due
        patience_ms = to_milliseconds((schedule.duration if first is None else first) + tolerance.on_time_after)
        begin_ms = self._plan.begin_ms(entry)
        now_ms = self._plan.start_ms
        since_ms = begin_ms - _JUST_BEGUN_MS if begin_ms == now_ms else begin_ms
        for number, at_ms in enumerate(self._starts(schedule, since_ms)):
            from_at_ms = at_ms - punctual_ms
            if number == 0 and begin_ms == now_ms and at_ms - before_ms < now_ms + _IMPATIENT_MS:
                from_at_ms = at_ms - before_ms + 1_000
            last_ms = at_ms + to_milliseconds(schedule.duration + tolerance.extended_after)
            from_at_ms = max(from_at_ms, now_ms + _SOON_MS)
            yield _Due(route, schedule, from_at_ms, at_ms, at_ms + patience_ms, last_ms, punctual_ms)

    def _starts(self, schedule: Schedule, since_ms: int) -> Iterator[int]:
        if schedule.random is None:
            return starts(self._patrol, schedule, self._zone, since_ms)
        return self._plan.drawn(schedule, since_ms) if self._plan.drawn else iter(())

    def _who(self, entry: Guard, due: "_Due") -> str:
        people = self._plan.config.person_by_username
        if entry.guard != "*":
            return entry.guard if entry.guard in people else ""
        shift = due.schedule.shift if due.schedule else None
        rostered = [one for one in on_shift(self._patrol, shift, self._zone, due.at_ms) if one in people]
        return next(iter(rostered or self._with_role("guard")), "")

    def _with_role(self, role: str) -> list[str]:
        return [one.username for one in self._plan.config.people if one.role == role]

    def _errand(self, index: int, entry: Guard, number: int, guard: str, due: "_Due") -> Errand:
        behaviour: Behaviour = entry.behaviour if number % entry.one_in == 0 else "honest"
        key = key_of(self._plan.seed, self._site, "guard", index, due.route.id, due.at_ms)
        set_out_ms = max(due.from_ms, due.at_ms - int(uniform(key, 0) * due.punctual_ms))
        if due.from_ms < due.at_ms - due.punctual_ms:  # a first round
            set_out_ms = due.from_ms
        if behaviour == "late":
            set_out_ms = due.at_ms + to_milliseconds(entry.amount)
        name = f"{self._site}/{due.schedule.id}.{from_ms(due.at_ms):%Y%m%dT%H%MZ}" if due.schedule else ""
        return Errand(
            entry=entry,
            key=key,
            number=number,
            guard=guard,
            route=due.route,
            behaviour=behaviour,
            round=name,
            from_ms=due.from_ms,
            starts_ms=due.at_ms,
            set_out_ms=set_out_ms,
            urgent_ms=due.urgent_ms,
            last_ms=due.last_ms,
            punctual_ms=due.punctual_ms,
        )

    # --- what becomes of it ---

    def _walk(self, errand: Errand, free: dict[str, tuple[int, Checkpoint]]) -> Walk | None:
        finding = self._finding(errand)
        skipped = self._skipped(errand, finding)
        stops = [(index, one) for index, one in enumerate(self._stops(errand.route)) if index not in skipped]
        if not stops:
            return None
        begin_ms = errand.set_out_ms
        if errand.guard in free:
            ended_ms, place = free[errand.guard]
            on_the_way_ms = walk_ms(place, stops[0][1], None, self._patrol.settings, uniform(errand.key, 1))
            begin_ms = max(begin_ms, ended_ms + stay_ms(place, 1.0) + on_the_way_ms)
        if begin_ms > errand.last_ms:
            return None
        times = self._times(errand, stops, begin_ms)
        bad = finding[1].id if finding else ""
        taps = [
            tap
            for member, guard in enumerate(self._team(errand))
            for (index, place), at_ms in zip(stops, times, strict=True)
            for tap in [self._tap(errand, member, guard, index, place, at_ms, bad, times[-1])]
        ]
        left_out = tuple(one for index, one in enumerate(self._stops(errand.route)) if index in skipped)
        return Walk(errand, tuple(sorted(taps, key=lambda tap: tap.at_ms)), left_out, finding)

    def _stops(self, route: Route) -> list[Checkpoint]:
        return [found for stop in route.stops if (found := self._patrol.checkpoint(stop.checkpoint)) is not None]

    def _times(self, errand: Errand, stops: list[tuple[int, Checkpoint]], begin_ms: int) -> list[int]:
        """When he is at each stop."""
        at_ms, times = begin_ms, [self._not_too_soon(errand, stops[0][0], begin_ms)]
        for (_, before), (index, place) in itertools.pairwise(stops):
            mood = uniform(errand.key, 200 + index)
            least_ms = floor_ms(before, place, errand.route, self._patrol.settings)
            if errand.behaviour == "desk_tapping":
                at_ms = times[-1] + 1_200 + int(mood * 1_300)
            elif errand.behaviour == "too_fast" and index % 2:
                at_ms = times[-1] + max(1_000, least_ms * 2 // 5)
            else:
                at_ms = times[-1] + stay_ms(before, uniform(errand.key, 300 + index))
                at_ms += walk_ms(before, place, errand.route, self._patrol.settings, mood)
                at_ms = self._not_too_soon(errand, index, at_ms)
            times.append(at_ms)
        return times

    def _not_too_soon(self, errand: Errand, index: int, at_ms: int) -> int:
        """He waits until a stop is about due."""
        stop = errand.route.stops[index]
        if errand.behaviour in ("desk_tapping", "too_fast"):
            return at_ms
        if stop.due is not None:
            due_ms = errand.starts_ms + to_milliseconds(stop.due)
            at_ms = max(at_ms, due_ms + _jitter(errand.key, 400 + index, errand.punctual_ms))
        if stop.not_before is not None:
            at_ms = max(at_ms, errand.starts_ms + to_milliseconds(stop.not_before) + 1_000)
        return at_ms

    def _tap(
        self, errand: Errand, member: int, guard: str, index: int, place: Checkpoint, at_ms: int, bad: str, end_ms: int
    ) -> Tap:
        key = key_of(errand.key, guard, index)
        given = answers(place, key, bad) if member == 0 else {}
        at_ms += member * (12_000 + int(uniform(errand.key, 2 + member) * 25_000))
        stay = 300 if errand.behaviour == "desk_tapping" or member else stay_ms(place, 0.0) - 1_000
        sent_ms = at_ms + stay + int(uniform(key, 1) * 1_000)
        if errand.behaviour == "offline":
            sent_ms = end_ms + 60_000 + to_milliseconds(errand.entry.amount) + 5 * index + member
        ahead_ms = to_milliseconds(errand.entry.amount) if errand.behaviour == "wrong_clock" else 0
        client_id = f"sim-{key_of(errand.key, self._plan.start_ms, guard):016x}-{index + 1}"
        retries = 1 + int(uniform(key, 2) * 2) if uniform(key, 3) < 0.08 else 0
        return Tap(at_ms, sent_ms, at_ms + ahead_ms, guard, place, client_id, given, retries)

    def _team(self, errand: Errand) -> list[str]:
        """The guard, and who else the route wants: a person for every role, and so many people."""
        people = self._plan.config.person_by_username
        team = [errand.guard]
        roles = list(errand.route.roles)
        if people[errand.guard].role in roles:
            roles.remove(people[errand.guard].role)
        for role in [*roles, *["guard"] * (errand.route.people - 1 - len(roles))]:
            team += [one for one in self._with_role(role) if one not in team][:1]
        return team

    def _finding(self, errand: Errand) -> tuple[Checkpoint, Question] | None:
        if errand.entry.finding is None or errand.number % errand.entry.finding_one_in:
            return None
        return next(
            (
                (place, question)
                for place in self._stops(errand.route)
                for question in place.questions
                if question.id == errand.entry.finding and bad_answer(question) is not None
            ),
            None,
        )

    def _skipped(self, errand: Errand, finding: tuple[Checkpoint, Question] | None) -> set[int]:
        """One or two stops, never the first one and never where something is found."""
        if errand.behaviour != "skipping":
            return set()
        stops = self._stops(errand.route)
        kept = finding[0].id if finding else ""
        able = [index for index, place in enumerate(stops) if index and place.id != kept]
        able.sort(key=lambda index: uniform(errand.key, 500 + index))
        return set(able[: 2 if len(stops) > 5 and uniform(errand.key, 7) < 0.5 else 1])


@dataclass(frozen=True, slots=True)
class _Due:
    """A moment at which a route is to be walked."""

    route: Route
    schedule: Schedule | None
    from_ms: int
    at_ms: int
    urgent_ms: int
    last_ms: int
    punctual_ms: int


def _jitter(key: int, position: int, most_ms: int) -> int:
    return int((2.0 * uniform(key, position) - 1.0) * most_ms)

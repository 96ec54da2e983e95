"""The pump stations of an ingest group: the pure step, driven by what is heard and kept in rows.

What a station remembers is written in the transaction of the batch, like the memory of the limits: a restart changes
nothing, and a failed transaction is as if nothing had been heard.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy.orm import Session

from gateway.contract.heard import Sample
from services.derived import store
from services.derived.pump import step, tick
from services.derived.pump_model import Effect, Plant, StationMemory

AskFire = Callable[[str], bool]
"""Whether there is a fire, or a test of the fire alarm, at a site at this moment."""
Doubted = Callable[[str], bool]
"""Whether the sensor of a point is broken: what it says is no data."""
Said = tuple[Plant, Effect]


class Stations:
    """All stations; `load` and `save` keep them in the database."""

    def __init__(self, plants: Iterable[Plant]) -> None:
        self._plants = tuple(plants)
        self._memories = {plant.key: plant.fresh() for plant in self._plants}
        self._changed: dict[str, Plant] = {}
        self._waiting: list[Sample] = []
        self._by_point: dict[str, list[Plant]] = {}
        for plant in self._plants:
            for point in plant.points:
                self._by_point.setdefault(point, []).append(plant)
        self._main_runs = frozenset(
            point
            for plant in self._plants
            for point, part in plant.parts.items()
            if part.kind == "run" and part.pump >= plant.jockeys
        )

    @property
    def has_any(self) -> bool:
        """Whether there are stations at all."""
        return bool(self._plants)

    @property
    def waits(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self._waiting)

    def load(self, session: Session) -> None:
        """Take everything from the database; what memory held before is forgotten."""
        if not self._plants:
            return
        self._memories = store.load(session, self._plants)
        self._changed.clear()
        self._waiting.clear()

    def note(self, samples: Sequence[Sample]) -> None:
        """Put aside what belongs to a station; every sample comes by here, so it costs one look each."""
        by_point, waiting = self._by_point, self._waiting
        if by_point:
            for sample in samples:
                if sample[0] in by_point:
                    waiting.append(sample)

    def hear(self, now_ms: int, ask_fire: AskFire, is_doubted: Doubted = lambda _: False) -> Iterator[Said]:
        """What the samples put aside say, in the order of their event times; fire matters only while a pump runs."""
        waiting, self._waiting = sorted(self._waiting, key=_at), []
        doubted = {point for point in {sample[0] for sample in waiting} if is_doubted(point)}
        fire: dict[str, bool] = {}
        for sample in waiting:
            point, value = sample[0], sample[3]
            if point in doubted:
                continue
            for plant in self._by_point[point]:
                before = self._memories[plant.key]
                burns = False
                if before.running or (value > 0.5 and point in self._main_runs):
                    site = point.partition("/")[0]
                    if site not in fire:
                        fire[site] = ask_fire(site)
                    burns = fire[site]
                after, effects = step(before, sample, plant, now_ms, fire_active=burns)
                self._keep(plant, before, after)
                for effect in effects:
                    yield plant, effect

    def tick(self, now_ms: int) -> Iterator[Said]:
        """What time alone says."""
        for plant in self._plants:
            before = self._memories[plant.key]
            after, effects = tick(before, plant, now_ms)
            self._keep(plant, before, after)
            for effect in effects:
                yield plant, effect

    def save(self, session: Session) -> None:
        """Write what changed since the last save."""
        store.save(session, [(plant, self._memories[key]) for key, plant in self._changed.items()])
        self._changed.clear()

    def _keep(self, plant: Plant, before: StationMemory, after: StationMemory) -> None:
        if after is not before:
            self._memories[plant.key] = after
            self._changed[plant.key] = plant


def _at(sample: Sample) -> int:
    return sample[1]

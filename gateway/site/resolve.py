"""Documented limits meet a site's points: which limit holds where, tightened or (with a reason) loosened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.contract.units import UNITS
from gateway.site.automatic import AUTOMATIC, STALE, is_asked_for, looped_points, numbers_of
from gateway.site.catalogue import LimitSpec
from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration, to_milliseconds
from gateway.site.equipment import Equipment
from gateway.site.files import LimitOverride
from gateway.site.limit import Limit, Suspend
from gateway.site.model import Area, Point
from gateway.site.problems import Problems, Spot
from gateway.site.sections import Item
from gateway.site.terms import ROLE_NAMES
from gateway.site.thresholds import check_spec, is_tighter, looser_keys

_CHANGEABLE = (
    "title", "title_en", "threshold", "return_threshold", "severe_threshold", "on_delay", "off_delay", "min_count",
    "window", "median_of", "stale_after", "severity", "severe_severity", "latching", "policy",
)  # fmt: skip
_APPROVERS = ("supervisor", "manager")


@dataclass(frozen=True, slots=True)
class _Placed:
    """A point with where and on what it sits."""

    item: Item[Point]
    area: Area
    equipment: Equipment | None

    @property
    def point(self) -> Point:
        return self.item.value


@dataclass(slots=True)
class _Chosen:
    """A limit on a point before it is made: the specification and the entry that changed it."""

    spec: LimitSpec
    override: Item[LimitOverride] | None = None
    loosened: bool = False


def check_catalogue(shared: SharedDraft, problems: Problems) -> None:
    """Note everything in the catalogue that does not fit together."""
    for item in shared.limits.items:
        shared.refer("policies", item.value.policy, item.at("policy"), problems)
        check_spec(item.value, item.at, problems)


class LimitResolver:
    """Resolves the limits of one site; problems are noted, never raised."""

    def __init__(self, draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
        self._draft = draft
        self._shared = shared
        self._problems = problems
        self._specs = {spec.rule: spec for spec in (*shared.limits.values(), *AUTOMATIC)}
        self._latching = {policy.id: policy.latching for policy in shared.policies.values()}
        self._placed = {one.point.id: one for one in self._place()}
        self._chosen: dict[str, dict[str, _Chosen]] = {point: {} for point in self._placed}
        self._loops = looped_points(draft.sensors.values(), shared.profiles.values())

    def resolve(self) -> tuple[Limit, ...]:
        """All limits of the site: per point in the order of the files, ours last."""
        for spec in self._specs.values():
            for placed in self._placed.values():
                if self._applies(spec, placed):
                    self._chosen[placed.point.id][spec.rule] = _Chosen(spec)
        self._prefer_documented_silence()
        changed: dict[tuple[str, str], Spot] = {}
        for override in self._draft.overrides.items:
            self._override(override, changed)
        return tuple(
            self._limit(self._placed[point], chosen)
            for point, rules in self._chosen.items()
            for chosen in rules.values()
            if self._fits(self._placed[point], chosen)
        )

    def used_policies(self, limits: Iterable[Limit]) -> list[tuple[str, str]]:
        """(policy, area id) of every limit, each once."""
        pairs = {(limit.policy, self._placed[limit.point.partition("/")[2]].area.id): None for limit in limits}
        return list(pairs)

    def _place(self) -> Iterable[_Placed]:
        areas = {item.value.id: item.value for item in self._draft.areas.items}
        devices = {item.value.id: item.value for item in self._draft.devices.items}
        ledger = {item.value.id: item.value for item in self._draft.equipment.items}
        for item in self._draft.points.items:
            device, equipment = devices.get(item.value.device), ledger.get(item.value.equipment or "")
            lost = item.value.equipment is not None and equipment is None
            area = areas.get(equipment.area if equipment else device.area if device else "")
            if device is not None and area is not None and not lost:
                yield _Placed(item, area, equipment)

    def _prefer_documented_silence(self) -> None:
        for rules in self._chosen.values():
            if any(one.spec.kind == "stale" and one.spec is not STALE for one in rules.values()):
                rules.pop(STALE.rule, None)

    def _override(self, item: Item[LimitOverride], changed: dict[tuple[str, str], Spot]) -> None:
        override = item.value
        base = self._specs.get(override.rule)
        added = base is None
        if base is None:
            base = self._specs.get(override.limit)
        if base is None:
            known = (*self._shared.limits.ids, *(spec.rule for spec in AUTOMATIC))
            if self._shared.limits.complete and override.limit not in known:
                self._problems.add_unknown(
                    item.at("limit"), "unknown_reference", override.limit, known, what="限值", what_en="limit"
                )
            return
        if override.policy is not None:
            self._shared.refer("policies", override.policy, item.at("policy"), self._problems)
        if override.approved_by is not None and override.approved_by not in _APPROVERS:
            self._problems.add(item.at("approved_by"), "approver", word=override.approved_by)
        spec = self._merge(base, override, added=added)
        check_spec(spec, item.at, self._problems, only=override.model_fields_set)
        if added and not is_tighter(spec, base):
            self._problems.add(
                item.at("threshold"),
                "variant_looser",
                limit=override.rule,
                value=spec.threshold,
                threshold=base.threshold,
            )
        targets = self._targets(item, base)
        looser = self._looser(base, spec, item, added=added)
        if looser and (override.reason is None or override.approved_by is None):
            fields = ", ".join(looser)
            self._problems.add(item.at(looser[0]), "loosened", fields=fields, limit=base.rule)
        for placed in targets:
            first = changed.setdefault((placed.point.id, override.rule), item.at())
            if first != item.at():
                self._problems.add(
                    item.at(), "override_twice", limit=override.rule, point=placed.point.id, first=first.place
                )
            elif override.enabled:
                self._chosen[placed.point.id][override.rule] = _Chosen(spec, item, bool(looser))
            else:
                self._chosen[placed.point.id].pop(override.rule, None)

    def _merge(self, base: LimitSpec, override: LimitOverride, *, added: bool) -> LimitSpec:
        update: dict[str, Any] = {
            key: getattr(override, key) for key in _CHANGEABLE if getattr(override, key) is not None
        }
        if added:
            # A band of its own has its own way back and no second level, unless it says so.
            update = {"return_threshold": None, "severe_threshold": None, **update, "variant": override.variant}
        return base.model_copy(update=update)

    def _targets(self, item: Item[LimitOverride], base: LimitSpec) -> list[_Placed]:
        if not item.value.points:
            targets = [placed for placed in self._placed.values() if self._applies(base, placed)]
            if not targets and self._draft.points.complete and not self._draft.points.broken:
                self._problems.add(item.at("limit"), "limit_nowhere", limit=base.rule)
            return targets
        targets = []
        for index, point in enumerate(item.value.points):
            spot = item.at("points", index)
            if point in item.value.points[:index]:
                first = item.at("points", item.value.points.index(point))
                self._problems.add(spot, "duplicate_id", word=point, first=first.place)
                continue
            placed = self._placed.get(point)
            if not self._draft.refer("points", point, spot, self._problems) or placed is None:
                continue
            wanted = base.applies_to.quantity
            if wanted is not None and placed.point.quantity != wanted:
                self._problems.add(
                    spot, "limit_quantity", limit=base.rule, wanted=wanted, point=point, quantity=placed.point.quantity
                )
                continue
            targets.append(placed)
        return targets

    def _looser(self, base: LimitSpec, spec: LimitSpec, item: Item[LimitOverride], *, added: bool) -> list[str]:
        """The keys of an entry that make a limit looser than documented; an added band loosens nothing."""
        kinds = [self._kind_of_suspender(item, index) for index in range(len(item.value.suspend_while))]
        if added:
            return []
        keys = [] if item.value.enabled else ["enabled"]
        keys += looser_keys(base, spec)
        if any(kind is not None and kind not in base.may_suspend for kind in kinds):
            keys.append("suspend_while")
        return keys

    def _kind_of_suspender(self, item: Item[LimitOverride], index: int) -> str | None:
        """The kind of equipment behind a suspension; None when there is no such point (noted)."""
        suspend, spot = item.value.suspend_while[index], item.at("suspend_while", index, "point")
        placed = self._placed.get(suspend.point)
        if not self._draft.refer("points", suspend.point, spot, self._problems) or placed is None:
            return None
        if placed.point.quantity != "run_state":
            self._problems.add(spot, "suspend_point", word=suspend.point, quantity=placed.point.quantity)
            return None
        return placed.equipment.kind if placed.equipment else "other"

    def _fits(self, placed: _Placed, chosen: _Chosen) -> bool:
        spec, point = chosen.spec, placed.point
        if spec.unit and spec.unit != point.unit:
            if not _comparable(spec.unit, point.unit):
                return False  # the point's unit is wrong in itself and noted as such
            self._problems.add(
                placed.item.at("unit"),
                "limit_unit",
                limit=spec.rule,
                wanted=spec.unit,
                point=point.id,
                unit=point.unit,
            )
            return False
        if spec.stale_after is not None and point.interval is not None and spec.stale_after < point.interval:
            spot = chosen.override.at("stale_after") if chosen.override else placed.item.at("interval")
            self._problems.add(
                spot,
                "stale_short",
                value=format_duration(spec.stale_after),
                interval=format_duration(point.interval),
            )
            return False
        return True

    def _limit(self, placed: _Placed, chosen: _Chosen) -> Limit:
        spec, point = chosen.spec, placed.point
        override = chosen.override.value if chosen.override else None
        site = self._draft.directory
        hold_last = spec.hold_last or point.interval is None
        stale_after = spec.stale_after or point.stale_after
        if hold_last and spec.kind != "stale":
            stale_after = None
        numbers = numbers_of(spec, point, site)
        return Limit(
            id=spec.id,
            variant=spec.variant,
            kind=spec.kind,
            point=f"{site}/{point.id}",
            site=site,
            title=spec.title,
            title_en=spec.title_en,
            source=str(spec.source),
            unit=point.unit,
            threshold=numbers.threshold,
            return_threshold=numbers.return_threshold,
            severe_threshold=spec.severe_threshold,
            resolution=numbers.resolution,
            set_value=point.set_value if spec.kind == "deviation" else None,
            on_delay_ms=to_milliseconds(numbers.on_delay),
            off_delay_ms=to_milliseconds(spec.off_delay),
            min_count=spec.min_count,
            window_ms=to_milliseconds(spec.window),
            median_of=spec.median_of,
            hold_last=hold_last,
            stale_after_ms=to_milliseconds(stale_after) if stale_after else 0,
            valid_min=point.valid_min,
            valid_max=point.valid_max,
            severity=spec.severity,
            severe_severity=spec.severe_severity,
            latching=self._latching.get(spec.policy, False) if spec.latching is None else spec.latching,
            suspend_while=tuple(
                Suspend(f"{site}/{one.point}", one.above) for one in (override.suspend_while if override else ())
            ),
            loosened_reason=_reason(override) if chosen.loosened and override else None,
            policy=spec.policy,
            twin=numbers.twin,
        )

    def _applies(self, spec: LimitSpec, placed: _Placed) -> bool:
        return _applies(spec, placed) and is_asked_for(spec, placed.point, looped=placed.point.id in self._loops)


def _applies(spec: LimitSpec, placed: _Placed) -> bool:
    """Whether a limit attaches to such a point by itself."""
    point, wanted = placed.point, spec.applies_to
    kind = placed.equipment.kind if placed.equipment else "other"
    return (
        (wanted.quantity is None or point.quantity == wanted.quantity)
        and (not wanted.area_kinds or placed.area.kind in wanted.area_kinds)
        and (not wanted.equipment_kinds or kind in wanted.equipment_kinds)
    )


def _comparable(one: str, other: str) -> bool:
    """Whether both are units of the same quantity."""
    return one in UNITS and other in UNITS and UNITS[one].quantity == UNITS[other].quantity


def _reason(override: LimitOverride) -> str | None:
    if override.reason is None or override.approved_by is None:
        return override.reason
    return f"{override.reason}（{ROLE_NAMES[override.approved_by]}批准）"

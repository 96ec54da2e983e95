"""Rule packs meet a site's checkpoints: which requirement holds where, tightened or (with a reason) loosened."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.limit import SEVERITIES
from gateway.site.patrol import Patrol, PatrolRule
from gateway.site.patrol_specs import PackSpec, RuleSpec
from gateway.site.problems import Problems, Spot
from gateway.site.sections import Item
from gateway.site.terms import ROLE_NAMES

PATROL_POLICIES = ("patrol", "patrol_sos", "patrol_finding", "patrol_handover")
"""Policies that a site with checkpoints needs: misses; calls for help; bad answers and incidents; no handover."""
_CHANGEABLE = ("name", "name_en", "max_gap", "within", "warn_gap", "people", "roles", "severity", "policy")
_APPROVERS = ("supervisor", "manager")


def check_packs(shared: SharedDraft, problems: Problems) -> None:
    """Note everything in the rule packs that does not fit together."""
    for item in shared.packs.items:
        shared.refer("policies", item.value.policy, item.at("policy"), problems)
        for index, key in enumerate(item.value.our_defaults):
            if key not in PackSpec.model_fields:
                problems.add_unknown(item.at("our_defaults", index), "not_one_of", key, _CHANGEABLE)
        _check_kind(item.value, item, problems)


def _check_kind(pack: PackSpec, item: Item[PackSpec] | Item[RuleSpec], problems: Problems) -> None:
    """Every kind of rule has the keys it needs, and none that it cannot use."""
    needed = {"max_gap": ("max_gap",), "spot_check": ("within", "roles")}.get(pack.kind, ())
    unused = {
        "daily": ("max_gap", "warn_gap"),
        "weekly": ("max_gap",),
        "max_gap": ("warn_gap",),
        "spot_check": ("max_gap", "warn_gap"),
    }.get(pack.kind, ())
    for key in needed if isinstance(item.value, PackSpec) else ():
        if not getattr(pack, key):
            problems.add(item.at(key), "rule_needs", kind=pack.kind, word=key)
    for key in unused:
        if getattr(pack, key) is not None and key in item.value.model_fields_set:
            problems.add(item.at(key), "rule_unused", kind=pack.kind, word=key)
    for key in ("max_gap", "warn_gap"):
        gap = getattr(pack, key)
        if gap is not None and not gap:
            problems.add(item.at(key), "patrol_positive", word=key, example="2h")


class RuleResolver:
    """Resolves the patrol rules of one site; problems are noted, never raised."""

    def __init__(self, draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
        self._draft = draft
        self._shared = shared
        self._problems = problems
        self._packs = {pack.id: pack for pack in shared.packs.values()}

    def resolve(self) -> tuple[PatrolRule, ...]:
        """All rules of the site, in the order of the file."""
        first: dict[str, Spot] = {}
        rules = []
        for item in self._draft.rules.items:
            before = first.setdefault(item.value.rule, item.at())
            if before != item.at():
                where = f"{before.file}:{before.line}"
                self._problems.add(item.at(), "duplicate_id", word=item.value.rule, first=where)
            rule = self._rule(item)
            if rule is not None:
                rules.append(rule)
        return tuple(rules)

    def used_policies(self, patrol: Patrol) -> list[tuple[str, str]]:
        """(policy, area id) of everything that can go wrong on patrol, each once."""
        area_of = {checkpoint.id: checkpoint.area for checkpoint in patrol.checkpoints}
        pairs = [(policy, area) for policy in PATROL_POLICIES for area in area_of.values()]
        for schedule in patrol.schedules:
            route = patrol.route(schedule.route)
            stops = route.stops if route else ()
            pairs += [(schedule.policy, area_of[stop.checkpoint]) for stop in stops if stop.checkpoint in area_of]
        for rule in patrol.rules:
            pairs += [(rule.policy, area_of[checkpoint]) for checkpoint in rule.checkpoints]
        return list(dict.fromkeys(pairs))

    def _rule(self, item: Item[RuleSpec]) -> PatrolRule | None:
        spec = item.value
        if not self._shared.refer("packs", spec.pack, item.at("pack"), self._problems):
            return None
        base = self._packs.get(spec.pack)
        if base is None:
            return None
        if spec.policy is not None:
            self._shared.refer("policies", spec.policy, item.at("policy"), self._problems)
        if spec.approved_by is not None and spec.approved_by not in _APPROVERS:
            self._problems.add(item.at("approved_by"), "approver", word=spec.approved_by)
        update: dict[str, Any] = {key: getattr(spec, key) for key in _CHANGEABLE if getattr(spec, key)}
        pack = base.model_copy(update=update)
        _check_kind(pack, item, self._problems)
        looser = looser_keys(base, pack)
        if looser and (spec.reason is None or spec.approved_by is None):
            self._problems.add(item.at(looser[0]), "rule_loosened", fields=", ".join(looser), word=base.id)
        reason = f"{spec.reason}（{ROLE_NAMES[spec.approved_by]}批准）" if spec.reason and spec.approved_by else ""
        return PatrolRule(
            id=spec.rule,
            name=pack.name,
            name_en=pack.name_en,
            requirement=pack.requirement,
            source=str(pack.source),
            kind=pack.kind,
            checkpoints=self._targets(item),
            max_gap=pack.max_gap,
            within=pack.within,
            warn_gap=pack.warn_gap,
            people=pack.people,
            roles=pack.roles,
            severity=pack.severity,
            policy=pack.policy,
            loosened_reason=reason if looser else "",
        )

    def _targets(self, item: Item[RuleSpec]) -> tuple[str, ...]:
        """The checkpoints a rule is for, in the order of the file."""
        spec, before = item.value, len(self._problems)
        chosen = set(self._known("checkpoints", spec.checkpoints, item))
        areas = set(self._known("areas", spec.areas, item))
        routes = set(self._known("routes", spec.routes, item))
        labels = {label for one in self._draft.checkpoints.items for label in one.value.labels}
        for index, label in enumerate(spec.labels):
            if label not in labels and not self._draft.checkpoints.broken and self._draft.checkpoints.complete:
                self._problems.add_unknown(item.at("labels", index), "unknown_label", label, labels)
        for route in self._draft.routes.items:
            if route.value.id in routes:
                chosen.update(stop.checkpoint for stop in route.value.stops)
        found = tuple(
            one.id
            for one in self._draft.checkpoints.values()
            if one.id in chosen or set(one.labels) & set(spec.labels) or areas & set(self._draft.area_path(one.area))
        )
        if not found and len(self._problems) == before and not self._draft.checkpoints.broken:
            self._problems.add(item.at(), "rule_nowhere", word=spec.rule)
        return found

    def _known(self, section: str, words: Iterable[str], item: Item[RuleSpec]) -> Iterator[str]:
        for index, word in enumerate(words):
            if self._draft.refer(section, word, item.at(section, index), self._problems):
                yield word


def looser_keys(base: PackSpec, new: PackSpec) -> list[str]:
    """The keys in which a rule of a site is looser than its pack documents; keys that are our own defaults never."""
    checks = {
        "max_gap": _longer(base.max_gap, new.max_gap),
        "warn_gap": _longer(base.warn_gap, new.warn_gap),
        "within": base.within != new.within,
        "people": new.people < base.people,
        "roles": bool(base.roles) and not (new.roles and set(new.roles) <= set(base.roles)),
        "severity": SEVERITIES.index(new.severity) < SEVERITIES.index(base.severity),
    }
    return [key for key, looser in checks.items() if looser and key not in base.our_defaults]


def _longer(documented: timedelta | None, own: timedelta | None) -> bool:
    return documented is not None and (own is None or own > documented)

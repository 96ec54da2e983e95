"""Policies: priority and clocks from the service table, upward escalation, somebody at every step."""

from collections.abc import Iterable
from datetime import timedelta

from gateway.site.catalogue import SlaRow
from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration
from gateway.site.files import PolicySpec
from gateway.site.model import Channel, Policy
from gateway.site.problems import Problems, Spot
from gateway.site.sections import Item
from gateway.site.terms import LEVELS, Origin

DATA_POLICY = "data"
SYSTEM_POLICY = "system"
"""Policies that alerts of Gengfu itself use: silent or wrong sensors; lost messages and the like."""


def check_policies(shared: SharedDraft, problems: Problems) -> None:
    """Note everything in the policies that does not fit together."""
    rows = {item.value.id: item.value for item in shared.sla.items}
    for item in shared.policies.items:
        _check_escalation(item, problems)
        shared.refer("sla", item.value.sla, item.at("sla"), problems)
        row = rows.get(item.value.sla)
        if row is not None:
            _check_clock(item, "respond_within", item.value.respond_within, row.respond_within, row, problems)
            _check_clock(item, "finish_within", item.value.finish_within, row.finish_within, row, problems)
    if shared.policies.complete and shared.policies.items:
        for needed in (DATA_POLICY, SYSTEM_POLICY):
            if needed not in shared.policies.ids and needed not in shared.policies.miswritten:
                first = shared.policies.items[0].document
                problems.add(first.at("policies"), "policy_needed", word=needed)


def _check_escalation(item: Item[PolicySpec], problems: Problems) -> None:
    steps = item.value.escalation
    for index in range(1, len(steps)):
        before, step = steps[index - 1], steps[index]
        if LEVELS.index(step.role) <= LEVELS.index(before.role):
            problems.add(item.at("escalation", index, "role"), "escalation_down", before=before.role, word=step.role)
        if step.after <= before.after:
            problems.add(
                item.at("escalation", index, "after"),
                "escalation_later",
                value=format_duration(step.after),
                before=format_duration(before.after),
            )


def _check_clock(
    item: Item[PolicySpec],
    key: str,
    own: timedelta | None,
    documented: timedelta | None,
    row: SlaRow,
    problems: Problems,
) -> None:
    if own is None and documented is None:
        problems.add(item.at(key), "clock_missing", word=key, row=row.id)
    elif own is not None and documented is not None and own > documented:
        problems.add(
            item.at(key), "clock_looser", value=format_duration(own), row=row.id, limit=format_duration(documented)
        )


def check_reachable(draft: SiteDraft, shared: SharedDraft, used: Iterable[tuple[str, str]], problems: Problems) -> None:
    """Note policies of a site that name channels it lacks, and steps of `used` (policy, area) that reach nobody."""
    policies = {item.value.id: item.value for item in shared.policies.items}
    if draft.channels.complete:
        for item in shared.policies.items:
            for index, channel in enumerate(item.value.channels):
                if channel not in draft.channels.ids:
                    problems.add_unknown(
                        item.at("channels", index),
                        "channel_kind",
                        channel,
                        draft.channels.ids,
                        policy=item.value.id,
                        site=draft.directory,
                    )
    if not draft.people.complete or draft.people.broken:
        return
    told: set[tuple[str, str]] = set()
    for policy, area in used:
        for step in policies[policy].escalation if policy in policies else ():
            empty = _empty_place(draft, step.role, area)
            if empty is not None and (step.role, empty) not in told:
                told.add((step.role, empty))
                spot = _people_spot(draft)
                problems.add(spot, "escalation_nobody", role=step.role, area=empty, policy=policy)


def _empty_place(draft: SiteDraft, role: str, area: str) -> str | None:
    """Where nobody has the role: the whole site, the area, or None when somebody does."""
    having = [person for person in draft.people.values() if person.role == role]
    if not having:
        return draft.directory
    path = draft.area_path(area)
    return None if any(not person.areas or set(person.areas) & set(path) for person in having) else area


def _people_spot(draft: SiteDraft) -> Spot:
    if draft.people.items:
        return draft.people.items[0].document.at("people")
    return Spot(f"sites/{draft.directory}/people.yaml", ("people",))


def resolve_policy(spec: PolicySpec, row: SlaRow, channels: Iterable[Channel]) -> Policy:
    """The policy with the clocks of its row and a site's channels. Both clocks exist: check_policies saw to it."""
    zero = timedelta(0)
    respond: Origin = "default" if spec.respond_within is not None else row.respond_origin
    finish: Origin = "default" if spec.finish_within is not None else row.finish_origin
    return Policy(
        id=spec.id,
        name=spec.name,
        name_en=spec.name_en,
        ack_within=spec.ack_within,
        escalation=spec.escalation,
        channels=spec.channels or tuple(channel.name for channel in channels),
        work_order=spec.work_order,
        priority=spec.priority or row.priority,
        respond_within=spec.respond_within or row.respond_within or zero,
        respond_origin=respond,
        finish_within=spec.finish_within or row.finish_within or zero,
        finish_origin=finish,
        rate_within=spec.rate_within,
        reopen_window=spec.reopen_window,
        shelve_max=spec.shelve_max,
        latching=spec.latching,
        review=spec.review,
        source=f"{row.event}（{row.source}）",
    )

"""Documented limits and service clocks as data, before they meet a site."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.site.duration import Duration
from gateway.site.equipment_kinds import EquipmentKind
from gateway.site.limit import Kind, Severity
from gateway.site.terms import (
    AreaKind,
    AsTuple,
    Finite,
    Frozen,
    Origin,
    PolicyId,
    Priority,
    Quantity,
    Text,
)

LimitId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,8}-[0-9A-Z]{1,8}$")]
Variant = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,31})?$")]
Words = Annotated[tuple[Text, ...], AsTuple]


class Source(Frozen):
    """Where a requirement stands."""

    document: Text
    section: Text
    seed: str = ""
    """Number of the source document among ours, e.g. `001`."""

    def __str__(self) -> str:
        return f"《{self.document}》{self.section}"


class AppliesTo(Frozen):
    """Which points a limit is for; every given condition must hold."""

    quantity: Quantity | None = None
    equipment_kinds: Annotated[tuple[EquipmentKind, ...], AsTuple] = ()
    area_kinds: Annotated[tuple[AreaKind, ...], AsTuple] = ()


class LimitSpec(Frozen):
    """A documented limit and how we read it. `our_defaults` names the keys whose values are ours."""

    id: LimitId
    variant: Variant = ""
    title: Text
    title_en: Text
    requirement: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    """What the document asks for, in our own words."""
    source: Source
    reading: Words = ()
    """Ids of the ambiguities whose reading this follows, e.g. `AMB-01`."""
    note: str = ""
    our_defaults: Words = ()
    applies_to: AppliesTo
    kind: Kind
    unit: str = ""
    threshold: Finite | None = None
    return_threshold: Finite | None = None
    severe_threshold: Finite | None = None
    resolution: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    on_delay: Duration = timedelta(0)
    off_delay: Duration = timedelta(0)
    min_count: int = Field(default=1, ge=1, le=10_000)
    window: Duration = timedelta(0)
    median_of: int = Field(default=1, ge=1, le=99)
    hold_last: bool = False
    stale_after: Duration | None = None
    """stale only: how long the silence may last; default the point's own."""
    severity: Severity = "high"
    severe_severity: Severity = "critical"
    latching: bool | None = None
    """Default: the policy's."""
    policy: PolicyId
    may_suspend: Annotated[tuple[EquipmentKind, ...], AsTuple] = ()
    """A site may suspend the limit while equipment of these kinds runs without that being a loosening."""

    @property
    def rule(self) -> str:
        """`id` or `id/variant`."""
        return f"{self.id}/{self.variant}" if self.variant else self.id


class SlaRow(Frozen):
    """One row of the service table: how soon to respond and to finish, each marked 种子 (seed) or 默认 (default)."""

    id: PolicyId
    priority: Priority
    event: Text
    event_en: Text
    respond_within: Duration | None = None
    respond_origin: Origin = "default"
    finish_within: Duration | None = None
    finish_origin: Origin = "default"
    notice: str = ""
    """What else is owed: progress notice, call-back."""
    source: Text

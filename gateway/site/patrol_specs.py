"""Patrol rules before they meet a site: packs with their sources, and what a site points them at."""

from typing import Annotated

from pydantic import Field

from gateway.site.catalogue import Source, Words
from gateway.site.duration import Duration
from gateway.site.limit import Severity
from gateway.site.patrol import RuleKind, Span
from gateway.site.terms import AsTuple, Frozen, Id, PolicyId, Role, Text

People = Annotated[int, Field(ge=1, le=5)]


class PackSpec(Frozen):
    """A documented requirement on visits. `our_defaults` names the keys whose values are ours."""

    id: Id
    name: Text
    name_en: Text
    requirement: Text
    """Requirement id, e.g. `PER-12`, or the clause."""
    text: Text
    """What the document asks for, in our own words."""
    source: Source
    reading: Words = ()
    """Ids of the ambiguities whose reading this follows, e.g. `AMB-06`."""
    note: str = ""
    our_defaults: Words = ()
    kind: RuleKind
    max_gap: Duration | None = None
    within: Span | None = None
    warn_gap: Duration | None = None
    people: People = 1
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    severity: Severity = "medium"
    policy: PolicyId = "patrol"


class RuleSpec(Frozen):
    """A pack pointed at checkpoints. Looser than documented needs `reason` and `approved_by`."""

    pack: Id
    id: Id | None = None
    """Default: the pack's."""
    name: Text | None = None
    name_en: Text | None = None
    checkpoints: Annotated[tuple[Id, ...], AsTuple] = ()
    labels: Annotated[tuple[Id, ...], AsTuple] = ()
    areas: Annotated[tuple[Id, ...], AsTuple] = ()
    routes: Annotated[tuple[Id, ...], AsTuple] = ()
    max_gap: Duration | None = None
    within: Span | None = None
    warn_gap: Duration | None = None
    people: People | None = None
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    severity: Severity | None = None
    policy: PolicyId | None = None
    reason: Text | None = None
    approved_by: Role | None = None

    @property
    def rule(self) -> str:
        """Its id within the site."""
        return self.id or self.pack

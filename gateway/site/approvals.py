"""Who approves the cost of a repair: bands of amounts with their chains (APR-01, APR-02, AMB-13)."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from gateway.site.terms import AsTuple, Frozen, Id, Role, Text

ApprovalOrigin = Literal["seed", "default"]


class ApprovalStep(Frozen):
    """One hand in a chain: whoever has this title at the site."""

    title: Text
    title_en: str = ""
    role: Role | None = None
    """Who has this role stands in where nobody of the site has the title."""


class ApprovalBand(Frozen):
    """A band of amounts, `up_to_yuan` included (AMB-13), and its chain from first to last hand."""

    id: Id
    up_to_yuan: Annotated[int, Field(gt=0)] | None = None
    """None: whatever is above the others."""
    steps: Annotated[tuple[ApprovalStep, ...], Field(min_length=1, strict=False)]
    source: str = ""
    origin: ApprovalOrigin = "seed"
    """default: the documents say nothing, shown as 未规定."""


Titles = Annotated[tuple[Text, ...], AsTuple]


class Titled(Protocol):
    """Somebody of a site, as far as approval goes."""

    @property
    def username(self) -> str:
        """Account."""

    @property
    def role(self) -> Role:
        """Role in the product."""

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles in the chains."""


def holders(people: Iterable[Titled], step: ApprovalStep) -> tuple[str, ...]:
    """Usernames of those who decide a step: who has the title, else who has the role that stands in for it."""
    everybody = tuple(people)
    titled = tuple(one.username for one in everybody if step.title in one.titles)
    if titled or step.role is None:
        return titled
    return tuple(one.username for one in everybody if one.role == step.role)


def band_for(bands: Sequence[ApprovalBand], cents: int) -> ApprovalBand | None:
    """The band that a whole cost falls into; its upper figure belongs to it (AMB-13). None: no band is open-ended."""
    return next((one for one in bands if one.up_to_yuan is None or cents <= one.up_to_yuan * 100), None)

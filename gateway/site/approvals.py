"""Who approves the cost of a repair: bands of amounts with their chains (APR-01, APR-02, AMB-13)."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.site.terms import AsTuple, Frozen, Id, Text

ApprovalOrigin = Literal["seed", "default"]


class ApprovalStep(Frozen):
    """One hand in a chain: whoever has this title at the site."""

    title: Text
    title_en: str = ""


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

"""Shapes of reports in the JSON API."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.report.model import Figure, Ref, ReportKind, Slot


class Out(BaseModel):
    """Base of what is sent."""

    model_config = ConfigDict(frozen=True)


class In(BaseModel):
    """Base of what is received: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class SignatureOut(Out):
    """One signature."""

    slot: Slot
    username: str
    name: str
    at: datetime
    sha256: str
    comment: str


class ReportOut(Out):
    """One version of a month's report."""

    id: str
    number: str
    site: str
    kind: ReportKind
    month_on: date
    version: int
    state: str
    sha256: str
    made_at: datetime
    made_by: str
    reason: str
    locked_at: datetime | None
    signatures: list[SignatureOut]


class ReportDetail(ReportOut):
    """A version with its snapshot, personal data masked."""

    snapshot: dict[str, Any]


class FigureOut(Out):
    """A figure and the records it was counted from."""

    figure: Figure
    records: list[Ref]


class VerifiedOut(Out):
    """What recomputing the hashes found."""

    number: str
    sha256: str
    problems: list[str]


class Make(In):
    """Freeze a month."""

    site: Annotated[str, Field(max_length=64)] = ""
    kind: ReportKind = "facilities"
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", max_length=7)]
    reason: Annotated[str, Field(max_length=400)] = ""


class Sign(In):
    """Sign a version."""

    slot: Slot
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    """Of the version that was shown."""
    password: Annotated[str, Field(max_length=256)]
    comment: Annotated[str, Field(max_length=300)] = ""
    paper: Annotated[str, Field(max_length=100)] = ""
    """Number of the paper, for what is signed on paper."""
    paper_name: Annotated[str, Field(max_length=100)] = ""

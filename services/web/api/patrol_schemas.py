"""Shapes of the patrol part of the JSON API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.web.api.schemas import Body

Comment = Annotated[str, Field(min_length=2, max_length=400, description="The reason, in a person's own words")]


class CloseAnomaly(Body):
    """Why it was so; closes the anomaly."""

    comment: Comment


class AnomalyOut(BaseModel):
    """Something that a supervisor answers for."""

    id: str
    site: str
    kind: str = Field(description="A verdict, a detector's mark, `short_of` or `gap`")
    ref: str
    round: str | None
    checkpoint: str | None
    guard: str
    shift: str
    at: datetime = Field(description="When it happened, or should have")
    found_at: datetime
    withdrawn_at: datetime | None = Field(description="Later evidence took it back")
    closed_at: datetime | None
    closed_by: str
    comment: str


class RoundOut(BaseModel):
    """A round and where it stands."""

    id: str = Field(description="`{site}/{round}`")
    site: str
    route: str
    route_kind: str
    schedule: str
    shift: str = Field(description="Shift instance `{shift}@{local day it starts on}`; empty without shifts")
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime = Field(description="First moment at which a tap counts")
    closes_at: datetime = Field(description="Last moment at which a tap counts")
    final_at: datetime = Field(description="From here on a stop without a tap is missed")
    confirm_at: datetime = Field(description="From here on a miss is confirmed even if a device is silent")
    state: str = Field(description="planned, open, running, complete, incomplete, missed or suspended")
    stops: int
    visited: int
    missed: int
    unconfirmed: bool
    flagged: int
    short_of: str
    guards: list[str]
    started_at: datetime | None
    finished_at: datetime | None
    version: int


class TapOut(BaseModel):
    """A tap with its three times and what it proves."""

    id: str
    device: str
    reader: str
    phone: str
    checkpoint: str | None = Field(description="None: nobody knows this tag")
    tag: str
    guard: str
    at: datetime = Field(description="Corrected for the device's clock")
    claimed_at: datetime | None
    received_at: datetime
    clock: str
    evidence: str = Field(description="sun, uid_walked, uid, qr or manual, strongest first")
    proof: str
    verdict: str
    marks: list[str]
    findings: list[str]
    answers: dict[str, bool | float | int | str]
    note: str
    photos: list[str]


class StopOut(BaseModel):
    """A stop: what was wanted, what came, and why it is called so."""

    index: int
    checkpoint: str
    early_from: datetime
    on_time_from: datetime
    on_time_until: datetime
    late_until: datetime
    verdict: str
    certainty: str
    marks: list[str]
    rule: str = Field(description="The rule that decided")
    because: list[str] = Field(description="The taps behind it")
    why: str = Field(description="The same as a sentence in the account's language")
    at: datetime | None
    tap: TapOut | None


class ChangeOut(BaseModel):
    """One change of a verdict."""

    seq: int
    at: datetime = Field(description="When we knew")
    stop: int | None = Field(description="None: the round as a whole")
    was: str
    now: str
    rule: str
    taps: list[str]


class RoundDetail(RoundOut):
    """A round with its stops, its history and its anomalies."""

    stop_list: list[StopOut]
    history: list[ChangeOut]
    anomalies: list[AnomalyOut]

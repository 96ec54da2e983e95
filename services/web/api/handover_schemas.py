"""Shapes of handovers in the JSON API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.web.api.schemas import Body, Id

Text = Annotated[str, Field(max_length=2000)]
Item = Annotated[str, Field(min_length=1, max_length=200)]


class HandOver(Body):
    """What is handed over, and by whom to whom; one of the two is signed in, the other gives his password."""

    site: str = Field(default="", max_length=64, description="Empty: the first with routes")
    shift: str = Field(min_length=1, max_length=80, description="The shift instance that takes over")
    given_by: Id
    taken_by: Id
    second_password: str = Field(max_length=256, description="Of the one who is not signed in")
    hazards: Text = ""
    keys: Text = ""
    kit: dict[Item, bool] = Field(
        default_factory=dict, max_length=200, description="Every item of the kit: complete or not"
    )
    note: Text = ""


class HandoverOut(BaseModel):
    """A handover that was given."""

    id: str
    site: str
    shift: str
    at: datetime
    given_by: str
    taken_by: str
    open_alerts: list[str] = Field(description="What was open then")
    hazards: str
    keys: str
    kit: dict[str, bool]
    note: str
    late_s: float | None = Field(description="So long after the shift began, if later than allowed")


class WaitingOut(BaseModel):
    """A shift that nobody has handed over to."""

    shift: str
    people: list[str] = Field(description="Who is rostered for it")
    starts_at: datetime
    due_at: datetime


class HandoversOut(BaseModel):
    """Handovers of a site: those that are due and those that were given."""

    site: str
    waiting: list[WaitingOut]
    kit: list[str]
    handovers: list[HandoverOut]

"""Shapes of the phone's API. Times are epoch milliseconds: the phone compares them with its own clocks."""

from typing import Annotated, Any

from pydantic import Field

from services.patrol.phone.items import BATCH, Boot, ClientId, Mono, Wall
from services.web.api.schemas import Body

Pin = Annotated[str, Field(pattern=r"^[0-9]{4}$", description="Four digits")]
Password = Annotated[str, Field(min_length=1, max_length=256)]
SiteId = Annotated[str, Field(max_length=64, description="Empty: the account's own site")]


class Sync(Body):
    """A delivery; without items it is a sign of life."""

    phone: ClientId = Field(description="The installation's own id")
    site: SiteId = ""
    boot: Boot = Field(description="One run of the app: `mono_ms` counts only within it")
    wall_ms: Wall
    mono_ms: Mono
    queued: int = Field(ge=0, le=10**6, description="What is left on the phone besides these items")
    items: list[dict[str, Any]] = Field(
        max_length=BATCH, description="See services/patrol/phone/items.py; judged one by one"
    )


class Refused(Body):
    """An item that cannot be taken, however often it comes."""

    client_id: str
    reason: str


class Prompt(Body):
    """A question to the guard: is he well?"""

    id: str
    due_ms: int = Field(description="Unanswered until then, everybody on duty is called")


class SyncOut(Body):
    """What the phone may forget now."""

    accepted: list[str]
    refused: list[Refused]
    waiting: str = Field(default="", description="Why taps that are not named have to stay on the phone")
    server_ms: int
    prompts: list[Prompt]


class SetPin(Body):
    """The code to sign off with, proved by the account's password."""

    pin: Pin
    password: Password


class SignOff(Body):
    """The end of duty."""

    client_id: ClientId
    pin: Pin
    site: SiteId = ""


class Done(Body):
    """It is done."""

    server_ms: int

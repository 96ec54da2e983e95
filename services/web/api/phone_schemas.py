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
    status: int
    """Why in short, as HTTP would say it: 403, 404, 409 or 422; the phone has words for these."""


class Prompt(Body):
    """A question to the guard: is he well?"""

    id: str
    due_ms: int = Field(description="Unanswered until then, everybody on duty is called")


class FireStepOut(Body):
    """One line of the plan that an incident's grade brought."""

    plan: str
    id: str
    text: str
    text_en: str
    done_ms: int | None
    done_by: str
    done_by_en: str
    not_needed: bool


class FireSpot(Body):
    """Something that reports fire, and the zone it is in."""

    name: str
    name_en: str
    zone: str
    zone_en: str


class FireHelper(Body):
    """Somebody who was called; times in epoch milliseconds, None: not yet."""

    username: str
    name: str
    name_en: str
    accepted_ms: int | None
    arrived_ms: int | None


class FireOut(Body):
    """An open incident, as the people who are to look need it."""

    id: str
    number: str
    stage: str = Field(description="unconfirmed, small or large")
    reason: str = Field(description="Why it is treated as large: unconfirmed_in_time, second_signal, spread, person")
    building: str
    building_en: str
    opened_ms: int
    confirm_by_ms: int = Field(description="Not graded until then it is treated as large")
    graded_by: str = Field(description="Who said how bad it is; empty: nobody has")
    graded_by_en: str
    spots: list[FireSpot] = Field(description="The first that report fire, in order")
    more: int = Field(description="How many others do")
    checkpoints: list[str] = Field(description="A tap at one of these is an arrival")
    helpers: list[FireHelper]
    steps: list[FireStepOut]
    broadcast: str
    broadcast_en: str


class FireTestOut(Body):
    """Announced maintenance: signals of this panel or zone call nobody."""

    place: str
    place_en: str
    until_ms: int


class FireNews(Body):
    """What a phone shows of fire."""

    open: list[FireOut] = Field(default_factory=list)
    tests: list[FireTestOut] = Field(default_factory=list)


class FireNewsOut(FireNews):
    """The same by itself, for a page that is looked at."""

    server_ms: int


class SyncOut(Body):
    """What the phone may forget now."""

    accepted: list[str]
    refused: list[Refused]
    waiting: str = Field(default="", description="Why taps that are not named have to stay on the phone")
    server_ms: int
    prompts: list[Prompt]
    fire: FireNews


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

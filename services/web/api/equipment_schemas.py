"""Shapes of the ledger's part of the JSON API."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.equipment.certificates import CertificateKind
from services.equipment.model import Status
from services.web.api.schemas import Body
from services.web.queries.fire_log import Day, Moment

Reason = Annotated[str, Field(min_length=1, max_length=400)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
Line = Annotated[str, Field(max_length=400)]
Account = Annotated[str, Field(max_length=64)]


class Values(Body):
    """Columns of an entry; those left out stay as they are."""

    code: Line | None = None
    name: Line | None = None
    name_en: Line | None = None
    kind: Account | None = None
    area: Account | None = None
    place: Line | None = None
    responsible: Account | None = None
    supervisor: Account | None = None
    manager: Account | None = None
    maker: Line | None = None
    model: Line | None = None
    serial: Line | None = None
    rating: Line | None = None
    made_on: Day | None = None
    installed_on: Day | None = None
    in_use_on: Day | None = None
    warranty_until_on: Day | None = None
    scrap_due_on: Day | None = None
    note: Annotated[str, Field(max_length=4000)] | None = None


class NewEquipment(Values):
    """Something new; name and kind are needed."""

    site: Account = ""
    eid: Annotated[str, Field(max_length=64)] = ""


class EditEquipment(Values):
    """A change of what is known; `version` is the one that was looked at. A day is emptied with null."""

    version: Version


class SetStatus(Body):
    """A change of status; `at`: since when, if not now."""

    status: Status
    reason: Reason
    version: Version
    at: Moment | None = None


class AddCertificate(Body):
    """A certificate of an entry, or of `subject`; `renews` is ended by it."""

    site: Account = ""
    equipment: Annotated[str, Field(max_length=26, pattern="^[0-9A-Za-z]*$")] = ""
    kind: CertificateKind
    expires_on: Day
    valid_from_on: Day | None = None
    number: Annotated[str, Field(max_length=120)] = ""
    issuer: Annotated[str, Field(max_length=200)] = ""
    subject: Annotated[str, Field(max_length=200)] = ""
    renews: Annotated[str, Field(max_length=26, pattern="^[0-9A-Za-z]+$")] | None = None


class EndCertificate(Body):
    """Why it is not needed any more."""

    reason: Reason


class EquipmentOut(BaseModel):
    """One entry of the ledger."""

    id: str
    site: str
    eid: str
    origin: str
    declared: bool
    code: str
    tag: str
    name: str
    name_en: str
    kind: str
    area: str
    place: str
    status: str
    status_at: datetime
    responsible: str
    supervisor: str
    manager: str
    maker: str
    model: str
    serial: str
    rating: str
    made_on: date | None
    installed_on: date | None
    in_use_on: date | None
    warranty_until_on: date | None
    scrap_due_on: date | None
    bindings: list[list[str]]
    note: str
    version: int


class EquipmentEventOut(BaseModel):
    """One line of an entry's history."""

    seq: int
    at: datetime
    event_at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class CertificateOut(BaseModel):
    """One certificate."""

    id: str
    site: str
    equipment_id: str | None
    kind: str
    subject: str
    number: str
    issuer: str
    valid_from_on: date | None
    expires_on: date
    ended_at: datetime | None

"""Devices over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc
from services.web.queries import devices as queries

router = api_router("devices")
Name = Annotated[str, Path(min_length=1, max_length=64)]


class DeviceOut(BaseModel):
    """One device as it stands."""

    key: str
    site: str
    device: str
    kind: str
    name: str
    state: str = Field(description="online, silent, offline, flapping, maintenance or never")
    since: datetime | None
    seen_at: datetime | None
    clock_offset_s: float | None = Field(description="How far its clock is ahead of ours")
    battery: float | None
    rssi_dbm: float | None
    snr_db: float | None
    firmware: str | None
    points: int
    missing_events: int = Field(description="Numbers that it counted and that never arrived")
    open_alerts: int
    online_rate: float | None = Field(description="Share of this month, without maintenance; null: cannot be missed")


class SilenceOut(BaseModel):
    """A stretch in which a device was not there."""

    kind: str
    started_at: datetime
    ended_at: datetime | None
    excused: bool


class GapOut(BaseModel):
    """Numbers of a device that never arrived."""

    boot: str
    first: int
    last: int
    noticed_at: datetime


class DeviceDetailOut(DeviceOut):
    """One device with its past."""

    profile: str | None
    speaks: str = Field(description="Topic, or bus and slave")
    point_keys: list[str]
    silences: list[SilenceOut]
    gaps: list[GapOut]
    quarantined: int


@router.get("/devices", operation_id="list_devices")
def list_devices(svc: Svc, actor: Signed, now: Now) -> list[DeviceOut]:
    """Every device, the worst first."""
    with svc.db.read() as s:
        return [DeviceOut(**_facts(one)) for one in queries.rows(s, svc, now, actor.language)]


@router.get("/devices/{site}/{device}", operation_id="get_device")
def get_device(svc: Svc, actor: Signed, now: Now, site: Name, device: Name) -> DeviceDetailOut:
    """One device."""
    with svc.db.read() as s:
        page = queries.one(s, svc, site, device, now, actor.language)
    return DeviceDetailOut(
        **_facts(page.row),
        profile=page.sensor.profile if page.sensor is not None else None,
        speaks=page.speaks,
        point_keys=[one.key for one in page.points],
        silences=[
            SilenceOut(kind=one.kind, started_at=one.started_at, ended_at=one.ended_at, excused=one.excused)
            for one in page.silences
        ],
        gaps=[GapOut(boot=boot, first=first, last=last, noticed_at=at) for boot, first, last, at in page.gaps],
        quarantined=page.refused,
    )


def _facts(row: queries.DeviceRow) -> dict[str, object]:
    known = row.known
    return {
        "key": row.key,
        "site": row.site,
        "device": row.device.id,
        "kind": row.device.kind,
        "name": row.name,
        "state": row.state,
        "since": row.since,
        "seen_at": row.seen_at,
        "clock_offset_s": row.offset_s,
        "battery": known.battery if known is not None else None,
        "rssi_dbm": known.rssi_dbm if known is not None else None,
        "snr_db": known.snr_db if known is not None else None,
        "firmware": known.firmware if known is not None else None,
        "points": row.points,
        "missing_events": row.missing,
        "open_alerts": row.alerts,
        "online_rate": row.rate,
    }

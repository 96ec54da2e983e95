"""Rounds, stops, taps and what people said of them; clocks of phones, legs, counters of signed tags."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class Round(Base):
    """One round that is to be walked: plan and current verdict; `RoundEvent` says how it came to be."""

    __tablename__ = "patrol_round"
    __table_args__ = (
        Index("ix_patrol_round_site_starts_at", "site", "starts_at"),
        Index("ix_patrol_round_site_route_opens_at", "site", "route", "opens_at"),
    )

    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    """`{site}/{plan id}`."""
    site: Mapped[str] = mapped_column(String(64))
    route: Mapped[str] = mapped_column(String(64))
    schedule: Mapped[str] = mapped_column(String(64))
    shift: Mapped[str] = mapped_column(String(80), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """First moment at which a tap counts."""
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Last moment at which a tap counts."""
    final_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirm_at: Mapped[datetime] = mapped_column(UtcDateTime)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The plan as it stood when the round was made; later edits of the site files do not touch it."""
    state: Mapped[str] = mapped_column(String(16), default="planned")
    stops: Mapped[int] = mapped_column(Integer, default=0)
    """Stops that count."""
    visited: Mapped[int] = mapped_column(Integer, default=0)
    missed: Mapped[int] = mapped_column(Integer, default=0)
    unconfirmed: Mapped[bool] = mapped_column(default=False)
    flagged: Mapped[int] = mapped_column(Integer, default=0)
    """Visited stops with something wrong."""
    short_of: Mapped[str] = mapped_column(String(200), default="")
    guards: Mapped[list[str]] = mapped_column(JSON, default=list)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=0)


class RoundStop(Base):
    """The current verdict of one stop."""

    __tablename__ = "patrol_stop"

    round_id: Mapped[str] = mapped_column(String(160), ForeignKey("patrol_round.id"), primary_key=True)
    index: Mapped[int] = mapped_column("position", Integer, primary_key=True)
    checkpoint: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16), default="pending")
    certainty: Mapped[str] = mapped_column(String(16), default="")
    marks: Mapped[list[str]] = mapped_column(JSON, default=list)
    tap_id: Mapped[str | None] = mapped_column(String(160))
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rule: Mapped[str] = mapped_column(String(64), default="")
    because: Mapped[list[str]] = mapped_column(JSON, default=list)


class RoundEvent(Base):
    """One change of a verdict; never changed."""

    __tablename__ = "patrol_round_event"
    __table_args__ = (Index("ix_patrol_round_event_at", "at"),)

    round_id: Mapped[str] = mapped_column(String(160), ForeignKey("patrol_round.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When we knew."""
    stop: Mapped[int | None] = mapped_column(Integer)
    """None: the round as a whole."""
    was: Mapped[str] = mapped_column(String(40))
    now: Mapped[str] = mapped_column(String(40))
    rule: Mapped[str] = mapped_column(String(64), default="")
    taps: Mapped[list[str]] = mapped_column(JSON, default=list)


class TapRow(Base):
    """A tap as it was heard, with what we made of it."""

    __tablename__ = "patrol_tap"
    __table_args__ = (
        Index("ix_patrol_tap_site_at", "site", "at"),
        Index("ix_patrol_tap_checkpoint_at", "site", "checkpoint", "at"),
        Index("ix_patrol_tap_guard_at", "site", "guard", "at"),
        Index("ix_patrol_tap_received_at", "received_at"),
    )

    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    """`{site}/{device}/{client id, else event id}`: the same tap twice is one."""
    site: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(64))
    phone: Mapped[str] = mapped_column(String(64), default="")
    reader: Mapped[str] = mapped_column(String(64), default="")
    checkpoint: Mapped[str | None] = mapped_column(String(64))
    """None: nobody knows this tag."""
    tag: Mapped[str] = mapped_column(String(80), default="")
    """The canonical identity."""
    guard: Mapped[str] = mapped_column(String(80), default="")
    """Username, else `badge:…`, else `device:…`; `claimed:…` is nobody's."""
    delivered_by: Mapped[str] = mapped_column(String(64), default="")
    """Who was signed in when the phone delivered it, if it was somebody else."""
    role: Mapped[str] = mapped_column(String(16), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The corrected time."""
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock: Mapped[str] = mapped_column(String(16), default="")
    """What the corrected time was worked out from: monotonic, offset or claimed."""
    uncertain_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    clock_turned: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[str] = mapped_column(String(16))
    doubts: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Marks that its delivery earned it: `unheard_phone`, `kept_back`, `delivered_by_other`."""
    proof: Mapped[str] = mapped_column(String(40), default="")
    """What came of the signature: `verified`, or the reason of its refusal; empty without one."""
    marks: Mapped[list[str]] = mapped_column(JSON, default=list)
    """What detectors say: `desk`, `same_point`, `skipped_floor`, `impossible_leg`, `two_places`, `clock_back`,
    `clock_skew`, `late_sync`, `harvested`, `replay`, `unknown_tag`, and its doubts."""
    why: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """For each mark the words' figures and the taps behind it."""
    verdict: Mapped[str] = mapped_column(String(16), default="extra")
    rounds: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Rounds it counted in."""
    round_hint: Mapped[str] = mapped_column(String(160), default="")
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    findings: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Questions whose answer is not good."""
    note: Mapped[str] = mapped_column(Text, default="")
    photos: Mapped[list[str]] = mapped_column(JSON, default=list)
    retries: Mapped[int] = mapped_column(Integer, default=0)


class Anomaly(Base):
    """Something about a stop or a tap that a supervisor answers for with a comment."""

    __tablename__ = "patrol_anomaly"
    __table_args__ = (
        Index("uq_patrol_anomaly_ref", "site", "kind", "ref", unique=True),
        Index("ix_patrol_anomaly_site_at", "site", "at"),
        Index(
            "ix_patrol_anomaly_open",
            "site",
            "at",
            sqlite_where=text("closed_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=text("closed_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(24))
    """A verdict (`missed`, `late`, `out_of_order`, `too_fast` …), a mark of a detector, or `short_of`."""
    ref: Mapped[str] = mapped_column(String(200))
    """`{round}:{stop}` or the tap's id."""
    round_id: Mapped[str | None] = mapped_column(String(160))
    checkpoint: Mapped[str | None] = mapped_column(String(64))
    guard: Mapped[str] = mapped_column(String(80), default="")
    shift: Mapped[str] = mapped_column(String(80), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it happened, or should have."""
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Later evidence took it back."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str] = mapped_column(String(64), default="")
    comment: Mapped[str] = mapped_column(Text, default="")


class Phone(Base):
    """An installation of the phone app, as last heard: its clock and who held it."""

    __tablename__ = "patrol_phone"

    id: Mapped[str] = mapped_column(String(130), primary_key=True)
    """`{site}/{installation}`."""
    username: Mapped[str] = mapped_column(String(64))
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_all_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last contact after which it had nothing left to deliver."""
    held_by: Mapped[dict[str, list[int]]] = mapped_column(JSON, default=dict)
    """Who was signed in: username → since when nobody else, last heard, epoch milliseconds; bounded."""
    boot: Mapped[str] = mapped_column(String(64), default="")
    mono_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    wall_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    received_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    queued: Mapped[int] = mapped_column(Integer, default=0)
    """What it said it still had to deliver."""


class LegTimes(Base):
    """How long the walk between two checkpoints takes, learned from rounds."""

    __tablename__ = "patrol_leg"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    start: Mapped[str] = mapped_column("leg_start", String(64), primary_key=True)
    end: Mapped[str] = mapped_column("leg_end", String(64), primary_key=True)
    samples: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    """The latest walks: [day, guard, seconds], bounded."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Photo(Base):
    """A picture taken on a round."""

    __tablename__ = "patrol_photo"
    __table_args__ = (Index("ix_patrol_photo_by_received_at", "by", "received_at"),)

    id: Mapped[str] = mapped_column(String(96), primary_key=True)
    """`{site}/{the phone's own id of it}`."""
    site: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """JPEG."""


class Incident(Base):
    """Something a guard reported: an incident, or a cry for help."""

    __tablename__ = "patrol_incident"
    __table_args__ = (Index("ix_patrol_incident_site_at", "site", "at"),)

    id: Mapped[str] = mapped_column(String(96), primary_key=True)
    """`{site}/{the phone's own id of it}`."""
    site: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    """incident, sos, duress or man_down."""
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checkpoint: Mapped[str | None] = mapped_column(String(64))
    """Where, or the last point the guard was at."""
    category: Mapped[str] = mapped_column(String(32), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    photos: Mapped[list[str]] = mapped_column(JSON, default=list)
    alert_id: Mapped[str | None] = mapped_column(String(26))


class DutyTime(Base):
    """Somebody signed on for duty; until signed off."""

    __tablename__ = "duty_time"
    __table_args__ = (
        Index(
            "uq_duty_time_open",
            "site",
            "username",
            unique=True,
            sqlite_where=text("off_at IS NULL"),
            postgresql_where=text("off_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(96), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    username: Mapped[str] = mapped_column(String(64))
    shift: Mapped[str] = mapped_column(String(80), default="")
    on_at: Mapped[datetime] = mapped_column(UtcDateTime)
    off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duress: Mapped[bool] = mapped_column(default=False)
    """Signed off under duress: looked normal, raised an alarm."""


class Handover(Base):
    """交接班: what one shift gave the next (PER-62)."""

    __tablename__ = "patrol_handover"

    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    """`{site}/{shift instance that takes over}`."""
    site: Mapped[str] = mapped_column(String(64))
    shift: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by: Mapped[str] = mapped_column(String(64))
    taken_by: Mapped[str] = mapped_column(String(64))
    open_alerts: Mapped[list[str]] = mapped_column(JSON, default=list)
    hazards: Mapped[str] = mapped_column(Text, default="")
    keys: Mapped[str] = mapped_column(Text, default="")
    kit: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Item → complete or not (SEC-13)."""
    note: Mapped[str] = mapped_column(Text, default="")


class SunKey(Base):
    """Keys of signed tags, encrypted with the installation's secret."""

    __tablename__ = "sun_key"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SunCounter(Base):
    """The highest counter a signed tag has shown."""

    __tablename__ = "sun_counter"

    uid: Mapped[str] = mapped_column(String(14), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    last_at_ms: Mapped[int] = mapped_column(BigInteger)


class SunClaim(Base):
    """One use of one counter: whoever comes second is refused."""

    __tablename__ = "sun_claim"
    __table_args__ = (Index("ix_sun_claim_device_at_ms", "device", "at_ms"),)

    uid: Mapped[str] = mapped_column(String(14), primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    client_id: Mapped[str] = mapped_column(String(160))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    device: Mapped[str] = mapped_column(String(130))
    outcome: Mapped[str] = mapped_column(String(24), default="verified")


class TagHealth(Base):
    """How well a checkpoint's tag reads."""

    __tablename__ = "patrol_tag_health"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    checkpoint: Mapped[str] = mapped_column(String(64), primary_key=True)
    recent: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Failed reads before each of the latest good ones."""
    by_hand: Mapped[int] = mapped_column(Integer, default=0)
    """Fallbacks in a row instead of reading the tag."""
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PatrolWatermark(Base):
    """Up to where something has been done for a site: rounds planned, a requirement judged."""

    __tablename__ = "patrol_watermark"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    what: Mapped[str] = mapped_column(String(140), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    """What was before is not looked at."""
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    """Planned until, or nothing to look at until."""
    raised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Event time of the newest breach that was raised."""

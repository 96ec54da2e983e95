"""Signals of panels, components as they stand, incidents with their response; test modes, outages, tests, drills."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class FireSignal(Base):
    """One thing that a panel or transmission device said; never changed, except for what it was bound to."""

    __tablename__ = "fire_signal"
    __table_args__ = (
        Index("ix_fire_signal_site_received_at", "site", "received_at"),
        Index("ix_fire_signal_component_received_at", "component", "received_at"),
        Index("ix_fire_signal_incident", "incident_id"),
        Index("ix_fire_signal_key", "site", "key"),
    )

    id: Mapped[str] = mapped_column(String(180), primary_key=True)
    """`{site}/{device}/{event id}`."""
    site: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(64))
    """Who published it: a source, or a gateway for a sender that nobody declared."""
    panel: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(16))
    component: Mapped[str] = mapped_column(String(200))
    """`{site}/{panel}/{address}`; the address is `system:{n}` or `self` where it is about no component."""
    building: Mapped[str] = mapped_column(String(64), default="")
    zone: Mapped[str] = mapped_column(String(64), default="")
    point: Mapped[str] = mapped_column(String(64), default="")
    """The declared point; empty: the ledger does not know this address."""
    system_type: Mapped[int | None] = mapped_column(Integer)
    component_type: Mapped[int | None] = mapped_column(Integer)
    states: Mapped[list[str]] = mapped_column(JSON, default=list)
    ended: Mapped[list[str]] = mapped_column(JSON, default=list)
    operations: Mapped[list[str]] = mapped_column(JSON, default=list)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When our gateway heard it."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    panel_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text, default="")
    raw: Mapped[str] = mapped_column(Text, default="")
    """Hex of what came over the wire."""
    marks: Mapped[list[str]] = mapped_column(JSON, default=list)
    body: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The rest of the event: operator, values, command, outcome …"""
    test: Mapped[bool] = mapped_column(default=False)
    """Heard while its panel or zone was in test mode."""
    key: Mapped[str] = mapped_column(String(64), default="")
    """The same for a retransmission."""
    incident_id: Mapped[str | None] = mapped_column(String(26))


class FireComponent(Base):
    """A component, system or panel as its signals leave it; found again by replaying them."""

    __tablename__ = "fire_component"
    __table_args__ = (Index("ix_fire_component_site_open", "site", "is_open"),)

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    panel: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(100))
    building: Mapped[str] = mapped_column(String(64), default="")
    zone: Mapped[str] = mapped_column(String(64), default="")
    point: Mapped[str] = mapped_column(String(64), default="")
    system_type: Mapped[int | None] = mapped_column(Integer)
    component_type: Mapped[int | None] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text, default="")
    states: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """State → since when, RFC 3339 UTC."""
    is_open: Mapped[bool] = mapped_column(default=False)
    """Something holds that somebody should see: fire, fault, shield, supervisory …"""
    test: Mapped[bool] = mapped_column(default=False)
    """Something holds that was heard in test mode."""
    tests: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Those of its states."""
    values: Mapped[list[dict[str, Any]]] = mapped_column("measured", JSON, default=list)
    """The newest analog values."""
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signal_id: Mapped[str] = mapped_column(String(180), default="")


class FireIncident(Base):
    """One fire, or what looks like one: from the first signal of a building to somebody's verdict."""

    __tablename__ = "fire_incident"
    __table_args__ = (
        Index(
            "uq_fire_incident_open",
            "site",
            "building",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_fire_incident_site_opened_at", "site", "opened_at"),
        UniqueConstraint("site", "number"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    number: Mapped[str] = mapped_column(String(32))
    """What people call it, e.g. `HJ-20261121-001`."""
    site: Mapped[str] = mapped_column(String(64))
    building: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str] = mapped_column(String(16), default="unconfirmed")
    """unconfirmed, small, large, closed."""
    reason: Mapped[str] = mapped_column(String(32), default="")
    """Why it is large: unconfirmed_in_time, second_signal, spread, person."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirm_by: Mapped[datetime] = mapped_column(UtcDateTime)
    graded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    graded_by: Mapped[str | None] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16), default="")
    """real, false, test; empty while open."""
    cause: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    reset_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the panel was last reset during it."""
    zones: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    """Zone → components that reported fire, in order."""
    first_signal_id: Mapped[str] = mapped_column(String(180), default="")
    signals: Mapped[int] = mapped_column(Integer, default=0)
    told: Mapped[int] = mapped_column(Integer, default=0)
    """Signals that a message has mentioned."""
    alert_id: Mapped[str | None] = mapped_column(String(26))
    response: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The plan as it stood when it began; later edits of the site files do not touch it."""
    version: Mapped[int] = mapped_column(Integer, default=0)


class FireIncidentEvent(Base):
    """One thing that happened in an incident; never changed."""

    __tablename__ = "fire_incident_event"

    incident_id: Mapped[str] = mapped_column(String(26), ForeignKey("fire_incident.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class FireStep(Base):
    """One line of the plan that an incident's grade brought; done when somebody says so."""

    __tablename__ = "fire_step"

    incident_id: Mapped[str] = mapped_column(String(26), ForeignKey("fire_incident.id"), primary_key=True)
    plan: Mapped[str] = mapped_column(String(16), primary_key=True)
    """small, large."""
    step: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by: Mapped[str | None] = mapped_column(String(64))
    not_needed: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")


class FireCall(Base):
    """Somebody was called to an incident: when, whether he accepted, when he was there (TIM-25, ROU-35)."""

    __tablename__ = "fire_call"

    incident_id: Mapped[str] = mapped_column(String(26), ForeignKey("fire_incident.id"), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    tier: Mapped[int] = mapped_column(Integer, default=0)
    called_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_by: Mapped[str] = mapped_column(String(16), default="")
    """tap, app."""
    tap_id: Mapped[str | None] = mapped_column(String(180))


class FireTestMode(Base):
    """Announced maintenance of a panel or zone: signals are recorded and shown as tests, nobody is called."""

    __tablename__ = "fire_test_mode"
    __table_args__ = (Index("ix_fire_test_mode_site_ended_at", "site", "ended_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    panel: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(64), default="")
    """Empty: the whole panel."""
    reason: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begun_by: Mapped[str] = mapped_column(String(64))
    second: Mapped[str] = mapped_column(String(64))
    """Who confirmed it: nobody switches fire alarms off alone."""
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    """From then on signals call people again, whether it was ended or not."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))


class FireOutage(Base):
    """A shielded component or a stopped system, with what form B.1 of GB 25201 asks for after 24 hours."""

    __tablename__ = "fire_outage"
    __table_args__ = (Index("ix_fire_outage_site_ended_at", "site", "ended_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    component: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    """shield, stop."""
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    prompted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    filed: Mapped[bool | None]
    """Reported to the fire authority; None: nobody has said."""
    measures: Mapped[str] = mapped_column(Text, default="")
    noted_by: Mapped[str | None] = mapped_column(String(64))
    noted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FireTest(Base):
    """One functional test of one device (PER-13); never changed."""

    __tablename__ = "fire_test"
    __table_args__ = (Index("ix_fire_test_site_tested_on", "site", "tested_on"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(64))
    """Id of a point or appliance."""
    kind: Mapped[str] = mapped_column(String(16))
    passed: Mapped[bool]
    tested_on: Mapped[date] = mapped_column(Date)
    """Local day."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")
    signal_id: Mapped[str | None] = mapped_column(String(180))
    """The signal that the device gave in test mode, which proves it."""


class FireDrill(Base):
    """One drill (PER-14, AMB-17); never changed."""

    __tablename__ = "fire_drill"
    __table_args__ = (Index("ix_fire_drill_site_held_on", "site", "held_on"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    held_on: Mapped[date] = mapped_column(Date)
    owners: Mapped[int] = mapped_column(Integer)
    staff: Mapped[int] = mapped_column(Integer)
    items: Mapped[list[str]] = mapped_column(JSON, default=list)
    """evacuation, extinguisher, others in words."""
    place: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class FireCommand(Base):
    """Something asked of a transmission device: a query, its clock, a duty check 查岗."""

    __tablename__ = "fire_command"
    __table_args__ = (Index("ix_fire_command_site_asked_at", "site", "asked_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(16), default="")
    """confirmed, answered, denied, timeout, unreachable, expired; empty while under way."""
    outcome_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Of a query: what it gave. Of a duty check: the operator's number."""
    answer_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Duty check: when it counts as missed."""
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

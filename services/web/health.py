"""`/healthz` for supervisors and `/metrics` for Prometheus."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from services.kernel.errors import Unauthenticated
from services.people.roles import require
from services.web.deps import Now, Svc, visitor
from services.web.queries import system as queries
from services.web.queries.system import DEAD_AFTER, Pulse

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def healthz(svc: Svc, now: Now) -> Response:
    """200 while every process gives signs of life and ingest hears; 503 names those that do not, and why."""
    with svc.db.read() as s:
        pulses = queries.pulses(s, now)
    silent = [role for role, pulse in pulses.items() if not pulse.alive]
    reasons = [trouble for pulse in pulses.values() for trouble in pulse.troubles]
    body = {
        "status": "silent" if silent else "unwell" if reasons else "ok",
        "silent": silent,
        "reasons": reasons,
        "limit_s": DEAD_AFTER.total_seconds(),
        "age_s": {role: _age(pulse, now) for role, pulse in pulses.items()},
    }
    return JSONResponse(body, status_code=503 if reasons else 200)


@router.get("/metrics")
def metrics(request: Request, svc: Svc, now: Now) -> Response:
    """Figures in Prometheus' text format; for this machine itself, or with a bearer token."""
    if not _loopback(request):
        if request.headers.get("Authorization") is None:
            raise Unauthenticated(
                "Metrics are for this machine or a bearer token", hint="Send Authorization: Bearer …", command="read"
            )
        require(visitor(request).actor, "read")
    registry = CollectorRegistry()
    with svc.db.read() as s:
        _collect(registry, s, now)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _loopback(request: Request) -> bool:
    """Asked from this machine, and not through a proxy on it."""
    if request.client is None or any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _collect(registry: CollectorRegistry, s: Session, now: datetime) -> None:
    pulses = queries.pulses(s, now)
    age = Gauge("gengfu_heartbeat_age_seconds", "Age of a process's newest sign of life", ["role"], registry=registry)
    for role, pulse in pulses.items():
        seconds = _age(pulse, now)
        if seconds is not None:
            age.labels(role).set(seconds)
    figures = pulses["ingest"].figures
    lag = Gauge("gengfu_ingest_lag_seconds", "Receive time minus event time of the newest message", registry=registry)
    lag.set(figures.get("lag_ms", 0) / 1000)
    work = Gauge("gengfu_ingest_figure", "Figures of ingest, by name", ["name"], registry=registry)
    for name, value in figures.items():
        work.labels(name).set(value)
    _since(
        registry,
        "gengfu_timer_oldest_due_age_seconds",
        "Longest-waiting due timer",
        queries.oldest_due_timer(s, now),
        now,
    )
    _since(
        registry,
        "gengfu_message_oldest_pending_age_seconds",
        "Longest-waiting message",
        queries.oldest_pending_message(s),
        now,
    )
    _by(registry, "gengfu_alerts_open", "Open alerts by shown state", "state", queries.alerts_by_state(s, now))
    _by(registry, "gengfu_work_orders_open", "Open work orders by state", "state", queries.orders_by_state(s))
    _by(registry, "gengfu_messages", "Messages by status (the outbox)", "status", queries.messages_by_status(s))
    gauge = Gauge("gengfu_quarantine_open", "Messages waiting in quarantine", registry=registry)
    gauge.set(queries.quarantined(s))


def _since(registry: CollectorRegistry, name: str, text: str, since: datetime | None, now: datetime) -> None:
    gauge = Gauge(name, text, registry=registry)
    gauge.set(max((now - since).total_seconds(), 0.0) if since else 0.0)


def _by(registry: CollectorRegistry, name: str, text: str, label: str, counts: Mapping[Any, int]) -> None:
    gauge = Gauge(name, text, [label], registry=registry)
    for key, count in counts.items():
        gauge.labels(key).set(count)


def _age(pulse: Pulse, now: datetime) -> float | None:
    return round((now - pulse.at).total_seconds(), 1) if pulse.at else None

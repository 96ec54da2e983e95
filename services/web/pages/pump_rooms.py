"""Pump rooms: the list of stations, and one station with its pressure, pumps, runs and tests."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from gateway.contract.times import to_ms
from services.derived.tables import PumpRun
from services.flows import pump_tests
from services.flows.breach import limit_text
from services.kernel.errors import Invalid, NotFound
from services.people.roles import require
from services.web import bars, i18n, lanes
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.pages.alert import SIZES, Window, draw
from services.web.queries import points
from services.web.queries.places import Places
from services.web.queries.pump_rooms import PumpRooms, StationPage, find
from services.web.templating import render

router = APIRouter(include_in_schema=False)

_BARS = {"wide": 640, "narrow": 340}


@router.get("/pump-rooms")
def rooms(request: Request, svc: Svc, actor: Signed, who: Who, now: Now) -> Response:
    """Every pump room with its stations."""
    with svc.db.read() as s:
        found = PumpRooms(s, svc, now, who.language).rooms()
    template = "parts/pump_rooms.html" if request.headers.get("HX-Request") == "true" else "pump_rooms.html"
    return render(request, template, {"rooms": found, "limit_text": limit_text}, who=who)


@router.get("/pump-rooms/{site}/{station}")
def station_page(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, station: str, window: Window = "6h"
) -> Response:
    """One station."""
    context = _station(svc, site, station, now, who.language)
    if request.headers.get("HX-Request") == "true":
        return render(request, "parts/pump_station.html", context, who=who)
    context |= _course(svc, site, station, window, now, who.language)
    return render(request, "pump_station.html", context, who=who)


@router.get("/fragments/pump-rooms/{site}/{station}/course")
def course(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, station: str, window: Window = "6h"
) -> Response:
    """Pressure and runs of a period."""
    return render(request, "parts/pump_course.html", _course(svc, site, station, window, now, who.language), who=who)


@router.get("/pump-rooms/{site}/{station}/tests/new")
def new_test(request: Request, svc: Svc, actor: Signed, who: Who, now: Now, site: str, station: str) -> Response:
    """The dialog to enter a test that no signal shows."""
    require(actor, pump_tests.COMMAND)
    config, found = find(svc, site, station)
    places = Places(svc.configs, who.language)
    context = {
        "site": site,
        "station": found,
        "kinds": pump_tests.BY_HAND,
        "pumps": [(one.equipment, places.name(config.equipment_by_id[one.equipment])) for one in found.mains],
        "at": now.astimezone(places.zone(site)).strftime("%Y-%m-%dT%H:%M"),
    }
    return render(request, "parts/pump_test.html", context, who=who)


@router.post("/pump-rooms/{site}/{station}/tests")
def enter_test(
    svc: Svc,
    actor: Signed,
    now: Now,
    site: str,
    station: str,
    pump: Annotated[str, Form(max_length=64)],
    kind: Annotated[str, Form(max_length=32)],
    at: Annotated[str, Form(max_length=32)],
    passed: Annotated[bool, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
    peak_pressure: Annotated[str, Form(max_length=16)] = "",
    flow: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Enter it."""
    config, found = find(svc, site, station)
    if pump not in {one.equipment for one in found.mains}:
        raise NotFound(f"Station {station} has no main pump {pump!r}", hint="Choose one from the list", field="pump")
    try:
        done_at = datetime.fromisoformat(at).replace(tzinfo=Places(svc.configs, "").zone(site))
        said = {"peak_pressure": peak_pressure, "flow": flow}
        facts = {name: float(text) for name, text in said.items() if text.strip()}
    except ValueError as error:
        raise Invalid("Time or numbers cannot be read", hint="Enter them again", field="at") from error
    with svc.db.begin() as s:
        pump_tests.enter_test(
            s, config, actor,
            pump=pump, kind=kind, at=done_at, passed=passed, note=note, facts=facts, now=now,
        )  # fmt: skip
    return Response(status_code=204, headers={"HX-Trigger": '{"gengfu:pumps": "", "gengfu:close": true}'})


def _station(svc: Services, site: str, station: str, now: datetime, language: str) -> dict[str, Any]:
    with svc.db.read() as s:
        page = PumpRooms(s, svc, now, language).page(site, station)
    return {
        "page": page,
        "row": page.row,
        "test_command": pump_tests.COMMAND,
        "bars": _bars(page, language),
        "limit_text": limit_text,
    }


def _bars(page: StationPage, language: str) -> dict[str, str]:
    starts = page.row.starts
    limit = starts.limit.threshold if starts is not None and starts.limit is not None else None
    hours = [(at.strftime("%H:%M"), count) for at, count in page.hours]
    word = i18n.catalogue(language).gettext("upper limit")
    return {name: bars.draw(hours, limit, word, width) for name, width in _BARS.items()}


def _course(svc: Services, site: str, station_id: str, window: str, now: datetime, language: str) -> dict[str, Any]:
    span, _step = points.WINDOWS[window]
    start = now - span
    with svc.db.read() as s:
        station, runs, names = PumpRooms(s, svc, now, language).runs_between(site, station_id, start)
    zone = Places(svc.configs, language).zone(site)
    order = [pump.equipment for pump in (*station.jockeys, *station.mains)]
    drawn = [
        lanes.Lane(name, [_span(run) for run in runs if run.equipment == equipment])
        for equipment, name in zip(order, names, strict=True)
    ]
    running = i18n.catalogue(language).gettext("Running")
    return {
        "site": site,
        "station": station,
        "window": window,
        "windows": list(points.WINDOWS),
        "pictures": draw(svc, f"{site}/{station.pressure}", "", window, language, now),
        "lanes": {
            name: lanes.draw(drawn, to_ms(start), to_ms(now), zone, width, running)
            for name, (width, _) in SIZES.items()
        },
    }


def _span(run: PumpRun) -> lanes.Span:
    ended = to_ms(run.ended_at) if run.ended_at is not None else None
    return lanes.Span(to_ms(run.started_at), ended, f"is-{run.verdict}" if run.verdict else f"is-{run.role}")

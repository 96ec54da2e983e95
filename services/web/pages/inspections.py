"""One inspection, and the desk's form to fill a checklist without the app."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from gateway.site.upkeep import Checklist, ChecklistItem
from services.equipment import service as equipment
from services.flows import inspections
from services.kernel.collisions import once_more
from services.kernel.errors import Invalid
from services.kernel.ids import new_id
from services.maintenance import inspecting
from services.maintenance.tables import Inspection
from services.people.roles import Actor, require
from services.web.deps import Now, Services, Signed, Svc, Who
from services.web.queries import inspections as queries
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Ref = Annotated[str, Query(max_length=64)]
BACKDATED = timedelta(days=31)
"""The desk may write down what was done so long ago; the page shows when it was written."""
LATE = timedelta(minutes=5)
"""What was heard of later than this after it was done carries both times."""
_LONGEST_NOTE = 160


async def _fields(request: Request) -> FormData:
    return await request.form()


Fields = Annotated[FormData, Depends(_fields)]


@router.get("/inspections/new")
def new(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, equipment: Ref, checklist: Ref = "", task: Ref = ""
) -> Response:
    """The form; without a checklist, the choice of one."""
    require(actor, "inspection.record")
    with svc.db.read() as s:
        page = queries.form(s, svc.configs, equipment, checklist, task, who.language, now)
    local = now.astimezone(ZoneInfo(svc.configs.sites[page.site].site.timezone))
    context = {
        "page": page,
        "client_id": new_id(),
        "until": local.strftime("%Y-%m-%dT%H:%M"),
        "since": (local - timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M"),
        "limit_of": lambda item: inspecting.limit_words(item.model_dump(mode="json")),
        "measures": any(one.needs_instrument for one in page.checklist.items) if page.checklist else False,
    }
    return render(request, "inspection_new.html", context, who=who)


@router.post("/inspections")
def create(svc: Svc, actor: Signed, now: Now, fields: Fields) -> Response:
    """Keep what was filled in."""
    require(actor, "inspection.record")
    found = _record(svc, actor, {name: str(value) for name, value in fields.items()}, now)
    return Response(status_code=204, headers={"HX-Redirect": f"/inspections/{found.id}"})


@router.get("/inspections/{inspection_id:path}")
def show(request: Request, svc: Svc, actor: Signed, who: Who, inspection_id: str) -> Response:
    """One inspection."""
    with svc.db.read() as s:
        page = queries.one(s, svc.configs, inspection_id, who.language)
    return render(request, "inspection.html", {"page": page, "row": page.row, "late": LATE}, who=who)


@once_more
def _record(svc: Services, actor: Actor, said: Mapping[str, str], now: datetime) -> Inspection:
    with svc.db.begin() as s:
        config = queries.site_of(svc.configs, equipment.get(s, said.get("equipment", "")[:26]))
        checklist = config.upkeep.checklist_by_id.get(said.get("checklist", ""))
        if checklist is None:
            raise Invalid("There is no such checklist any more", hint="Open the form again", field="checklist")
        zone = ZoneInfo(config.site.timezone)
        answers = _answers(checklist, said)
        notes = {one.id: said.get(f"note-{one.id}", "").strip()[:_LONGEST_NOTE] for one in checklist.items}
        _explained(checklist, answers, notes)
        started_at, at = _moment(said, "since", zone, now), _moment(said, "until", zone, now)
        if started_at > at:
            raise Invalid("It ended before it began", hint="Check both times", field="until")
        filled = inspections.Filled(
            client_id=_client_id(said),
            equipment_id=said["equipment"][:26],
            checklist=checklist.id,
            answers=answers,
            by=actor.username,
            started_at=started_at,
            at=at,
            task_id=said.get("task", "")[:26] or None,
            note=said.get("note", "").strip()[:2000],
            instrument=said.get("instrument", "").strip()[:120],
            opened_by="desk",
            emergency=said.get("emergency") == "true",
            item_notes=notes,
        )
        return inspections.record(s, config, filled, now)


def _answers(checklist: Checklist, said: Mapping[str, str]) -> dict[str, Any]:
    texts = ((item, said.get(f"answer-{item.id}", "").strip()) for item in checklist.items)
    return {item.id: _answer(item, text) for item, text in texts if text}


def _answer(item: ChecklistItem, text: str) -> Any:
    if item.kind == "pass_fail":
        return text == "true"
    if item.kind != "number":
        return text[: inspecting.LONGEST_TEXT]
    try:
        return float(text.replace(",", ".").replace("−", "-"))
    except ValueError as error:
        raise Invalid(f"{item.text}: {text[:40]!r} is no number", hint="Write digits", field=item.id) from error


def _explained(checklist: Checklist, answers: Mapping[str, Any], notes: Mapping[str, str]) -> None:
    """Whatever is not good needs a word: nobody took a picture of it."""
    for one in checklist.items:
        if inspecting.judge(one, answers.get(one.id)) == "finding" and not notes[one.id]:
            raise Invalid(f"{one.text}: say what is wrong", hint="Write a few words beside it", field=one.id)


def _moment(said: Mapping[str, str], name: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(said.get(name, "")).replace(tzinfo=zone)
    except ValueError as error:
        raise Invalid("The time cannot be read", hint="Use the field's own calendar", field=name) from error
    if not now - BACKDATED <= at <= now + timedelta(minutes=1):
        raise Invalid(f"{at.isoformat()} is not within the last {BACKDATED.days} days", hint="Check it", field=name)
    return min(at, now)


def _client_id(said: Mapping[str, str]) -> str:
    """The form's own id: sent twice it is one inspection."""
    found = said.get("client_id", "")
    return found if found.isalnum() and 8 <= len(found) <= 32 else new_id()

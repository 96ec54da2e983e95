"""Quarantine, messages and the caller himself over HTTP."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from services.device.tables import Quarantine
from services.notify.tables import Message
from services.people.roles import allowed_commands
from services.web import actions
from services.web.api import schemas
from services.web.api.common import api_router
from services.web.deps import Now, Signed, Svc, Who
from services.web.queries import alerts as alert_queries
from services.web.queries import system as queries

router = api_router("system")
EntryId = Annotated[str, Path(min_length=1, max_length=64)]
Before = Annotated[str, Query(max_length=64, description="Continue after this id")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/me", operation_id="get_me")
def me(actor: Signed, who: Who) -> schemas.MeOut:
    """Who is asking, and what he may do."""
    return schemas.MeOut(
        username=actor.username,
        display_name=actor.display_name,
        role=str(actor.role),
        areas=list(actor.areas),
        language=actor.language,
        commands=allowed_commands(actor),
        csrf_token=who.csrf_token,
    )


@router.get("/quarantine", operation_id="list_quarantine")
def list_quarantine(
    svc: Svc, actor: Signed, dismissed: bool = False, before: Before = "", limit: Limit = 100
) -> list[schemas.QuarantineOut]:
    """Messages that could not be events, newest first."""
    with svc.db.read() as s:
        return [_entry(one) for one in queries.quarantine(s, dismissed=dismissed, before=before, limit=limit)]


@router.get("/quarantine/{entry_id}/raw", operation_id="get_quarantine_raw", response_class=Response)
def raw(svc: Svc, actor: Signed, entry_id: EntryId) -> Response:
    """The raw bytes, as they came; never shown as anything but a download."""
    with svc.db.read() as s:
        entry = queries.quarantine_entry(s, entry_id)
    headers = {"Content-Disposition": f'attachment; filename="{entry.id}.bin"'}
    return Response(entry.payload, media_type="application/octet-stream", headers=headers)


@router.post("/quarantine/{entry_id}/dismiss", operation_id="dismiss_quarantine")
def dismiss(svc: Svc, actor: Signed, now: Now, entry_id: EntryId) -> schemas.QuarantineOut:
    """Take an entry off the list; it is kept."""
    actions.dismiss(svc, actor, entry_id, now)
    with svc.db.read() as s:
        return _entry(queries.quarantine_entry(s, entry_id))


@router.get("/messages", operation_id="list_messages")
def list_messages(
    svc: Svc, actor: Signed, before: Before = "", limit: Limit = 100, decision: Annotated[str, Query(max_length=8)] = ""
) -> list[schemas.MessageOut]:
    """Who was told what, newest first."""
    with svc.db.read() as s:
        return [_message(one) for one in queries.messages(s, before=before, decision=decision, limit=limit)]


@router.get("/alerts/{alert_id}/messages", operation_id="explain_messages", tags=["alerts"])
def explain(svc: Svc, actor: Signed, now: Now, alert_id: EntryId) -> list[schemas.MessageOut]:
    """Why was, or was not, X told about this alert."""
    with svc.db.read() as s:
        page = alert_queries.one(s, svc, alert_id, now, actor.language)
    return [_message(told.message) for told in page.told]


def _entry(entry: Quarantine) -> schemas.QuarantineOut:
    columns = {name: getattr(entry, name) for name in schemas.QuarantineOut.model_fields if name != "size"}
    return schemas.QuarantineOut(**columns, size=len(entry.payload))


def _message(message: Message) -> schemas.MessageOut:
    return schemas.MessageOut(**{name: getattr(message, name) for name in schemas.MessageOut.model_fields})

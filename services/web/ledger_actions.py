"""Commands of the ledger as the console and the API give them: permission first, then the verb in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.equipment import certificates, commands, documents, service
from services.equipment.certificates import NewCertificate
from services.equipment.documents import DocumentKind
from services.equipment.model import Status
from services.equipment.sheet import importing
from services.equipment.sheet.importing import ImportPlan
from services.equipment.sheet.reading import Table
from services.equipment.tables import Certificate, Equipment, EquipmentDocument
from services.flows import ledger_watch, plans
from services.kernel.collisions import once_more
from services.people.roles import Actor, require
from services.web.deps import Services
from services.web.queries.equipment import ledger_site

SCRAPPED: Status = "scrapped"


@once_more
def enter(
    svc: Services, actor: Actor, site: str, values: Mapping[str, Any], now: datetime, *, eid: str = ""
) -> Equipment:
    """Something new for the ledger."""
    require(actor, "equipment.edit")
    config = ledger_site(svc.configs, site)
    with svc.db.begin() as s:
        row = commands.enter(s, config, values, now, actor=actor.username, eid=eid)
        ledger_watch.look_soon(s, row.site, now)
        return row


def edit(
    svc: Services, actor: Actor, equipment_id: str, values: Mapping[str, Any], now: datetime, *, version: int | None
) -> Equipment:
    """Change what is known of an entry."""
    require(actor, "equipment.edit")
    with svc.db.begin() as s:
        config = svc.configs.site(service.get(s, equipment_id).site)
        row = commands.edit(s, config, equipment_id, values, now, actor=actor.username, version=version)
        ledger_watch.look_soon(s, row.site, now)
        return row


def set_status(
    svc: Services,
    actor: Actor,
    equipment_id: str,
    status: Status,
    reason: str,
    now: datetime,
    *,
    version: int | None,
    event_at: datetime | None = None,
) -> Equipment:
    """Change an entry's status; scrapping is for those above the engineer."""
    require(actor, "equipment.scrap" if status == SCRAPPED else "equipment.edit")
    with svc.db.begin() as s:
        row = service.lock(s, equipment_id, version)
        plans.look_soon(s, row.site, now)  # what is scrapped has no tasks
        commands.set_status(s, row, status, now, actor=actor.username, reason=reason, event_at=event_at)
        ledger_watch.settle_lifts(s, svc.configs.site(row.site), now)
        return row


def relabel(svc: Services, actor: Actor, equipment_id: str, now: datetime) -> Equipment:
    """Give an entry a new label."""
    require(actor, "equipment.edit")
    with svc.db.begin() as s:
        return commands.relabel(s, equipment_id, now, actor=actor.username)


def add_certificate(
    svc: Services, actor: Actor, site: str, equipment_id: str | None, new: NewCertificate, now: datetime
) -> Certificate:
    """Enter or renew a certificate; a lift that has one again is not flagged any more."""
    require(actor, "equipment.edit")
    with svc.db.begin() as s:
        row = service.lock(s, equipment_id) if equipment_id else None
        config = svc.configs.site(row.site) if row is not None else ledger_site(svc.configs, site)
        ledger_watch.look_soon(s, config.site.id, now)  # first: the worker holds its timer, then alerts
        found = certificates.add(s, config.site.id, row, new, now, actor=actor.username)
        ledger_watch.settle_lifts(s, config, now)
        return found


def end_certificate(svc: Services, actor: Actor, certificate_id: str, reason: str, now: datetime) -> Certificate:
    """Say that a certificate is not needed any more."""
    require(actor, "equipment.edit")
    with svc.db.begin() as s:
        found = certificates.end(s, certificate_id, now, actor=actor.username, reason=reason)
        ledger_watch.settle_lifts(s, svc.configs.site(found.site), now)
        return found


def add_document(
    svc: Services, actor: Actor, equipment_id: str, kind: DocumentKind, name: str, content: bytes, now: datetime
) -> EquipmentDocument:
    """Put a file into the archive of an entry."""
    require(actor, "equipment.edit")
    with svc.db.begin() as s:
        row = service.lock(s, equipment_id)
        return documents.add(s, row, kind, name, content, now, actor=actor.username)


def preview(svc: Services, actor: Actor, site: str, table: Table) -> ImportPlan:
    """What an import would do."""
    require(actor, "equipment.import")
    config = ledger_site(svc.configs, site)
    with svc.db.read() as s:
        return importing.plan(config, service.of_site(s, config.site.id), table)


def carry_out(svc: Services, actor: Actor, site: str, table: Table, now: datetime, *, partial: bool) -> ImportPlan:
    """Import the ledger."""
    require(actor, "equipment.import")
    config = ledger_site(svc.configs, site)
    with svc.db.begin() as s:
        done = importing.carry_out(s, config, table, now, actor=actor.username, partial=partial)
        ledger_watch.look_soon(s, config.site.id, now)
        return done

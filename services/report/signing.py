"""Who signs a report, in which order, and what a signature proves: 编制 → 审核 → 批准, then it is locked."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import Person, SiteConfig
from services.kernel import audit
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.people.roles import Actor, Role
from services.people.tables import User
from services.report import fire_variant, store
from services.report.model import SLOTS, ReportKind, Signer, Slot
from services.report.tables import ReportSignature, ReportSnapshot

ORDER: tuple[Slot, ...] = ("prepared", "reviewed", "approved")
"""Signed in the console, one after the other."""
ON_PAPER: tuple[Slot, ...] = ("quality", "client")
"""Signed on paper after that; who may enter the paper's number is a manager."""
ROLE_OF: Mapping[Slot, Role] = {"prepared": Role.ENGINEER, "reviewed": Role.SUPERVISOR, "approved": Role.MANAGER}
TITLES: Mapping[Slot, str] = {
    "prepared": "编制（设备责任人）",
    "reviewed": "审核（设备主管）",
    "approved": "批准（经理／项目经理）",
    "quality": "品质部复核",
    "client": "业委会／委托单位签收",
}
SLOT_WORDS: Mapping[Slot, tuple[str, str]] = {
    "prepared": ("编制", "prepare"),
    "reviewed": ("审核", "review"),
    "approved": ("批准", "approve"),
    "quality": ("品质部复核", "quality review"),
    "client": ("委托单位签收", "client's receipt"),
}


@dataclass(frozen=True, slots=True)
class Hands:
    """Who can sign at a site: usernames of active accounts by role."""

    by_role: Mapping[Role, tuple[str, ...]]

    @property
    def only_one(self) -> bool:
        """One account has to sign for all three."""
        return len({name for names in self.by_role.values() for name in names}) <= 1


def signers(config: SiteConfig, kind: ReportKind) -> tuple[Signer, ...]:
    """Whom a report asks: the named person of each level, nobody for what is signed on paper."""
    asked = {"prepared": _engineer(config, kind), "reviewed": _first(config, Role.SUPERVISOR)}
    asked["approved"] = _first(config, Role.MANAGER)
    return tuple(
        Signer(
            slot=slot,
            title=fire_variant.SIGNATURES.get(slot, TITLES[slot]) if kind == "fire" else TITLES[slot],
            username=one.username if (one := asked.get(slot)) is not None else "",
            name=one.name if one is not None else "",
        )
        for slot in SLOTS
    )


def _first(config: SiteConfig, role: Role) -> Person | None:
    found = [one for one in config.people if one.role == role.value]
    return min(found, key=lambda one: len(one.areas), default=None)  # who answers for the whole site before others


def _engineer(config: SiteConfig, kind: ReportKind) -> Person | None:
    """设备责任人: of the facilities whoever answers for most equipment, of fire whoever does for fire's."""
    counts: dict[str, int] = {}
    for one in config.equipment:
        if KINDS[one.kind].of.startswith("fire_") == (kind == "fire"):
            near = config.people_with("engineer", one.area)
            owner = config.person_by_username.get(one.owner or "") or (near[0] if near else None)
            if owner is not None and owner.role == Role.ENGINEER.value:
                counts[owner.username] = counts.get(owner.username, 0) + 1
    if counts:
        return config.person_by_username[max(sorted(counts), key=lambda name: counts[name])]
    return _first(config, Role.ENGINEER)


def hands(session: Session, config: SiteConfig) -> Hands:
    """Whose accounts are there and active."""
    names = [one.username for one in config.people if one.role in {role.value for role in ROLE_OF.values()}]
    active = set(session.scalars(select(User.username).where(User.username.in_(names), User.active)))
    return Hands(
        {
            role: tuple(one.username for one in config.people if one.role == role.value and one.username in active)
            for role in ROLE_OF.values()
        }
    )


def next_slot(signed: Iterable[str]) -> Slot | None:
    """Which signature of the three is missing first; None: all are there."""
    done = set(signed)
    return next((slot for slot in ORDER if slot not in done), None)


def check(slot: Slot, actor: Actor, signed: Mapping[Slot, str], known: Hands, *, local: bool) -> None:
    """Raise Conflict or Forbidden unless `actor` may make this signature now. Pure.

    `signed`: username by slot that is signed. `local`: the actor belongs to the site.
    """
    due = next_slot(signed)
    if slot in signed:
        raise Conflict(f"The report has its signature «{slot}» already", hint="Reload the page", slot=slot)
    if slot in ON_PAPER:
        if due is not None:
            raise Conflict(f"«{slot}» is signed after the approval", hint=f"First sign «{due}»", slot=slot, due=due)
        if actor.role not in (Role.MANAGER, Role.ADMIN) or not (local or actor.role == Role.ADMIN):
            raise Forbidden("A signature on paper is entered by a manager", hint="Ask a manager", slot=slot)
        return
    if slot != due:
        raise Conflict(f"«{due}» is signed before «{slot}»", hint=f"First sign «{due}»", slot=slot, due=due)
    role = ROLE_OF[slot]
    stands_in = known.only_one or (actor.role == Role.ADMIN and not known.by_role.get(role))
    if not (local or actor.role == Role.ADMIN) or (actor.role != role and not stands_in):
        asked = ", ".join(known.by_role.get(role, ())) or "admin"
        raise Forbidden(
            f"«{slot}» is signed by the role {role!s}, not by {actor.username}", hint=f"Ask one of: {asked}", slot=slot
        )
    if actor.username in signed.values() and not known.only_one:
        raise Forbidden(
            f"{actor.username} has signed this report already", hint="Another person signs the next line", slot=slot
        )


def can(slot: Slot, actor: Actor, signed: Mapping[Slot, str], known: Hands, *, local: bool) -> bool:
    """Whether `check` lets this signature pass. Pure."""
    try:
        check(slot, actor, signed, known, local=local)
    except (Conflict, Forbidden):
        return False
    return True


def signatures(session: Session, snapshot_id: str) -> dict[Slot, ReportSignature]:
    """What is signed, in the order of the lines."""
    rows = session.scalars(select(ReportSignature).where(ReportSignature.snapshot_id == snapshot_id))
    found = {row.slot: row for row in rows}
    return {slot: found[slot] for slot in SLOTS if slot in found}


def sign(
    session: Session,
    config: SiteConfig,
    name: str,
    slot: Slot,
    actor: Actor,
    now: datetime,
    *,
    seen: str,
    comment: str = "",
    paper: str = "",
    paper_name: str = "",
) -> ReportSnapshot:
    """Sign a version; `seen` is the hash of what the signer was shown. `paper`: number of the paper, for those lines.

    The caller has just confirmed the actor's password. Raises NotFound, Conflict, Forbidden, Invalid.
    """
    row = store.get(session, name)
    # Two people at the same moment: the second one waits here and then sees the first one's signature.
    session.execute(update(ReportSnapshot).where(ReportSnapshot.id == row.id).values(state=ReportSnapshot.state))
    session.refresh(row)
    if row.site != config.site.id:
        raise NotFound(f"There is no report {name!r} at {config.site.id}", report=name[:64])
    if row.state == "replaced":
        raise Conflict(f"Report {row.number} was replaced by a newer version", hint="Sign that one", report=row.number)
    if not hmac.compare_digest(store.digest(store.unpack(row.content)), row.sha256):
        raise Conflict(
            f"The content of report {row.number} was changed after it was made",
            hint=f"Run `gengfu report verify {row.number}`, then make a new version",
            report=row.number,
        )
    if not hmac.compare_digest(seen.encode(), row.sha256.encode()):
        raise Conflict(f"Report {row.number} is not the one that was shown", hint="Reload the page and read it again")
    done = {one: signature.username for one, signature in signatures(session, row.id).items()}
    local = actor.username in config.person_by_username
    check(slot, actor, done, hands(session, config), local=local)
    signed_by = actor.display_name
    if slot in ON_PAPER:
        if not paper.strip() or not paper_name.strip():
            raise Invalid("Give the number of the paper and who signed it", hint="Both are on the sheet", field="paper")
        signed_by = paper_name.strip()[:200]
        comment = f"{paper.strip()}{'；' + comment if comment else ''}"
    session.add(
        ReportSignature(
            snapshot_id=row.id, slot=slot, username=actor.username, name=signed_by, at=now,
            sha256=row.sha256, comment=comment[:400],
        )
    )  # fmt: skip
    if slot == ORDER[-1]:
        row.state, row.locked_at = "signed", now
    audit.record(
        session, now, actor.username, f"report.sign.{slot}", row.number, sha256=row.sha256, role=str(actor.role)
    )
    session.flush()
    return row


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a version found."""

    row: ReportSnapshot
    sha256: str
    """Of what is stored now."""
    signatures: tuple[ReportSignature, ...]
    problems: tuple[str, ...]


def verify(session: Session, name: str) -> Verified:
    """Recompute the hashes of content and evidence, and compare them with every signature; raises NotFound."""
    row = store.get(session, name)
    found: list[str] = []
    actual = _digest_of(row.content)
    signed = signatures(session, row.id)
    if not hmac.compare_digest(actual, row.sha256):
        found.append("content: its hash is not the one that was recorded")
    found += [
        f"signature {slot}: it is of other content ({one.sha256[:12]})"
        for slot, one in signed.items()
        if not hmac.compare_digest(one.sha256, actual)
    ]
    if row.state == "signed" and next_slot(signed) is not None:
        found.append(f"state: locked without the signature {next_slot(signed)}")
    if actual:
        found += _evidence_problem(session, row)
    return Verified(row, actual, tuple(signed.values()), tuple(found))


def _digest_of(content: bytes) -> str:
    try:
        return store.digest(store.unpack(content))
    except (OSError, EOFError, ValueError):
        return ""


def _evidence_problem(session: Session, row: ReportSnapshot) -> list[str]:
    """The records behind the figures are part of what is signed: their hash is in the content."""
    try:
        meta = store.read(row).meta
        actual = store.evidence_digest(store.all_evidence(session, row.id))
    except (OSError, EOFError, ValueError):
        return ["content or evidence: it cannot be read"]
    if not hmac.compare_digest(meta.evidence_sha256, actual):
        return ["evidence: its hash is not the one in the content"]
    return []

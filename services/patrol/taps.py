"""Taps as rows: heard once, made out as a place and a person, judged on what they prove and what is odd about them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.errors import ContractError
from gateway.contract.heard import Heard
from gateway.contract.tags import TagIndex
from gateway.contract.times import from_ms, parse_at
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, Question
from services.patrol.model import CLAIMED, Evidence
from services.patrol.rounds import REFUSED
from services.patrol.sun.claims import Proof
from services.patrol.suspicion.detectors import Kind
from services.patrol.tables import TapRow

VERIFIED, HARVESTED, UNSUPPORTED = "verified", "harvested", "unsupported_lrp"
AROUND_EACH_WAY = 100
"""Taps looked at before, and after, one."""
_DOUBTS = frozenset({Kind.UNHEARD_PHONE, Kind.KEPT_BACK, Kind.DELIVERED_BY_OTHER})

ProveUrl = Callable[[Session, str, str, str, str, int], Proof]
"""(session, url, client id, device, guard, at_ms) → what the signature in a tag's address proves."""


@dataclass(frozen=True, slots=True)
class TagBook:
    """Who and where a tag, a code or a badge stands for, at one site."""

    checkpoints: TagIndex
    badges: TagIndex
    codes: Mapping[str, str]
    known: frozenset[str]
    """Every checkpoint."""
    places: Mapping[str, str]
    """Readers that hang at a checkpoint: device → checkpoint."""
    carried: Mapping[str, str]
    """Readers that somebody carries: device → username."""
    phones: frozenset[str]
    """Devices that speak for phones: what they say of a person is what the person signed in as."""

    @classmethod
    def of(cls, config: SiteConfig) -> "TagBook":
        """The book of a site."""
        patrol = config.patrol
        return cls(
            TagIndex((one.id, tag.uid, tag.kind) for one in patrol.checkpoints for tag in one.tags),
            TagIndex((one.username, badge, "") for one in config.people for badge in one.badges),
            {one.code.upper(): one.id for one in patrol.checkpoints if one.code},
            frozenset(one.id for one in patrol.checkpoints),
            {one.id: one.place for one in patrol.readers if one.place},
            {one.id: one.guard for one in patrol.readers if one.guard},
            frozenset(one.id for one in config.devices if one.kind == "patrol_app"),
        )


def take(session: Session, config: SiteConfig, book: TagBook, event: Heard, prove: ProveUrl) -> TapRow | None:
    """Store a tap; None when this one was stored before, under whatever event id it came this time."""
    body: Mapping[str, Any] = event.body or {}
    client_id = str(body.get("client_id") or event.event_id)
    key = f"{event.site}/{event.device}/{client_id}"
    if session.get(TapRow, key) is not None:
        return None
    person = _person(config, book, event, body)
    proof = _prove(session, event, body, client_id, person, prove)
    checkpoint = _place(book, event, body, proof)
    account = config.person_by_username.get(person)
    received_at = _moment(body.get("received_at")) or from_ms(event.received_ms)
    row = TapRow(
        id=key,
        site=event.site,
        device=event.device,
        phone=str(body.get("phone") or ""),
        reader=str(body.get("reader") or "")[:64],
        checkpoint=checkpoint,
        tag=str(body.get("tag") or body.get("code") or (proof.uid if proof else "") or "")[:80],
        guard=person,
        delivered_by=str(body.get("delivered_by") or "")[:64],
        role=account.role if account else "",
        at=from_ms(event.at_ms),
        claimed_at=_moment(body.get("claimed_at")),
        received_at=received_at,
        clock=str(body.get("clock") or ""),
        uncertain_ms=int(body.get("uncertain_ms") or 0),
        clock_turned=bool(body.get("clock_turned")),
        evidence=_evidence(body, proof),
        doubts=_doubts(body),
        proof=proof.outcome if proof else "",
        marks=[],
        why={},
        verdict="extra",
        rounds=[],
        round_hint=str(body.get("round") or "").removeprefix(f"{event.site}/"),
        answers=dict(body.get("answers") or {}),
        findings=[],
        note=str(body.get("note") or ""),
        photos=[str(one) for one in body.get("photos") or ()],
        retries=int(body.get("retries") or 0),
    )
    point = config.patrol.checkpoint(checkpoint or "")
    if point is not None:
        row.findings = [one.id for one in failed(point, row.answers)]
    if _refused(row):
        row.verdict = REFUSED
    session.add(row)
    session.flush()
    return row


def _prove(
    session: Session, event: Heard, body: Mapping[str, Any], client_id: str, person: str, prove: ProveUrl
) -> Proof | None:
    url = body.get("url")
    if not url:
        return None
    # One physical phone is one witness, however many share the device that publishes for them.
    device = f"{event.site}/{body.get('phone') or event.device}"
    return prove(session, str(url), f"{event.site}/{event.device}/{client_id}", device, person, event.at_ms)


def _place(book: TagBook, event: Heard, body: Mapping[str, Any], proof: Proof | None) -> str | None:
    if event.device in book.places:
        return book.places[event.device]
    if body.get("tag"):
        return book.checkpoints.find(str(body["tag"]))
    if proof is not None:
        return proof.checkpoint
    if body.get("code"):
        code = str(body["code"]).strip().upper()
        # Whoever finds no code beside the tag types the number printed on it.
        return book.codes.get(code) or book.checkpoints.find(code)
    named = body.get("checkpoint")
    return str(named) if named in book.known else None


def _person(config: SiteConfig, book: TagBook, event: Heard, body: Mapping[str, Any]) -> str:
    if event.device in book.carried:
        return book.carried[event.device]
    guard = str(body.get("guard") or "")
    if Kind.DELIVERED_BY_OTHER in _doubts(body):
        return f"{CLAIMED}{guard}"[:80]
    if guard in config.person_by_username:
        return guard
    badge = str(body.get("badge") or "")
    if badge:
        return (book.badges.find(badge) or f"badge:{badge}")[:80]
    return f"device:{event.device}"[:80]


def _doubts(body: Mapping[str, Any]) -> list[str]:
    said = body.get("doubts")
    return sorted(_DOUBTS.intersection(map(str, said))) if isinstance(said, list) else []


def _evidence(body: Mapping[str, Any], proof: Proof | None) -> str:
    if proof is not None and proof.outcome in (VERIFIED, HARVESTED):
        return Evidence.SUN if proof.outcome == VERIFIED else Evidence.UID
    if body.get("tag") or body.get("badge"):
        return Evidence.UID
    return Evidence.QR if body.get("evidence") == "qr" else Evidence.MANUAL


def _refused(row: TapRow) -> bool:
    """A signature that fails and nothing else was read: it proves that nobody need have been there."""
    return bool(row.proof) and row.proof not in (VERIFIED, HARVESTED) and row.evidence == Evidence.MANUAL


def _moment(text: Any) -> datetime | None:
    try:
        return from_ms(parse_at(str(text))) if text else None
    except ContractError:
        return None


def failed(point: Checkpoint, answers: Mapping[str, Any]) -> list[Question]:
    """The questions of a checkpoint whose answer is a finding; what was not asked or not answered is none."""
    return [question for question in point.questions if not _good(question, answers.get(question.id))]


def _good(question: Question, answer: Any) -> bool:
    if answer is None:
        return True
    if question.kind == "yes_no":
        return question.expect is None or answer is question.expect
    if question.kind == "choice":
        return not question.good or answer in question.good
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    low = question.minimum is None or answer >= question.minimum
    return low and (question.maximum is None or answer <= question.maximum)


def around(session: Session, row: TapRow, reach: timedelta) -> tuple[list[TapRow], set[str]]:
    """Taps of the same person near a tap's time, in order; and the ids of those whose own neighbours are among them.

    Bounded: of a flood only the nearest are seen, and of those at its edge the neighbours are not.
    """
    query = select(TapRow).where(TapRow.site == row.site, TapRow.guard == row.guard)
    later = (TapRow.at > row.at) | ((TapRow.at == row.at) & (TapRow.id > row.id))
    back, on = (TapRow.at.desc(), TapRow.id.desc()), (TapRow.at, TapRow.id)
    upto = query.where(TapRow.at >= row.at - reach, TapRow.at <= row.at, ~later).order_by(*back)
    after = query.where(TapRow.at >= row.at, TapRow.at <= row.at + reach, later).order_by(*on)
    earlier = session.scalars(upto.limit(AROUND_EACH_WAY)).all()[::-1]
    following = session.scalars(after.limit(AROUND_EACH_WAY)).all()
    near = [*earlier, *following]
    first = AROUND_EACH_WAY // 2 if len(earlier) == AROUND_EACH_WAY else 0
    last = len(near) - (AROUND_EACH_WAY // 2 if len(following) == AROUND_EACH_WAY else 0)
    sure = {one.id for one in near[first:last] if abs(one.at - row.at) <= reach / 2}
    return near, sure


def visits(session: Session, site: str, checkpoints: Iterable[str], since: datetime, until: datetime) -> list[TapRow]:
    """The taps that prove presence at some checkpoints in [since, until], in order."""
    query = (
        select(TapRow)
        .where(
            TapRow.site == site,
            TapRow.checkpoint.in_(set(checkpoints)),
            TapRow.at >= since,
            TapRow.at <= until,
            TapRow.verdict != REFUSED,
        )
        .order_by(TapRow.at, TapRow.id)
    )
    return list(session.scalars(query))

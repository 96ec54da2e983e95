"""What a tag's one-time signature is worth: proven, used before, out of its time, or saved up for later."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from sqlalchemy.orm import Session

from gateway.contract.tags import canonical
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, Patrol
from services.patrol.sun import reads as sun_reads
from services.patrol.sun.keys import KeysUnreadable, load
from services.patrol.sun.reads import Read
from services.patrol.sun.signature import Keyring, SunRefused, Verified, parse, verify
from services.patrol.tables import SunClaim

_UID = re.compile(r"[0-9A-F]{14}")
log = logging.getLogger(__name__)

SLACK_MS = 120_000
"""Clocks of two phones may differ by so much when reads of one tag are put in order."""
VISIT_MS = 600_000
"""Reads by one device this close to the first of them are one visit, however many."""

WentElsewhere = Callable[[int, int], bool]
"""(since_ms, until_ms) → whether this device, or whoever carries it, read another checkpoint in between."""
Places = Mapping[str, tuple[Checkpoint, str]]
"""UID → where the tag is and which key set it is signed with."""


class Outcome(StrEnum):
    """What comes of a read that its tag did sign."""

    VERIFIED = "verified"
    HARVESTED = "harvested"
    """Its address was probably saved up: the device never left for another checkpoint since its last visit here."""
    STALE = "stale"
    """Its time contradicts its counter: the tag had been read again before that time, or not yet so often."""
    REPLAY = "replay"
    """Somebody else used this very read before."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an address proves. `outcome` is the text of an Outcome, or of the Reason why a signature is refused."""

    checkpoint: str | None
    """Where the tag is declared; None when nothing is proven about it."""
    uid: str
    """14 upper-case hex digits; empty when unknown."""
    counter: int
    """-1 when unknown."""
    outcome: str
    at_ms: int = 0
    """When it was read, as its first claim said."""

    @property
    def accepted(self) -> bool:
        """It proves presence beyond doubt."""
        return self.outcome == Outcome.VERIFIED


def check(
    session: Session,
    config: SiteConfig,
    secret: bytes,
    url: str,
    *,
    client_id: str,
    device: str,
    at_ms: int,
    guard: str = "",
    allow_factory: bool = False,
) -> Proof:
    """Verify and claim an address; nothing anybody sends raises.

    `client_id`: the tap's id as in TapRow.id, the same again gives the same answer. `device`: `{site}/{phone}`, or
    `{site}/{device}` where no phone is known. `at_ms`: the tap's corrected time. `guard`: who is known to carry it.
    """
    patrol, site = config.patrol, config.site.id
    places = _places(patrol)
    try:
        read = verified(session, config, secret, url, allow_factory=allow_factory)
    except SunRefused as refused:
        return Proof(None, refused.uid, -1, refused.reason.value)
    here = places[read.uid][0]
    outcome = claim(
        session,
        uid=read.uid,
        counter=read.counter,
        client_id=client_id,
        device=device,
        at_ms=at_ms,
        went_elsewhere=partial(_tapped_elsewhere, session, config, here, device.removeprefix(f"{site}/"), guard)
        if _leads_on(patrol, here.id)
        else lambda _since, _until: True,
        turning=_is_turning_point(patrol, here.id),
    )
    known = session.get(SunClaim, (read.uid, read.counter))
    return Proof(here.id, read.uid, read.counter, outcome.value, known.at_ms if known is not None else at_ms)


def verified(session: Session, config: SiteConfig, secret: bytes, url: str, *, allow_factory: bool = False) -> Verified:
    """The read that an address proves, without using it up; raises SunRefused."""
    message = parse(url)
    tags = {uid: keys for uid, (_, keys) in _places(config.patrol).items()}
    try:
        sets = load(session, secret, config.site.id)
    except KeysUnreadable as error:
        log.warning("%s. %s", error.message, error.hint)
        sets = {}
    wanted = {name: sets[name] for name in sorted(set(tags.values()) & sets.keys())}
    return verify(message, Keyring(wanted, tags), allow_factory=allow_factory)


def claim(
    session: Session,
    *,
    uid: str,
    counter: int,
    client_id: str,
    device: str,
    at_ms: int,
    went_elsewhere: WentElsewhere | None = None,
    turning: bool = False,
) -> Outcome:
    """Use a signed read once. The same client id again gets the same answer, except that later evidence may lift a
    suspicion of harvesting; anybody else gets `replay`. `turning`: rounds may end and begin here, so that one return
    without a tap elsewhere is natural.
    """
    last = sun_reads.take_turn(session, uid)
    away = went_elsewhere or partial(sun_reads.read_elsewhere, session, {uid}, device)
    saved_up = partial(_saved_up, session, uid, device, away, turning=turning, last=last)
    known = session.get(SunClaim, (uid, counter), populate_existing=True) if counter <= last else None
    if known is not None:
        if known.client_id != client_id:
            return Outcome.REPLAY
        if known.outcome == Outcome.HARVESTED and not saved_up(Read(counter, known.at_ms)):
            known.outcome = Outcome.VERIFIED
            session.flush()
        return Outcome(known.outcome)
    read = Read(counter, at_ms)
    if counter < last and not _fits(session, uid, read):
        outcome = Outcome.STALE
    else:
        outcome = Outcome.HARVESTED if saved_up(read) else Outcome.VERIFIED
    sun_reads.record(session, uid, read, client_id, device, outcome.value, last=last)
    return outcome


def forget(session: Session, uid: str) -> int:
    """Let a tag count from zero again, because it was given new keys; how many reads were on record.

    Never for a tag that keeps its keys: every address it ever gave would be good once more.
    """
    sun_reads.take_turn(session, uid)
    return sun_reads.drop(session, uid)


def _fits(session: Session, uid: str, read: Read) -> bool:
    """Whether a read that arrives after later ones happened between its neighbours, as its counter says."""
    before, after = sun_reads.neighbours(session, uid, read.counter)
    return (after is None or read.at_ms <= after + SLACK_MS) and (before is None or read.at_ms >= before - SLACK_MS)


def _saved_up(
    session: Session, uid: str, device: str, away: WentElsewhere, read: Read, *, turning: bool, last: int
) -> bool:
    """Whether the device returned here without having been anywhere else, before or, if it comes late, after."""
    earlier = _return_from(session, uid, device, away, read)
    if earlier is not None and turning:
        earlier = _return_from(session, uid, device, away, earlier)
    if earlier is not None:
        return True
    if turning or read.counter >= last:
        return False
    later = sun_reads.visit_after(session, uid, device, read, VISIT_MS)
    if later is None or away(read.at_ms, later.at_ms):
        return False
    return not sun_reads.somebody_else(session, uid, device, read.counter, later.counter)


def _return_from(session: Session, uid: str, device: str, away: WentElsewhere, read: Read) -> Read | None:
    """The device's last visit here, if nothing shows that it has been away since.

    Had somebody else read the tag in between, this read would be of a visit of its own.
    """
    earlier = sun_reads.visit_before(session, uid, device, read, VISIT_MS)
    if earlier is None or away(earlier.at_ms, read.at_ms):
        return None
    return None if sun_reads.somebody_else(session, uid, device, earlier.counter, read.counter) else earlier


def _tapped_elsewhere(
    session: Session, config: SiteConfig, here: Checkpoint, device: str, guard: str, since_ms: int, until_ms: int
) -> bool:
    """By what was claimed, or by what was judged: the two are seconds apart."""
    site, uids = config.site.id, {uid for tag in here.tags for uid in _uids(tag.uid)}
    return sun_reads.read_elsewhere(session, uids, f"{site}/{device}", since_ms, until_ms) or (
        sun_reads.tapped_elsewhere(session, site, here.id, device, guard, since_ms, until_ms)
    )


def _places(patrol: Patrol) -> Places:
    return {
        uid: (checkpoint, tag.keys)
        for checkpoint in patrol.checkpoints
        for tag in checkpoint.tags
        if tag.kind == "sun" and tag.keys
        for uid in _uids(tag.uid)
    }


def _uids(text: str) -> tuple[str, ...]:
    """What a declared tag may call itself: readers that print a UID backwards were used to declare some."""
    uid = canonical(text)
    return (uid, bytes.fromhex(uid)[::-1].hex().upper()) if _UID.fullmatch(uid) else ()


def _leads_on(patrol: Patrol, checkpoint: str) -> bool:
    """Whether somebody who walks his rounds reads other tags too; at a lone point nobody can be expected to."""
    around = [{stop.checkpoint for stop in route.stops} for route in patrol.routes]
    mine = [stops for stops in around if checkpoint in stops]
    return not mine or any(len(stops) > 1 for stops in mine)


def _is_turning_point(patrol: Patrol, checkpoint: str) -> bool:
    """Whether a round can end here and the next one begin here: then the same tag is read twice in a row."""
    ordered = [route.stops for route in patrol.routes if route.order == "ordered" and len(route.stops) > 1]
    ends = any(stops[-1].checkpoint == checkpoint for stops in ordered)
    return ends and any(stops[0].checkpoint == checkpoint for stops in ordered)

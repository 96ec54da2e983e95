"""What we know of a phone from its own contacts: since when, in whose hands, and up to when it has told all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy.orm import Session

from gateway.contract.clocks import Sent, Solved
from gateway.contract.times import from_ms, to_ms
from services.patrol.suspicion.detectors import Kind
from services.patrol.tables import Phone

TOLERANCE_MS = 120_000
"""A contact may be so long on its way while the phone is tapped."""
UNSURE_AT_MOST_MS = 600_000
"""A clock that is set at will must not excuse everything."""
HOLDERS = 20
"""So many people are remembered of a phone."""


@dataclass(frozen=True, slots=True)
class Handset:
    """A phone as its contacts before a delivery left it, and who delivers now."""

    holder: str
    """Who is signed in."""
    since_ms: int
    """Since when nobody else was."""
    first_heard_ms: int
    told_all_ms: int | None
    """When it last had nothing left to deliver; None: never."""
    before: frozenset[str]
    """Who was signed in on it earlier."""

    @classmethod
    def of(cls, row: Phone | None, holder: str, now: datetime) -> Self:
        """What is known when somebody delivers; None: the phone was never heard."""
        if row is None:
            return cls(holder, to_ms(now), to_ms(now), None, frozenset())
        since_ms = row.held_by.get(holder, (0, 0))[0] if row.username == holder else to_ms(now)
        told_all_ms = to_ms(row.told_all_at) if row.told_all_at else None
        first_at = row.first_heard_at or row.heard_at
        return cls(holder, since_ms, to_ms(first_at), told_all_ms, frozenset(row.held_by))

    def is_his(self, by: str, solved: Solved) -> bool:
        """Whether somebody can have done it on this phone: he delivers it, or had the phone before who does."""
        return by == self.holder or (by in self.before and not _after(solved, self.since_ms))

    def doubts(self, by: str, solved: Solved) -> list[Kind]:
        """What is odd about a tap before anybody looks at it."""
        earliest_ms = solved.at_ms + _leeway_ms(solved)
        odd = {
            Kind.DELIVERED_BY_OTHER: not self.is_his(by, solved),
            Kind.UNHEARD_PHONE: earliest_ms < self.first_heard_ms,
            Kind.KEPT_BACK: self.told_all_ms is not None and self.first_heard_ms <= earliest_ms < self.told_all_ms,
        }
        return [kind for kind, found in odd.items() if found]


def last_sent(row: Phone | None) -> Sent | None:
    """The clocks of the contact from which later taps are worked out."""
    return Sent(row.wall_ms, row.mono_ms, row.boot, row.received_ms) if row is not None and row.boot else None


def note(session: Session, key: str, username: str, sent: Sent, left: int, now: datetime) -> None:
    """Note a contact; `left`: what the phone still has to deliver after it."""
    row = session.get(Phone, key)
    if row is None:
        row = Phone(id=key, username="", heard_at=now, first_heard_at=now, held_by={})
        session.add(row)
    since_ms = row.held_by.get(username, (0, 0))[0] if row.username == username else to_ms(now)
    held_by = row.held_by | {username: [since_ms, to_ms(now)]}
    row.held_by = dict(sorted(held_by.items(), key=lambda one: one[1][1])[-HOLDERS:])
    row.username, row.heard_at, row.queued = username, now, left
    if not left:
        row.told_all_at = from_ms(sent.received_ms)
    if left and row.boot:
        return  # what is still to come was tapped after the pair we have, and is worked out from it
    row.boot, row.wall_ms, row.mono_ms = sent.boot, sent.wall_ms or 0, sent.mono_ms or 0
    row.received_ms = sent.received_ms


def _after(solved: Solved, moment_ms: int) -> bool:
    return solved.at_ms - _leeway_ms(solved) > moment_ms


def _leeway_ms(solved: Solved) -> int:
    return TOLERANCE_MS + min(solved.uncertain_ms, UNSURE_AT_MOST_MS)

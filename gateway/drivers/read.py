"""What every reader driver has in common. Bytes and times go in, reads and bytes come out; nothing here waits."""

from dataclasses import dataclass
from typing import Literal, Protocol

UNDECODABLE = "undecodable"
"""How the note of a read begins that could not be understood."""
MAX_UID_CHARACTERS = 80
MAX_NOTE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Read:
    """One tag or badge held before a reader. `at_ms` is on the clock of the caller of `feed`."""

    uid: str
    """As the reader prints it."""
    at_ms: int
    url: str = ""
    """The address that the tag itself gave; a SUN tag signs it anew each time."""
    retries: int = 0
    """Failed reads before this one."""
    badge: str = ""
    """Who held the reader, where the record says so."""
    claimed_ms: int | None = None
    """Epoch milliseconds by the reader's own clock, if it has one."""
    clock: Literal["", "offset", "claimed"] = ""
    """What `at_ms` rests on: "" the moment it was heard; the reader's clock and its known offset; nothing: claimed."""
    uncertain_ms: int = 0
    record: str = ""
    """The line of a memory that may be delivered again; empty for what is read live."""
    note: str = ""


class Driver(Protocol):
    """A protocol without I/O. `now_ms` never goes back; `feed(b"", now)` lets time pass."""

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take bytes as they come, in any portions; what is read by now."""
        ...

    def poll(self, now_ms: int) -> bytes:
        """What to send now; empty: nothing."""
        ...

    def close(self, now_ms: int) -> list[Read]:
        """The line ends here: what was still held back."""
        ...

    def is_well(self, now_ms: int) -> bool:
        """Whether the reader answers, as far as its protocol lets anybody know."""
        ...


class Presence:
    """Tells a tag that stays from one that comes back."""

    def __init__(self, left_after_ms: int) -> None:
        self._left_after_ms = left_after_ms
        self._tag = ""
        self._seen_ms = 0

    def is_new(self, tag: str, now_ms: int) -> bool:
        """Whether the tag has just come; call it each time the tag is seen."""
        stays = tag == self._tag and now_ms - self._seen_ms < self._left_after_ms
        self._tag, self._seen_ms = tag, now_ms
        return not stays


def undecodable(raw: str, why: str, now_ms: int, *, record: str = "") -> Read:
    """A read of something that nobody understands: it must be seen, not lost."""
    shown = "".join(character for character in raw if character.isprintable()).strip() or "?"
    note = f"{UNDECODABLE}: {why}: {shown}"[:MAX_NOTE_CHARACTERS]
    return Read(shown[:MAX_UID_CHARACTERS], now_ms, record=record, note=note)

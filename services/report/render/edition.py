"""What a file says besides its snapshot: language, signatures, whether names are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.report.model import Slot, Snapshot

Progress = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1, and what is next."""


def silent(share: float, words: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature given under the snapshot."""

    slot: Slot
    name: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """How a snapshot is printed; the same snapshot and edition give the same bytes."""

    language: str = "zh"
    names: bool = False
    """Personal data as it is; by default it is masked."""
    sha256: str = ""
    """Hash of the stored snapshot, for the cover; empty: not printed."""
    signatures: tuple[Signature, ...] = ()

    def signature(self, slot: str) -> Signature | None:
        """Who signed there."""
        return next((one for one in self.signatures if one.slot == slot), None)

    def signed(self, snapshot: Snapshot) -> bool:
        """Everybody who was asked to sign has."""
        asked = [one.slot for one in snapshot.signers if one.username]
        return bool(asked) and all(self.signature(slot) for slot in asked)


PLAIN = Edition()

"""Which numbers of a device's count were heard: tells new from repeated, and what is missing. Pure."""

from bisect import bisect_right
from dataclasses import dataclass, field

MAX_GAPS = 1000
"""Gaps remembered per boot; beyond that the oldest are taken as lost for good."""


@dataclass(slots=True)
class Gap:
    """Numbers that were passed over."""

    first: int
    last: int
    seen_ms: int
    """When the gap was noticed (receive time)."""
    reported: bool = False
    """Whether the loss was announced."""

    @property
    def count(self) -> int:
        """How many events it stands for."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Sequence:
    """The count of one boot of one device."""

    high: int
    gaps: list[Gap] = field(default_factory=list)

    def note(self, seq: int, now_ms: int) -> bool:
        """Hear a number; False when it was heard before."""
        if seq == self.high + 1:
            self.high = seq
            return True
        if seq > self.high:
            self.gaps.append(Gap(self.high + 1, seq - 1, now_ms))
            if len(self.gaps) > MAX_GAPS:
                del self.gaps[0]
            self.high = seq
            return True
        return self._fill(seq)

    def _fill(self, seq: int) -> bool:
        index = bisect_right(self.gaps, seq, key=lambda gap: gap.first) - 1
        if index < 0 or self.gaps[index].last < seq:
            return False
        gap = self.gaps[index]
        rest = [
            Gap(first, last, gap.seen_ms, gap.reported)
            for first, last in ((gap.first, seq - 1), (seq + 1, gap.last))
            if first <= last
        ]
        self.gaps[index : index + 1] = rest
        return True

    def settled(self, now_ms: int, settle_ms: int) -> list[Gap]:
        """Gaps that had their time to fill and were not announced yet."""
        return [gap for gap in self.gaps if not gap.reported and now_ms - gap.seen_ms >= settle_ms]


def start(seq: int, now_ms: int, *, known_device: bool) -> Sequence:
    """The count of a boot first heard at `seq`.

    A device that we knew before starts at 1, so what lies before is missing; of an unknown one we cannot tell.
    """
    sequence = Sequence(high=0 if known_device else seq - 1)
    sequence.note(seq, now_ms)
    return sequence

"""How one device deviates from the standard, or fills what the standard leaves open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from gateway.drivers.gb26875.labels import decode_label, encode_label


@dataclass(frozen=True, slots=True)
class Profile:
    """What decides how a device's bytes are read."""

    zone: tzinfo
    """Of its clock; the standard names none."""
    bcd_time: bool = False
    """It writes times in BCD."""
    point_first: bool = False
    """The low half of a component's address is the point, the high half the loop."""
    scales: Mapping[int, float] = field(default_factory=dict)
    """The smallest unit by analog type, where it is not that of table 6."""

    def label(self, moment: datetime) -> bytes:
        """The time label of an aware moment, as this device's clock shows it."""
        return encode_label(moment.astimezone(self.zone), self.bcd_time)

    def moment(self, label: bytes) -> datetime | None:
        """The moment in UTC of a time label; None: no such time."""
        return decode_label(label, self.zone, self.bcd_time)


STANDARD = Profile(UTC)
"""As the standard says; UTC because somewhere the clock must be."""

"""Channel-by-channel bytes of LoRaWAN sensors (channel, type, value) → names and numbers, by the profile. Pure."""

import base64
import struct
from collections.abc import Mapping
from typing import Any, Final

from gateway.decode.said import Refused, refuse, shown
from gateway.site.profile import Tlv, TlvType

_FORMATS: Final[Mapping[TlvType, str]] = {
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
}  # fmt: skip
BYTES: Final = "bytes"
"""The place of a refusal that concerns the bytes."""


class TlvReader:
    """Reads the bytes of one family, everything looked up once."""

    def __init__(self, tlv: Tlv) -> None:
        self._items = {
            bytes.fromhex(head): (struct.Struct("<" + "".join(_FORMATS[one] for one in item.parts.values())), item)
            for head, item in tlv.items.items()
        }

    def read(self, raw: Any) -> tuple[dict[str, Any], Refused | None]:
        """What base64 text holds, as a codec would say it, up to the first channel that the profile does not know."""
        try:
            data = base64.b64decode(raw, validate=True) if isinstance(raw, str) else None
        except ValueError:
            data = None
        if data is None:
            return {}, refuse(BYTES, "no_base64", f"{shown(raw)} is not base64")
        found: dict[str, Any] = {}
        at = 0
        while at < len(data):
            head = data[at : at + 2]
            known = self._items.get(head)
            if known is None:
                return found, refuse(
                    BYTES, "unknown_channel", f"Channel {head.hex()} at byte {at} is not in the profile"
                )
            form, item = known
            at += 2
            if at + form.size + item.skip > len(data):
                return found, refuse(BYTES, "cut_off", f"Channel {head.hex()} ends after {len(data) - at} bytes")
            parts = dict(zip(item.parts, form.unpack_from(data, at), strict=True))
            at += form.size + item.skip
            if item.each:
                found.setdefault(item.each, []).append(parts)
            else:
                found |= parts
        return found, None

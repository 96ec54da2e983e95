"""One-time signatures of NTAG 424 DNA tags (SUN, AES mode): from an address that a tag gave to a proven read. Pure."""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from gateway.contract.errors import GengfuError

BLOCK = 16
ZERO = bytes(BLOCK)
FACTORY_KEY = ZERO
UID_BYTES = 7
MAX_URL = 1024
MAX_FILE_DATA = 256
MAX_DIVERSIFICATION = 31
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_UID_AND_COUNTER = 0xC7
"""First byte of decrypted PICC data: UID of seven bytes and counter are both mirrored."""


class Reason(StrEnum):
    """Why a signature is refused."""

    MALFORMED = "malformed"
    UNSUPPORTED_LRP = "unsupported_lrp"
    UNKNOWN_TAG = "unknown_tag"
    NO_KEYS = "no_keys"
    """The tag is declared, its key set is not stored here or cannot be opened."""
    FACTORY_KEY = "factory_key"
    BAD_MAC = "bad_mac"


class SunRefused(GengfuError):
    """An address that proves nothing; `reason` says why, `uid` is what it claims to come from, where that is known."""

    def __init__(self, reason: Reason, message: str, *, uid: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.uid = uid


@dataclass(frozen=True, slots=True, repr=False)
class KeySet:
    """Keys of a batch of tags; never shown. `diversify`: `file` is a master key, each tag has its own of it."""

    meta: bytes
    """K_SDMMetaRead: opens the encrypted UID and counter; shared by the batch."""
    file: bytes
    """K_SDMFileRead: signs."""
    diversify: bool = False
    system: bytes = b""
    """What follows the UID in the diversification input (AN10922): application id and system identifier."""

    def __post_init__(self) -> None:
        if len(self.meta) != BLOCK or len(self.file) != BLOCK:
            raise ValueError("a key of a signed tag has 16 bytes")
        if len(self.system) > MAX_DIVERSIFICATION - UID_BYTES:
            raise ValueError(f"the system identifier has at most {MAX_DIVERSIFICATION - UID_BYTES} bytes")

    def __repr__(self) -> str:
        return f"KeySet(diversify={self.diversify})"

    @property
    def is_factory(self) -> bool:
        """Anybody knows these keys: tags leave the factory with them."""
        return FACTORY_KEY in (self.meta, self.file)

    def file_key(self, uid: bytes) -> bytes:
        """The signing key of one tag."""
        return diversified(self.file, uid + self.system) if self.diversify else self.file


@dataclass(frozen=True, slots=True)
class Keyring:
    """Which tag is signed with which key set. `tags`: UID as 14 upper-case hex digits → name in `sets`."""

    sets: Mapping[str, KeySet]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Names:
    """Parameters of the address, the first that is there counts."""

    picc: tuple[str, ...] = ("picc_data", "e")
    uid: tuple[str, ...] = ("uid",)
    counter: tuple[str, ...] = ("ctr",)
    data: tuple[str, ...] = ("enc",)
    mac: tuple[str, ...] = ("cmac", "c")


@dataclass(frozen=True, slots=True)
class Message:
    """What an address carries: either `picc`, or UID and counter in the clear."""

    mac: bytes
    picc: bytes = b""
    uid: bytes = b""
    counter: int = 0
    data: bytes = b""
    signed_texts: tuple[bytes, ...] = (b"",)
    """What the tag may have been set to sign, in this order: all of the encrypted file data first, nothing last."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A read that the tag itself signed."""

    uid: str
    """14 upper-case hex digits."""
    counter: int
    file_data: bytes | None = field(default=None, repr=False)
    """Decrypted; None without any, or when the signature does not cover it."""


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys:
    """Keys of one read."""

    enc: bytes
    mac: bytes


def parse(url: str, names: Names | None = None) -> Message:
    """The parts of a tag's address (a whole URL, or its query); raises SunRefused: malformed, unsupported_lrp."""
    names = names or Names()
    query = _query(url)
    fields = _fields(query)
    mac_name, mac = _one(fields, names.mac, exactly=8)
    data_name, data = _one(fields, names.data, optional=True)
    if len(data) % BLOCK or len(data) > MAX_FILE_DATA:
        raise _malformed(f"{data_name} has {len(data)} bytes")
    signed = _signed_texts(query, data_name, mac_name) if data else (b"",)
    picc_name, picc = _one(fields, names.picc, optional=True)
    if picc:
        if len(picc) == 24:
            raise SunRefused(
                Reason.UNSUPPORTED_LRP, "The tag is in LRP mode", hint="Personalise the tag in AES mode (docs/patrol)"
            )
        if len(picc) != BLOCK:
            raise _malformed(f"{picc_name} has {len(picc)} bytes")
        return Message(mac=mac, picc=picc, data=data, signed_texts=signed)
    _, uid = _one(fields, names.uid, exactly=UID_BYTES)
    _, counter = _one(fields, names.counter, exactly=3)
    # As text the counter is written with its most significant byte first, in every other place last.
    return Message(mac=mac, uid=uid, counter=int.from_bytes(counter, "big"), data=data, signed_texts=signed)


def verify(message: Message, keys: Keyring, *, allow_factory: bool = False) -> Verified:
    """The proven read; raises SunRefused. Whether a tag is known does not show in the time it takes."""
    found = _whose(message, keys)
    if found is None:
        _signed(FACTORY_KEY, bytes(UID_BYTES), 0, message)
        missing = set(keys.tags.values()) - keys.sets.keys()
        if message.picc and missing:
            raise SunRefused(Reason.NO_KEYS, f"Key sets are not stored here: {', '.join(sorted(missing))}")
        raise SunRefused(Reason.UNKNOWN_TAG, "No declared tag gave this address", uid=message.uid.hex().upper())
    uid, counter, name = found
    text = uid.hex().upper()
    key_set = keys.sets.get(name)
    if key_set is None:
        raise SunRefused(Reason.NO_KEYS, f"The key set {name} is not stored here", uid=text)
    if key_set.is_factory and not allow_factory:
        raise SunRefused(Reason.FACTORY_KEY, f"The key set {name} holds a factory key: anybody can sign", uid=text)
    session, covered = _signed(key_set.file_key(uid), uid, counter, message)
    if covered is None:
        raise SunRefused(Reason.BAD_MAC, f"The signature of tag {text} is wrong", uid=text)
    data = file_data(session.enc, counter, message.data) if message.data and covered else None
    return Verified(text, counter, data)


def opened(meta_key: bytes, picc: bytes) -> tuple[bytes, int] | None:
    """UID and counter of encrypted PICC data; None when this is not its key (or the UID is not mirrored)."""
    plain = _cbc(meta_key, ZERO, picc, encrypt=False)
    if plain[0] != _UID_AND_COUNTER:
        return None
    return plain[1 : 1 + UID_BYTES], int.from_bytes(plain[8:11], "little")


def session_keys(file_key: bytes, uid: bytes, counter: int) -> SessionKeys:
    """The keys that this tag used for this one read."""
    tail = b"\x00\x01\x00\x80" + uid + counter.to_bytes(3, "little")
    return SessionKeys(enc=cmac(file_key, _padded(b"\xc3\x3c" + tail)), mac=cmac(file_key, _padded(b"\x3c\xc3" + tail)))


def file_data(session_key: bytes, counter: int, data: bytes) -> bytes:
    """The decrypted part of the tag's file."""
    start = counter.to_bytes(3, "little") + bytes(BLOCK - 3)
    return _cbc(session_key, _ecb(session_key, start), data, encrypt=False)


def cmac(key: bytes, text: bytes) -> bytes:
    """AES-CMAC, 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(text)
    return mac.finalize()


def truncated(mac: bytes) -> bytes:
    """Every second byte: what a tag prints of its 16."""
    return mac[1::2]


def diversified(master: bytes, text: bytes) -> bytes:
    """AN10922, AES-128: a tag's own key from a master key and 1 to 31 bytes that name the tag.

    Its input is always filled up to two blocks, so a plain CMAC would differ for short inputs.
    """
    if not 1 <= len(text) <= MAX_DIVERSIFICATION:
        raise ValueError(f"a diversification input has 1 to {MAX_DIVERSIFICATION} bytes, not {len(text)}")
    first, second = _subkeys(master)
    block = b"\x01" + text
    whole = len(block) == 2 * BLOCK
    if not whole:
        block = (block + b"\x80").ljust(2 * BLOCK, b"\x00")
    last = bytes(a ^ b for a, b in zip(block[BLOCK:], first if whole else second, strict=True))
    return _cbc(master, ZERO, block[:BLOCK] + last, encrypt=True)[-BLOCK:]


def _whose(message: Message, keys: Keyring) -> tuple[bytes, int, str] | None:
    """UID, counter and key set; every key set is tried, because the UID is not known before one fits."""
    if not message.picc:
        name = keys.tags.get(message.uid.hex().upper())
        return (message.uid, message.counter, name) if name is not None else None
    found = None
    for name, key_set in keys.sets.items():
        read = opened(key_set.meta, message.picc)
        if read is not None and keys.tags.get(read[0].hex().upper()) == name:
            found = (*read, name)
    return found


def _signed(file_key: bytes, uid: bytes, counter: int, message: Message) -> tuple[SessionKeys, bytes | None]:
    """The read's keys and the text that its signature covers; None: it is wrong."""
    session = session_keys(file_key, uid, counter)
    covered = None
    for text in message.signed_texts:
        if hmac.compare_digest(truncated(cmac(session.mac, text)), message.mac) and covered is None:
            covered = text
    return session, covered


def _query(url: str) -> str:
    if len(url) > MAX_URL:
        raise _malformed(f"it has {len(url)} characters")
    try:
        return urlsplit(url.strip()).query if "?" in url else url.strip()
    except ValueError as error:
        raise _malformed("it is no address") from error


def _fields(query: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in fields:
            raise _malformed(f"{name} is there twice")
        fields[name] = value
    return fields


def _one(
    fields: Mapping[str, str], names: Iterable[str], *, exactly: int | None = None, optional: bool = False
) -> tuple[str, bytes]:
    """Name and bytes of the first of these parameters that is there."""
    name = next((name for name in names if name in fields), None)
    if name is None:
        if optional:
            return "", b""
        raise _malformed(f"it has no {' or '.join(names)}")
    if not _HEX.fullmatch(fields[name]):
        raise _malformed(f"{name} is not hexadecimal")
    value = bytes.fromhex(fields[name])
    if exactly is not None and len(value) != exactly:
        raise _malformed(f"{name} has {len(value)} bytes instead of {exactly}")
    return name, value


def _signed_texts(query: str, data_name: str, mac_name: str) -> tuple[bytes, ...]:
    """What may have been signed, as the tag wrote it: data up to the signature, data alone, nothing."""
    start = f"&{query}".index(f"&{data_name}=") + len(data_name) + 1
    end = f"&{query}".index(f"&{mac_name}=") + len(mac_name) + 1
    alone = query[start:].partition("&")[0]
    texts = (query[start:end], alone, "") if start < end else (alone, "")
    return tuple(text.encode("utf-8", "surrogatepass") for text in texts)


def _malformed(why: str) -> SunRefused:
    return SunRefused(Reason.MALFORMED, f"This is no address of a signed tag: {why}", hint="Read the tag again")


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % BLOCK)


def _subkeys(key: bytes) -> tuple[bytes, bytes]:
    first = _doubled(_ecb(key, ZERO))
    return first, _doubled(first)


def _doubled(block: bytes) -> bytes:
    """Twice the block in GF(2^128), as CMAC's subkeys are made."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number ^ 0x87) & ((1 << 128) - 1)
    return number.to_bytes(BLOCK, "big")


def _ecb(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - one block: the building brick of the other modes
    return encryptor.update(block) + encryptor.finalize()


def _cbc(key: bytes, start: bytes, text: bytes, *, encrypt: bool) -> bytes:
    cipher = Cipher(AES(key), CBC(start))
    step = cipher.encryptor() if encrypt else cipher.decryptor()
    return step.update(text) + step.finalize()

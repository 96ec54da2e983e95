"""Keys of signed tags, kept in the database encrypted with a secret that only this installation's disk holds."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Invalid, SettingsError
from services.kernel.settings import Settings
from services.patrol.sun.signature import BLOCK, KeySet
from services.patrol.tables import SunKey

SECRET_BYTES = 32
_NONCE_BYTES = 12
_PURPOSE = b"gengfu keys of signed tags"


class KeysUnreadable(SettingsError):
    """Stored keys were encrypted with another secret, or somebody changed them."""


def installation_secret(settings: Settings) -> bytes:
    """The secret of this installation; made at its first use. Raises SettingsError when the file is no secret."""
    path = settings.secret_key_path
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise SettingsError(
            f"{path} does not hold a secret: {len(secret)} bytes instead of {SECRET_BYTES}",
            hint="Restore the file from the backup, or remove it and store the tags' keys again",
        )
    return secret


def put(
    session: Session, secret: bytes, site: str, name: str, keys: KeySet, now: datetime, *, replace: bool = False
) -> None:
    """Store a key set; raises Invalid for factory keys and Conflict for a name that is taken, unless replaced."""
    if keys.is_factory:
        raise Invalid(
            "These are the keys every tag leaves the factory with: anybody could sign",
            hint="Give the tags keys of your own first (docs/patrol/sun.md)",
        )
    row = session.get(SunKey, (site, name))
    sealed = _seal(secret, site, name, keys)
    if row is None:
        session.add(SunKey(site=site, name=name, sealed=sealed, created_at=now))
    elif replace:
        row.sealed, row.created_at = sealed, now
    else:
        raise Conflict(f"The site {site} has a key set {name} already", hint="Choose another name, or --replace it")
    session.flush()


def load(session: Session, secret: bytes, site: str) -> Mapping[str, KeySet]:
    """The key sets of a site by name; raises KeysUnreadable when they were sealed with another secret."""
    rows = session.execute(select(SunKey.name, SunKey.sealed).where(SunKey.site == site))
    return {name: _open(secret, site, name, sealed) for name, sealed in rows}


def names(session: Session, site: str) -> list[tuple[str, datetime]]:
    """Names of a site's key sets, and since when they are stored."""
    rows = session.execute(select(SunKey.name, SunKey.created_at).where(SunKey.site == site).order_by(SunKey.name))
    return [(name, created_at) for name, created_at in rows]


def _make(path: Path) -> None:
    """Write a new secret so that no other process ever sees half of it, and whoever is first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret))


def _bound_to(site: str, name: str) -> bytes:
    return f"{site}/{name}".encode()


def _seal(secret: bytes, site: str, name: str, keys: KeySet) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = bytes([keys.diversify]) + keys.meta + keys.file + keys.system
    return nonce + _cipher(secret).encrypt(nonce, plain, _bound_to(site, name))


def _open(secret: bytes, site: str, name: str, sealed: bytes) -> KeySet:
    try:
        plain = _cipher(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(site, name))
    except InvalidTag:
        raise KeysUnreadable(
            f"The key set {name} of {site} cannot be opened with this installation's secret",
            hint="Restore the secret file (GENGFU_SECRET_KEY_FILE), or store the keys again: gengfu tag keys add",
        ) from None
    meta, file, system = plain[1 : 1 + BLOCK], plain[1 + BLOCK : 1 + 2 * BLOCK], plain[1 + 2 * BLOCK :]
    return KeySet(meta, file, diversify=bool(plain[0]), system=system)

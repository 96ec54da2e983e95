"""Passwords, tokens and keys of an installation: which there are, how they are made, and Mosquitto's form of them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

Rng = Callable[[int], bytes]
"""So many random bytes, e.g. `secrets.token_bytes`."""

MADE_ONCE: Final = (
    "postgres_password",
    "postgres_grafana_password",
    "influx_admin_password",
    "influx_admin_token",
    "grafana_admin_password",
    "grafana_secret_key",
    "mqtt_ingest",
    "mqtt_worker",
    "mqtt_web",
    "secret_key",
    "admin_password",
)
GIVEN_LATER: Final = ("influx_token", "influx_grafana_token")
"""InfluxDB chooses them: `gengfu influx setup` writes them into the empty files."""
NEVER_ROTATED: Final = {
    "secret_key": "What it encrypts, the keys of signed tags, would be lost",
    "influx_admin_token": "InfluxDB has taken it over at its first start: make another one there",
    "grafana_secret_key": "Grafana could no longer read what it has encrypted with it",
}
"""With the reason."""

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what reads alike: an installer types them."""
_LONG: Final = 44
"""218 bits, and shorter than the 72 letters that InfluxDB takes."""
_ITERATIONS: Final = 101
"""Mosquitto's own number. The passwords are random: nobody finds 118 bits by trying."""
_SALT_BYTES: Final = 12


def make(name: str, rng: Rng = secrets.token_bytes) -> bytes:
    """The content of a secret's file."""
    if name == "secret_key":
        return rng(32)
    if name.startswith("mqtt_"):
        return password(rng).encode()
    if name == "admin_password":
        return "-".join(password(rng, 4) for _ in range(4)).encode()
    return password(rng, _LONG).encode()


def place(name: str) -> str:
    """Where it lies: `gengfu influx setup` gets the directory of InfluxDB's own, and so no other secret."""
    return f"secrets/influx/{name}" if name.startswith("influx_") else f"secrets/{name}"


def password(rng: Rng = secrets.token_bytes, length: int = 24) -> str:
    """Random letters and digits, 4.95 bits each, that survive a terminal, a CSV file and a telephone."""
    letters: list[str] = []
    limit = 256 - 256 % len(_LETTERS)
    while len(letters) < length:
        letters += [_LETTERS[byte % len(_LETTERS)] for byte in rng(length) if byte < limit]
    return "".join(letters[:length])


def passwd_line(user: str, word: str, rng: Rng = secrets.token_bytes) -> str:
    """A line of Mosquitto's password file: PBKDF2 with SHA-512."""
    salt = rng(_SALT_BYTES)
    return f"{user}:$7${_ITERATIONS}${_base64(salt)}${_base64(_hashed(word, salt, _ITERATIONS))}"


def is_line_of(line: str, user: str, word: str) -> bool:
    """Whether a line of the password file is for this user and this password."""
    name, _, rest = line.partition(":")
    parts = rest.split("$")
    if name != user or len(parts) != 5 or parts[1] != "7":
        return False
    try:
        salt, wanted = base64.b64decode(parts[3]), base64.b64decode(parts[4])
        return hmac.compare_digest(_hashed(word, salt, int(parts[2])), wanted)
    except ValueError:
        return False


def _hashed(word: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", word.encode(), salt, iterations)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

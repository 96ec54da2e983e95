"""NTAG 424 DNA tags as they behave: every read gives another address."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from services.patrol.sun.signature import KeySet, cmac, session_keys, truncated

KEYS = KeySet(meta=b"meta key of test", file=b"file key of test", diversify=True, system=b"\x30\x42\xf5gengfu")


@dataclass
class SunTag:
    """One tag, personalised with a key set."""

    uid: str
    keys: KeySet = KEYS
    counter: int = 0

    def read(self) -> str:
        """Hold a phone to it: the address that the phone opens."""
        self.counter += 1
        uid, count = bytes.fromhex(self.uid), self.counter.to_bytes(3, "little")
        plain = b"\xc7" + uid + count + bytes(5)
        picc = Cipher(AES(self.keys.meta), CBC(bytes(16))).encryptor().update(plain)
        mac = truncated(cmac(session_keys(self.keys.file_key(uid), uid, self.counter).mac, b""))
        return f"https://gengfu.test/t?e={picc.hex().upper()}&c={mac.hex().upper()}"

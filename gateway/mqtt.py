"""What publisher and subscriber share: the broker's address and a paho client set up for it."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

KEEPALIVE_S = 60
_ISSUER_UNKNOWN = (18, 19, 20, 21)
_REFUSED = {
    9: "the broker's certificate is not valid yet: compare the clocks",
    10: "the broker's certificate has expired: renew it",
    **dict.fromkeys(_ISSUER_UNKNOWN, "the broker's certificate is not from the authority {ca}"),
    62: "the broker's certificate is not for the name {host}: connect by one of its names, or make one with this name",
    64: "the broker's certificate is not for the address {host}: connect by one of its names, or make one with it",
}
"""By OpenSSL's verification codes."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker listens and how to sign in; the password never shows in a repr."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    """CA certificate; set: the connection uses TLS and verifies the broker's name."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def prepare(client: paho.Client, broker: BrokerAddress) -> None:
    """Give a client its credentials and TLS."""
    if broker.username:
        client.username_pw_set(broker.username, broker.password or None)
    if broker.ca is not None:
        client.tls_set(ca_certs=str(broker.ca))


def failure(error: Exception, broker: BrokerAddress) -> str:
    """Why a connection failed, in words that say what to do where it is a matter of certificates."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = _REFUSED.get(error.verify_code, error.verify_message)
        return "certificate verify failed: " + said.format(ca=broker.ca, host=broker.host)
    if isinstance(error, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return "this port does not speak TLS: use the broker's TLS port, or unset GENGFU_BROKER_CA"
    if broker.ca is not None and isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "the broker ended the TLS handshake: does this port speak TLS?"
    return str(error)


def client_options(client_id: str, *, clean_session: bool) -> dict[str, Any]:
    """Keyword arguments for a paho client: MQTT 3.1.1 because its v5 mode costs half as much CPU again (measured)."""
    return {
        "callback_api_version": CallbackAPIVersion.VERSION2,
        "client_id": client_id,
        "clean_session": clean_session,
        "protocol": paho.MQTTv311,
    }

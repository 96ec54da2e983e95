"""The server certificate: from an authority of our own, for the names of this installation, or the company's own."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.kernel.errors import SettingsError

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=825)
"""Apple's programs refuse certificates that are valid for longer."""
RENEW_BEFORE: Final = timedelta(days=60)
_BACKDATED: Final = timedelta(hours=1)
"""Devices' clocks are late."""
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


class Pair(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def make_authority(now: datetime, serial: int) -> Pair:
    """A new certificate authority; `serial` tells it from an earlier one in its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Gengfu"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Gengfu installation {serial:08x}"),
        ]
    )
    certificate = (
        _begun(name, name, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def make_server(authority: Pair, hosts: Sequence[str], now: datetime) -> Pair:
    """A server certificate for these names and addresses; raises SettingsError for one that cannot be a name."""
    issuer = _certificate(authority.certificate, "the authority's certificate")
    issuer_key = _key(authority.key, "the authority's key")
    names = [_general_name(host) for host in hosts]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    life = min(SERVER_LIFE, issuer.not_valid_after_utc - now)
    certificate = (
        _begun(subject, issuer.subject, key.public_key(), now, life)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def hosts_of(certificate: bytes) -> tuple[str, ...]:
    """The names and addresses a certificate is for; raises SettingsError when it is none."""
    try:
        names = _certificate(certificate, "the server certificate").extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return ()
    return (
        *names.value.get_values_for_type(x509.DNSName),
        *(str(one) for one in names.value.get_values_for_type(x509.IPAddress)),
    )


def is_for(certificate: bytes, host: str) -> bool:
    """Whether a certificate is for this name, also by a wildcard."""
    names = {name.lower() for name in hosts_of(certificate)}
    return host.lower() in names or f"*.{host.lower().partition('.')[2]}" in names


def valid_until(certificate: bytes) -> datetime:
    """When a certificate expires."""
    return _certificate(certificate, "the certificate").not_valid_after_utc


def needs_renewal(certificate: bytes, now: datetime) -> bool:
    """Whether it expires soon."""
    return valid_until(certificate) - now < RENEW_BEFORE


def check_own(pair: Pair, ca: bytes, hosts: Sequence[str], now: datetime) -> None:
    """The company's certificate: key, issuer, time and names fit; raises SettingsError with what does not."""
    certificate = _certificate(pair.certificate, "--cert")
    if _key(pair.key, "--key").public_key() != certificate.public_key():
        raise SettingsError("--key is not the private key of --cert", hint="Give the two that belong together")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise SettingsError(
            f"--cert is valid from {certificate.not_valid_before_utc:%Y-%m-%d} "
            f"until {certificate.not_valid_after_utc:%Y-%m-%d} only",
            hint="Ask your authority for a current one",
        )
    missing = [host for host in hosts if not is_for(pair.certificate, host)]
    if missing:
        raise SettingsError(
            f"--cert is not for {', '.join(missing)}, but for {', '.join(hosts_of(pair.certificate)) or 'no name'}",
            hint="Give --host with names that are in it, or ask for one with all of them",
        )
    if not _is_trusted(pair.certificate, ca):
        raise SettingsError(
            "--cert does not lead to an authority in --ca",
            hint="--cert holds the server's certificate and any intermediates after it, --ca the root",
        )


def _is_trusted(chain: bytes, ca: bytes) -> bool:
    """Whether each certificate is signed by the next, and the last one by (or is) one of the authorities."""
    certificates = x509.load_pem_x509_certificates(chain)
    if not all(_signed_by(below, above) for below, above in pairwise(certificates)):
        return False
    return any(certificates[-1] == root or _signed_by(certificates[-1], root) for root in _authorities(ca))


def _authorities(ca: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(ca)
    except ValueError as error:
        raise SettingsError(f"--ca is no certificate in PEM form: {error}") from error


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _begun(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if len(host) > 253 or not _HOST.fullmatch(host):
            raise SettingsError(
                f"{host!r} is neither a host name nor an IP address", hint="E.g. --host gengfu.example --host 10.0.8.5"
            ) from None
        return x509.DNSName(host)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _certificate(pem: bytes, what: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise SettingsError(f"{what} is no certificate in PEM form: {error}") from error


def _key(pem: bytes, what: str) -> ec.EllipticCurvePrivateKey:
    try:
        return serialization.load_pem_private_key(pem, None)  # type: ignore[return-value]
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{what} is no private key in PEM form without a password: {error}") from error

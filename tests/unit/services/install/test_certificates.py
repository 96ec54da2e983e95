"""The server certificate: verified as a client does it, renewed in time, and the company's own checked before use."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.install.certificates import (
    AUTHORITY_LIFE,
    RENEW_BEFORE,
    SERVER_LIFE,
    Pair,
    check_own,
    hosts_of,
    is_for,
    make_authority,
    make_server,
    needs_renewal,
    valid_until,
)
from services.kernel.errors import SettingsError

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOSTS = ("gengfu.example", "10.0.8.5", "fd00::5")
AUTHORITY = make_authority(NOW, 7)
SERVER = make_server(AUTHORITY, HOSTS, NOW)


def shake_hands(directory: Path, server: Pair, ca: bytes, name: str) -> str:
    """Connect as a strict client does; empty, or why it refused."""
    (directory / "both.pem").write_bytes(server.certificate + server.key)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(directory / "both.pem")
    ours = ssl.create_default_context(cadata=ca.decode())
    ours.verify_flags |= ssl.VERIFY_X509_STRICT
    one, other = socket.socketpair()

    def serve() -> None:
        try:
            theirs.wrap_socket(other, server_side=True).close()
        except OSError:
            other.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ours.wrap_socket(one, server_hostname=name).close()
        return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        one.close()
        thread.join()


def real_pairs() -> tuple[Pair, Pair]:
    """Authority and server that are valid at this moment: OpenSSL looks at its own clock."""
    now = datetime.now(UTC)
    authority = make_authority(now, 1)
    return authority, make_server(authority, HOSTS, now)


@pytest.mark.parametrize("name", HOSTS)
def test_a_strict_client_takes_it_for_each_of_its_names(tmp_path: Path, name: str) -> None:
    authority, server = real_pairs()
    assert shake_hands(tmp_path, server, authority.certificate, name) == ""


def test_a_strict_client_refuses_other_names_and_other_authorities(tmp_path: Path) -> None:
    authority, server = real_pairs()
    assert "mismatch" in shake_hands(tmp_path, server, authority.certificate, "other.example").lower()
    assert shake_hands(tmp_path, server, make_authority(NOW, 2).certificate, "gengfu.example")


def test_it_lives_825_days_and_never_longer_than_its_authority() -> None:
    assert valid_until(SERVER.certificate) - NOW == SERVER_LIFE == timedelta(days=825)
    assert valid_until(AUTHORITY.certificate) - NOW == AUTHORITY_LIFE
    late = valid_until(AUTHORITY.certificate) - timedelta(days=100)
    assert valid_until(make_server(AUTHORITY, HOSTS, late).certificate) == valid_until(AUTHORITY.certificate)


def test_it_is_renewed_sixty_days_ahead() -> None:
    end = valid_until(SERVER.certificate)
    assert not needs_renewal(SERVER.certificate, end - RENEW_BEFORE)
    assert needs_renewal(SERVER.certificate, end - RENEW_BEFORE + timedelta(seconds=1))


def test_names_come_back_as_given() -> None:
    assert set(hosts_of(SERVER.certificate)) == set(HOSTS)
    wild = make_server(AUTHORITY, ["a.example"], NOW)
    assert is_for(wild.certificate, "A.Example")
    assert not is_for(wild.certificate, "b.a.example")


@pytest.mark.parametrize("host", ["", "a b", "-a", "a..b", "x" * 64, "http://a", "a/b", "项目"])
def test_what_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="neither a host name nor an IP address"):
        make_server(AUTHORITY, [host], NOW)


def test_the_companys_own_is_taken_when_everything_fits() -> None:
    check_own(SERVER, AUTHORITY.certificate, HOSTS, NOW)
    check_own(SERVER, make_authority(NOW, 2).certificate + AUTHORITY.certificate, (), NOW)


OTHER = make_server(AUTHORITY, ["gengfu.example"], NOW)


@pytest.mark.parametrize(
    ("pair", "ca", "hosts", "now", "said"),
    [
        (Pair(SERVER.certificate, OTHER.key), AUTHORITY.certificate, HOSTS, NOW, "--key is not the private key"),
        (SERVER, AUTHORITY.certificate, HOSTS, NOW + timedelta(days=900), "valid from 2026-11-22 until 2029-02-24"),
        (SERVER, AUTHORITY.certificate, ("else.example",), NOW, "not for else.example, but for gengfu.example"),
        (SERVER, make_authority(NOW, 2).certificate, HOSTS, NOW, "does not lead to an authority in --ca"),
        (SERVER, b"no PEM", HOSTS, NOW, "--ca is no certificate"),
        (Pair(b"no PEM", SERVER.key), AUTHORITY.certificate, HOSTS, NOW, "--cert is no certificate"),
        (Pair(SERVER.certificate, b"no PEM"), AUTHORITY.certificate, HOSTS, NOW, "--key is no private key"),
    ],
)
def test_the_companys_own_is_refused_with_what_does_not_fit(
    pair: Pair, ca: bytes, hosts: tuple[str, ...], now: datetime, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        check_own(pair, ca, hosts, now)

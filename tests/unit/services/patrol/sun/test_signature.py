"""Published vectors of NTAG 424 DNA, and what must be refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.patrol.sun.signature import (
    FACTORY_KEY,
    Keyring,
    KeySet,
    Names,
    Reason,
    SunRefused,
    Verified,
    cmac,
    diversified,
    file_data,
    opened,
    parse,
    session_keys,
    truncated,
    verify,
)

V1 = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
V2_DATA = "CEE9A53E3E463EF1F459635736738962"
V2 = f"https://a.test/t?picc_data=FD91EC264309878BE6345CBE53BADF40&enc={V2_DATA}&cmac=ECC1E7F6C6C73BF6"
V3_DATA = "B8436E11F627BB7F543FCC0C1E0D1A89"
V3 = f"https://a.test/t?picc_data=8ACADDEF0A9B62CDAE39A16B83FC14DE&enc={V3_DATA}&cmac=238B2543A8DEBAD8"
V4 = "https://a.test/t?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3"
LRP = (
    "https://a.test/t?picc_data=07D9CA2545881D4BFDD920BE1603268C0714420DD893A497"
    "&enc=D6E921C47DB4C17C56F979F81559BB83&cmac=F9481AC7D855BDB6"
)
FACTORY = KeySet(meta=FACTORY_KEY, file=FACTORY_KEY)
V3_KEYS = KeySet(
    meta=bytes.fromhex("42aff114f2cb3b6141be6dc95dfc5416"), file=bytes.fromhex("b62a9baf092439bd43c62aee96b970c5")
)
RING = Keyring(
    {"zero": FACTORY, "own": V3_KEYS},
    {"04DE5F1EACC040": "zero", "04958CAA5C5E80": "zero", "041E3C8A2D6B80": "zero", "041D3C8A2D6B80": "own"},
)


def check(url: str, ring: Keyring = RING) -> Verified:
    return verify(parse(url), ring, allow_factory=True)


def refusal(url: str, ring: Keyring = RING, *, allow_factory: bool = True) -> Reason:
    with pytest.raises(SunRefused) as refused:
        verify(parse(url), ring, allow_factory=allow_factory)
    return refused.value.reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (V1, Verified("04DE5F1EACC040", 61, None)),
        (V2, Verified("04958CAA5C5E80", 8, b"x" * 16)),
        (V3, Verified("041D3C8A2D6B80", 291, bytes.fromhex("4E545858716E6F5F6F42467077792D56"))),
        (V4, Verified("041E3C8A2D6B80", 6, None)),
    ],
    ids=["V1", "V2", "V3", "V4"],
)
def test_published_addresses_verify(url: str, expected: Verified) -> None:
    assert check(url) == expected
    assert check(url.partition("?")[2]) == expected


def test_v1_step_by_step() -> None:
    uid, counter = bytes.fromhex("04DE5F1EACC040"), 61
    assert opened(FACTORY_KEY, bytes.fromhex("EF963FF7828658A599F3041510671E88")) == (uid, counter)
    keys = session_keys(FACTORY_KEY, uid, counter)
    assert keys.mac.hex().upper() == "3FB5F6E3A807A03D5E3570ACE393776F"
    assert cmac(keys.mac, b"").hex().upper() == "E194C7EE12D9F7EE8A65C8331B704386"
    assert truncated(cmac(keys.mac, b"")).hex().upper() == "94EED9EE65337086"


def test_v2_step_by_step() -> None:
    keys = session_keys(FACTORY_KEY, bytes.fromhex("04958CAA5C5E80"), 8)
    assert keys.mac.hex().upper() == "3ED0920E5E6A0320D823D5987FEAFBB1"
    assert keys.enc.hex().upper() == "42132D669442AD43E072C8C0C9828A72"
    full = cmac(keys.mac, f"{V2_DATA}&cmac=".encode())
    assert full.hex().upper() == "81EC45C175E72FF6FAC61BC7AB3BAEF6"
    assert file_data(keys.enc, 8, bytes.fromhex(V2_DATA)) == b"x" * 16


def test_v5_session_keys() -> None:
    keys = session_keys(bytes.fromhex("5ACE7E50AB65D5D51FD5BF5A16B8205B"), bytes.fromhex("04C767F2066180"), 1)
    assert keys.enc.hex().upper() == "66DA61797E23DECA5D8ECA13BBADF7A9"
    assert keys.mac.hex().upper() == "3A3E8110E05311F7A3FCF0D969BF2B48"


MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")


def test_v6_diversification() -> None:
    text = bytes.fromhex("04782E21801D803042F54E585020416275")
    assert diversified(MASTER, text).hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


@given(st.binary(min_size=16, max_size=31))
def test_a_long_diversification_input_is_a_plain_cmac(text: bytes) -> None:
    assert diversified(MASTER, text) == cmac(MASTER, b"\x01" + text)


@given(st.binary(min_size=1, max_size=14))
def test_a_short_diversification_input_is_not(text: bytes) -> None:
    assert diversified(MASTER, text) != cmac(MASTER, b"\x01" + text)


@pytest.mark.parametrize("length", [0, 32])
def test_a_diversification_input_has_bounds(length: int) -> None:
    with pytest.raises(ValueError, match="1 to 31"):
        diversified(MASTER, bytes(length))


def signed(uid: str, counter: int, file_key: bytes) -> str:
    mac = truncated(cmac(session_keys(file_key, bytes.fromhex(uid), counter).mac, b"")).hex().upper()
    return f"https://a.test/t?uid={uid}&ctr={counter:06X}&cmac={mac}"


def test_v7_the_next_tap() -> None:
    assert signed("04DE5F1EACC040", 62, FACTORY_KEY).endswith("cmac=3FF600FB7F6909DC")


def test_every_tag_of_a_diversified_set_has_a_key_of_its_own() -> None:
    system = bytes.fromhex("3042F54E585020416275")
    ring = Keyring({"d": KeySet(V3_KEYS.meta, MASTER, diversify=True, system=system)}, {"04782E21801D80": "d"})
    own = bytes.fromhex("A8DD63A3B89D54B37CA802473FDA9175")
    assert check(signed("04782E21801D80", 5, own), ring) == Verified("04782E21801D80", 5, None)
    assert refusal(signed("04782E21801D80", 5, MASTER), ring) == Reason.BAD_MAC


@pytest.mark.parametrize(
    "url",
    [
        V1.replace("94EED9EE65337086", "94EED9EE65337087"),
        V2.replace("ECC1E7F6C6C73BF6", "3CC1E7F6C6C33B33"),
        V4.replace("4B00064004B0B3D3", "AB00064004B0B3AB"),
        V4.replace("000006", "000007"),
        V4.replace("000006", "060000"),
        V2.replace(V2_DATA, V2_DATA.replace("CEE9", "CEE8")),
    ],
)
def test_a_changed_address_is_refused(url: str) -> None:
    assert refusal(url) == Reason.BAD_MAC


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://a.test/t",
        "https://[/t?e=00",
        V1.replace("e=", "x="),
        V1.replace("&c=", "&d="),
        V1.replace("EF96", "EF9"),
        V1.replace("EF96", "ZZ96"),
        V1.replace("EF96", "ＥＦ96"),
        V1 + "&c=94EED9EE65337086",
        V1.replace("94EED9EE65337086", "94EED9EE653370"),
        V2.replace(V2_DATA, V2_DATA[2:]),
        V4.replace("041E3C8A2D6B80", "041E3C8A"),
        V1 + "&x=" + "0" * 1024,
    ],
)
def test_what_no_tag_gives_is_malformed(url: str) -> None:
    assert refusal(url) == Reason.MALFORMED


@given(st.text(max_size=200) | st.from_regex(re.compile(r"(e|c|enc|cmac|uid|ctr|=|&|\?|[0-9A-F])*", re.ASCII)))
def test_nothing_else_than_a_refusal_is_raised(url: str) -> None:
    with pytest.raises(SunRefused):
        check(url)


def test_lrp_is_answered_as_unsupported() -> None:
    assert refusal(LRP) == Reason.UNSUPPORTED_LRP


def test_an_undeclared_tag_is_unknown() -> None:
    assert refusal(V4, Keyring({"zero": FACTORY}, {})) == Reason.UNKNOWN_TAG
    assert refusal(V1, Keyring({"own": V3_KEYS}, {"04DE5F1EACC040": "own"})) == Reason.UNKNOWN_TAG


def test_a_tag_is_accepted_only_with_its_own_key_set() -> None:
    assert refusal(V1, Keyring(RING.sets, {"04DE5F1EACC040": "own"})) == Reason.UNKNOWN_TAG


def test_a_key_set_that_is_not_stored_is_said_so() -> None:
    for url in (V1, V4):
        assert refusal(url, Keyring({"own": V3_KEYS}, RING.tags)) == Reason.NO_KEYS


def test_factory_keys_prove_nothing() -> None:
    assert refusal(V1, allow_factory=False) == Reason.FACTORY_KEY
    assert verify(parse(V3), RING).counter == 291


def test_data_that_the_signature_does_not_cover_is_not_believed() -> None:
    url = V1.replace("&c=", f"&enc={V2_DATA}&c=")
    assert check(url) == Verified("04DE5F1EACC040", 61, None)


def test_parameters_can_have_other_names() -> None:
    message = parse("https://a.test/t?p=EF963FF7828658A599F3041510671E88&s=94EED9EE65337086", Names(("p",), mac=("s",)))
    assert verify(message, RING, allow_factory=True).counter == 61


def test_keys_never_show() -> None:
    keys = KeySet(meta=b"M" * 16, file=b"F" * 16)
    assert repr(keys) == "KeySet(diversify=False)"
    assert "FFFF" not in str(Keyring({"a": keys}, {}))
    with pytest.raises(ValueError, match="16 bytes"):
        KeySet(meta=b"", file=b"F" * 16)

"""One physical tag read through anything is one owner; a print that could mean two is nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.tags import TagIndex, canonical, prints, readable

EM = "01026F6C3A"
EM_PRINTS = [
    "01026F6C3A", "004335823930", "4335823930", "026F6C3A", "0040856634", "40856634", "07302202", "7302202",
    "111,27706", "00623,27706", "623,27706", "01 02 6f 6c 3a", "\x0201026F6C3A\x03", "01026f6c3a\r\n",
    "0040856634 111,27706",
]  # fmt: skip
NFC_PRINTS = [
    ("9D44A346", ["9D44A346", "9d:44:a3:46", "9D-44-A3-46", "9D 44 A3 46", "46A3449D"]),
    ("9D44A346", [f"{0x9D44A346}", f"{0x46A3449D:010d}"]),
    ("041F9B02005281", ["041F9B02005281", "04:1f:9b:02:00:52:81", "815200029B1F04", f"{0x041F9B02005281}"]),
    ("0463F80A4F5381", ["04-63-F8-0A-4F-53-81", "0x0463f80a4f5381"]),
    ("529D06E3", ["529D06E3", "E3069D52", "e3:06:9d:52", f"{0x529D06E3}"]),
    ("74-10-37-94", ["74103794", "94371074", "74:10:37:94"]),
    ("E9F35959", ["E9F35959", "5959F3E9"]),
    ("94D8FC5F", ["94D8FC5F"]),
    ("04DE5F1EACC040", ["04:de:5f:1e:ac:c0:40", "04DE5F1EACC040"]),
]  # fmt: skip
RFID_PRINTS = [
    ("14008EC793", ["14008EC793", "008EC793", f"{0x008EC793}", f"{0x14008EC793:012d}"]),
    ("0013961168", ["213,02000", "0013961168", "0013961168 213,02000", "13961168"]),
    ("0074380D", ["7616525", "0007616525", "0074380D", "14 00 74 38 0D"]),
    (EM, EM_PRINTS),
    ("026F6C3A", EM_PRINTS),
    ("0040856634", EM_PRINTS),
]
LINES = [
    (uid, kind, text)
    for kind, rows in (("nfc", NFC_PRINTS), ("rfid125", RFID_PRINTS))
    for uid, texts in rows
    for text in texts
]


@pytest.mark.parametrize(("uid", "kind", "text"), LINES)
def test_every_print_of_a_tag_leads_to_it(uid: str, kind: str, text: str) -> None:
    others = [("other", "04A1B2C3D4E5F6", "nfc"), ("third", "FF00112233", "rfid125")]
    assert TagIndex([*others, ("mine", uid, kind)]).find(text) == "mine"
    assert TagIndex([*others, ("mine", uid, "")]).find(text) == "mine"
    assert readable(uid, kind)


def test_a_tag_with_another_version_byte_is_another_tag() -> None:
    index = TagIndex([("mine", EM, "rfid125")])
    assert index.find("02026F6C3A") is None
    assert index.find("000040856634") is None


def test_truncated_prints_count_only_while_they_are_unique() -> None:
    index = TagIndex([("a", "01026F6C3A", "rfid125"), ("b", "01036F6C3A", "rfid125")])
    assert index.collisions == []
    assert [index.find(text) for text in ("07302202", "111,27706", "6F6C3A")] == [None] * 3
    assert (index.find("00623,27706"), index.find("00879,27706")) == ("a", "b")


def test_a_truncated_declaration_must_be_unique() -> None:
    index = TagIndex([("a", "01026F6C3A", "rfid125"), ("b", "111,27706", "rfid125")])
    assert [(one.first, one.second) for one in index.collisions] == [("a", "b")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("529D06E3", "nfc"), ("E3:06:9D:52", "nfc")),
        (("01026F6C3A", "rfid125"), ("02026F6C3A", "rfid125")),
        (("01026F6C3A", "rfid125"), ("0040856634", "rfid125")),
        (("40:85:66:34", "nfc"), ("01026F6C3A", "rfid125")),
        (("04DE5F1EACC040", "sun"), ("40C0AC1E5FDE04", "nfc")),
        (("9D44A346", "nfc"), ("9D:44:A3:46", "")),
    ],
)
def test_tags_that_a_print_cannot_tell_apart_collide(one: tuple[str, str], other: tuple[str, str]) -> None:
    index = TagIndex([("a", *one), ("b", *other)])
    assert [{found.first, found.second} for found in index.collisions] == [{"a", "b"}]
    assert index.find(index.collisions[0].text) is None


def test_prints_are_everything_that_readers_usually_print() -> None:
    assert prints(EM, "rfid125") == {
        "01026F6C3A", "004335823930", "4335823930", "026F6C3A", "0040856634", "40856634", "00623,27706",
        "6F6C3A", "07302202", "7302202", "111,27706",
    }  # fmt: skip
    assert prints("04:1f:9b:02:00:52:81", "sun") == {
        "041F9B02005281", "815200029B1F04", str(0x041F9B02005281), str(0x815200029B1F04),
    }  # fmt: skip
    assert prints("gate 7") == frozenset()


@given(number=st.integers(1 << 32, (1 << 40) - 1), kind=st.sampled_from(["rfid125", "nfc", ""]))
def test_no_print_means_anything_but_its_tag(number: int, kind: str) -> None:
    text = f"{number:010X}" if kind != "nfc" else f"{number & 0xFFFFFFFF:08X}"
    index = TagIndex([("mine", text, kind)])
    assert {index.find(one) for one in prints(text, kind)} <= {"mine", None}  # nobody's: zero, or too few digits
    assert not readable(text, kind) or text in prints(text, kind)


def test_two_tags_of_one_owner_do_not_collide() -> None:
    index = TagIndex([("a", "529D06E3", "nfc"), ("a", "E3069D52", "nfc")])
    assert (index.collisions, index.find("529D06E3")) == ([], "a")


@pytest.mark.parametrize(
    "text", ["", "0", "00000000", "0000000000", "xyz", "12,34,56", "99999,1", "123", "，", "٠١٢٣٤٥٦٧", "9" * 500]
)
def test_what_is_no_tag_is_nobodys(text: str) -> None:
    assert TagIndex([("mine", EM, "rfid125"), ("too", "9D44A346", "nfc")]).find(text) is None
    assert not readable(text)


@pytest.mark.parametrize(("uid", "kind"), [("9D44A346", "sun"), ("041F9B02005281", "rfid125"), ("01026F6C3A", "nfc")])
def test_a_number_that_the_kind_cannot_have_is_not_readable(uid: str, kind: str) -> None:
    assert not readable(uid, kind)


def test_a_card_whose_two_prints_disagree_is_a_typing_mistake() -> None:
    assert not readable("0040856634 112,27706")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("04:de:5f:1e:ac:c0:40", "04DE5F1EACC040"), ("94D8FC5F", "94D8FC5F"), ("0040856634", "026F6C3A"),
        ("7616525", "0074380D"), ("111,27706", "6F6C3A"), ("74103794", "74103794"), (" gate 7\r", "GATE 7"),
        ("004335823930", "01026F6C3A"),
    ],
)  # fmt: skip
def test_canonical(text: str, plain: str) -> None:
    assert canonical(text) == plain


nfc = st.sampled_from([4, 7, 10]).flatmap(lambda size: st.binary(min_size=size, max_size=size)).filter(any)
em = st.integers(10_000, (1 << 40) - 1)


def nfc_prints(uid: bytes) -> list[str]:
    turned = uid[::-1]
    texts = [one.hex(":") for one in (uid, turned)] + [one.hex().upper() for one in (uid, turned)]
    numbers = [int.from_bytes(one, "big") for one in (uid, turned)]
    return texts + [str(number) for number in numbers if number >= 10_000]


def em_prints(number: int) -> list[str]:
    low = number & 0xFFFFFFFF
    texts = [f"{number:010X}", f"{number:012d}"]
    if low >= 10_000:
        texts += [f"{low:08X}", f"{low:010d}", str(low), f"{low >> 16:05d},{low & 0xFFFF:05d}"]
    return texts


@given(nfcs=st.lists(nfc, max_size=6, unique=True), ems=st.lists(em, max_size=6, unique=True))
def test_a_site_without_collisions_finds_every_full_print_and_never_the_wrong_owner(
    nfcs: list[bytes], ems: list[int]
) -> None:
    entries = [(f"n{at}", uid.hex(), "nfc") for at, uid in enumerate(nfcs)]
    entries += [(f"e{at}", f"{number:010X}", "rfid125") for at, number in enumerate(ems)]
    index = TagIndex(entries)
    right = {f"n{at}": nfc_prints(uid) for at, uid in enumerate(nfcs)}
    right |= {f"e{at}": em_prints(number) for at, number in enumerate(ems)}
    for owner, texts in right.items():
        for text in texts:
            found = index.find(text)
            assert found == owner or (found is None and index.collisions), (owner, text)


@given(first=em, turn=st.booleans(), version=st.integers(0, 255))
def test_a_shared_print_is_a_collision(first: int, turn: bool, version: int) -> None:
    second = (first & 0xFFFFFFFF) | version << 32
    entries = [("a", f"{first:010X}", "rfid125"), ("b", f"{second:010X}", "rfid125")]
    if first & 0xFFFFFFFF:
        assert TagIndex(entries[::-1] if turn else entries).collisions


@given(st.text())
def test_malformed_text_never_raises(text: str) -> None:
    assert TagIndex([("a", text, ""), ("b", text, "nfc")]).find(text) in ("a", None)
    assert isinstance(canonical(text), str)


@given(st.text("0123456789ABCDEFabcdef:,- ", max_size=24))
def test_a_declared_print_finds_its_owner(text: str) -> None:
    assert TagIndex([("a", text, "")]).find(text) == ("a" if readable(text) else None)

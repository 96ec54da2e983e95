"""Panels that print: every shipped format against its samples, in any portions, after any garbage."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.drivers.fire_signal import Signal
from gateway.drivers.text_panel import TextPanel
from gateway.drivers.text_proof import disproofs, heard, sample_bytes
from gateway.drivers.text_records import MAX_RECORD
from gateway.drivers.thinner import IN_A_MINUTE
from gateway.site.fire_formats import TextFormat

ROOT = Path(__file__).parents[4]
SHANGHAI = ZoneInfo("Asia/Shanghai")
FORMATS = {
    one["id"]: TextFormat.model_validate(one)
    for file in sorted((ROOT / "device_configs" / "fire").glob("*.yaml"))
    for one in yaml.safe_load(file.read_text("utf-8"))["formats"]
}
SAMPLES = [(layout, sample_bytes(layout, sample)) for layout in FORMATS.values() for sample in layout.samples]
SAMPLE_IDS = [f"{layout.id}-{number}" for layout in FORMATS.values() for number, _ in enumerate(layout.samples, 1)]
FIRES = {
    layout.id: data
    for layout, data in reversed(SAMPLES)
    if any("fire" in signal.state for signal in heard(layout, data))
}
FIXTURE: dict[str, dict[str, Any]] = {
    one["id"]: one for one in json.loads((ROOT / "tests" / "fixtures" / "fire_panels.json").read_text("utf-8"))
}


def facts(signals: list[Signal]) -> list[tuple[object, ...]]:
    return [(one.scope, one.address, one.state, one.ended, one.operations, one.panel_at, one.raw) for one in signals]


@pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS)
def test_a_shipped_format_says_of_its_samples_what_it_claims(layout: TextFormat) -> None:
    assert layout.samples
    assert disproofs(layout) == []


@pytest.mark.parametrize(("layout", "data"), SAMPLES, ids=SAMPLE_IDS)
def test_a_sample_is_the_same_byte_by_byte(layout: TextFormat, data: bytes) -> None:
    panel = TextPanel(layout, UTC)
    signals = [signal for byte in data for signal in panel.feed(bytes([byte]), 0)] + panel.close(0)
    assert facts(signals) == facts(heard(layout, data))
    assert panel.poll(0) == b""


@pytest.mark.parametrize(("layout", "data"), SAMPLES, ids=SAMPLE_IDS)
def test_samples_glued_together_are_still_two(layout: TextFormat, data: bytes) -> None:
    if layout.min_bytes:  # shortened here: in the field such records are filled up with blanks
        data = data[:-1].ljust(layout.min_bytes - 1) + data[-1:]
    once = heard(layout, data)
    assert facts(heard(layout, data + data)) == facts([*once, *once])


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25)
@given(garbage=st.binary(max_size=300), cut=st.integers(1, 50))
def test_a_fire_after_garbage_is_found(name: str, garbage: bytes, cut: int) -> None:
    layout, fire = FORMATS[name], FIRES[name]
    panel = TextPanel(layout, UTC)
    panel.feed(garbage[:cut], 0)
    panel.feed(garbage[cut:], 1)
    panel.feed(b"", 60_000)
    signals = panel.feed(fire, 60_001) + panel.feed(b"", 120_000)
    assert any("fire" in signal.state and "unparsed" not in signal.marks for signal in signals)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30)
@given(garbage=st.text("\x1b6\x81 ab:-12", max_size=60))
def test_a_fire_glued_to_garbage_is_never_silent(name: str, garbage: str) -> None:
    assert any("fire" in signal.state for signal in heard(FORMATS[name], garbage.encode("latin-1") + FIRES[name])) or (
        FORMATS[name].encoding
        in ("utf-16-be", "low-byte-utf16")  # its letters are others now: the next record is right
    )


@pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS)
@settings(max_examples=25)
@given(portions=st.lists(st.binary(max_size=200) | st.sampled_from([data for _, data in SAMPLES]), max_size=8))
def test_no_bytes_break_a_format(layout: TextFormat, portions: list[bytes]) -> None:
    panel = TextPanel(layout, SHANGHAI)
    for number, portion in enumerate(portions):
        panel.feed(portion, number * 700)
    panel.close(10_000)


def test_memory_is_bounded_when_nothing_ever_ends() -> None:
    panel = TextPanel(FORMATS["gst9000-printer"], UTC)
    said = [signal for number in range(50) for signal in panel.feed(b"abcd" * 500, number)]
    assert len(panel._records._rest) <= MAX_RECORD
    assert all(len(signal.raw) <= MAX_RECORD for signal in said)
    assert "cut_text" in said[0].marks


def test_the_worst_line_for_every_pattern_is_read_at_once() -> None:
    worst = (
        b"ALARM " * 700,
        b"A" * 4096,
        b"1" * 4096,
        b"L01D" * 1024,
        b" " * 2000 + b"TROUBL" + b" " * 2000,
        b": " * 2000,
    )
    for layout in FORMATS.values():
        for line in worst:
            heard(layout, line)  # a pattern that runs away would not come back before the suite's time is over


def test_the_fixture_is_read_like_the_formats() -> None:
    names = {"gst9000-prt-fire": "gst9000-printer", "gst9000-prt-fire-next": "gst9000-printer"}
    for name, one in FIXTURE.items():
        if one["format"] == "gst_printer_gb2312":
            (signal,) = heard(FORMATS[names[name]], bytes.fromhex(one["hex"]))
            assert signal.extra["line"].split("\n") == one["decoded"]["lines"]
            assert signal.text == " ".join(one["decoded"]["lines"][3:])
            assert (signal.state, signal.component_type) == (("fire",), 40)
        elif one["format"] in ("ascii_line", "notifier_640_line"):
            layout = FORMATS["afp2800" if one["format"] == "ascii_line" else "notifier-640"]
            (signal,) = heard(layout, one["text"].encode() + b"\r\n")
            assert signal.marks == ()


def test_times_are_of_the_panels_zone_and_years_that_are_not_printed_are_not_guessed() -> None:
    panel = TextPanel(FORMATS["gst9000-printer"], SHANGHAI)
    (signal,) = panel.feed(bytes.fromhex(FIXTURE["gst9000-prt-fire"]["hex"]), 0)
    assert signal.panel_at == datetime(2008, 12, 2, 9, 24, tzinfo=UTC)
    (signal,) = heard(FORMATS["afp2800"], FIXTURE["afp2800-0"]["text"].encode() + b"\n")
    assert signal.panel_at is None
    assert signal.extra["panel_time"] == "12/08 01:23"


@pytest.mark.parametrize("date", ["08/13/45", "99/02/30"])
def test_a_time_that_is_none_is_marked_and_kept_as_text(date: str) -> None:
    (signal,) = heard(FORMATS["gst9000-printer"], f"{date}  17:24\n004-004\n火警\n\n".encode("gb18030"))
    assert (signal.panel_at, signal.marks, signal.state) == (None, ("bad_time",), ("fire",))
    assert signal.extra["panel_time"] == f"{date} 17:24"


def test_a_year_out_of_all_reason_is_no_time() -> None:
    line = "1B40" + b"0001.05.06   07:08:09   00102003".hex() + "0a1c26bbf0beaf1c2e0d0a"
    (signal,) = heard(FORMATS["sanjiang-9108-printer"], bytes.fromhex(line))
    assert (signal.panel_at, signal.state) == (None, ("fire",))


@pytest.mark.parametrize(
    ("line", "state", "marks"),
    [
        ("大堂 火警 无地址", ("fire",), ("unparsed", "keyword")),
        ("8-1 感烟探测器 动作", ("fire",), ("unparsed", "keyword")),
        ("火警清除", (), ("unparsed",)),
        ("打印机自检完成", (), ("unparsed",)),
        ("火灾报警控制器 V3.0", (), ("unparsed",)),
    ],
)
def test_a_line_that_no_pattern_explains_is_told_and_fire_wording_is_fire(
    line: str, state: tuple[str, ...], marks: tuple[str, ...]
) -> None:
    (signal,) = heard(FORMATS["gst9000-printer"], line.encode("gb18030") + b"\n\n")
    assert (signal.state, signal.marks, signal.text) == (state, marks, line)
    assert signal.raw == line.encode("gb18030") + b"\n\n"
    assert signal.address == ("self" if state else None)


def test_a_known_line_with_a_label_of_fire_is_no_fire_but_a_second_record_in_it_is() -> None:
    trouble = b"TROUBL MONITOR      FIRE ALARM PANEL ROOM                    11:02P 010726 1M012"
    (signal,) = heard(FORMATS["notifier-640"], trouble + b"\r\n")
    assert signal.state == ("fault",)
    first, second = heard(FORMATS["notifier-640"], trouble + b" ALARM: SMOKE(PHOTO) 1D001\r\n")
    assert (first.state, second.state, second.address) == (("fault",), ("fire",), "self")


@pytest.mark.parametrize("between", [b" ", b"", b"  \x00 "], ids=["blank", "nothing", "noise"])
@pytest.mark.parametrize(
    ("name", "other", "second"),
    [
        ("leader-ld128", (b"01088", b"01089"), "1-89"),
        ("notifier-640", (b"1D001", b"1D002"), "1D002"),
        ("firelite", (b"1M003", b"1M004"), "1M004"),
        ("kidde-vs", (b"D:001", b"D:002"), "L:1 D:002"),
        ("afp2800", (b"1.1.Z1", b"1.1.Z2"), "1.1.Z2"),
        ("notifier-3030", (b"L01D001", b"L01D002"), "self"),
        ("tx3004-printer", (b"00102003", b"00102004"), "self"),
    ],
)
def test_a_second_fire_glued_to_a_first_is_not_lost(
    name: str, other: tuple[bytes, bytes], second: str, between: bytes
) -> None:
    layout = FORMATS[name]
    first = next(data for one, data in SAMPLES if one is layout and other[0] in data and _burns(layout, data))
    said = [one for one in heard(layout, first.strip() + between + first.replace(*other)) if "fire" in one.state]
    assert [one.address for one in said] == [said[0].address, second]
    assert ("keyword" in said[1].marks) == (second == "self")


def test_many_fires_in_one_record_are_bounded_and_none_is_silent() -> None:
    line = b"".join(b"\xbb\xf0\xbe\xaf:01%03d " % number for number in range(1, 41))
    said = heard(FORMATS["leader-ld128"], line + b"\r\n")
    assert [one.address for one in said] == [f"1-{number}" for number in range(1, 41)]
    said = heard(FORMATS["leader-ld128"], line * 8 + b"\r\n")
    assert len(said) <= 51
    assert said[-1].address == "self"


def _burns(layout: TextFormat, data: bytes) -> bool:
    said = heard(layout, data)
    return len(said) == 1 and "fire" in said[0].state


def test_the_first_of_two_lines_alone_is_told_when_the_printer_is_quiet() -> None:
    panel = TextPanel(FORMATS["notifier-3030"], UTC)
    assert panel.feed(b"FIRE ALARM      LOBBY SMOKE\r\n", 0) == []
    assert panel.feed(b"", 900) == []
    (signal,) = panel.feed(b"", 1000)
    assert (signal.state, signal.address) == (("fire",), "self")
    assert panel.feed(b"", 5000) == []


def test_lines_that_come_too_late_do_not_belong_to_the_first() -> None:
    panel = TextPanel(FORMATS["notifier-3030"], UTC)
    panel.feed(b"FIRE ALARM LOBBY\r\n", 0)
    first, second = panel.feed(b"SMOKE 04:11:03P SAT MAY 02, 2026  L01D001\r\n", 5000)
    assert (first.address, first.state, second.scope) == ("self", ("fire",), "unparsed")


def test_a_first_line_ends_the_record_before_it() -> None:
    panel = TextPanel(FORMATS["notifier-3030"], UTC)
    said = panel.feed(b"FIRE ALARM LOBBY\r\nFIRE ALARM GARAGE\r\nSMOKE 04:11:03P SAT MAY 02, 2026  L01D001\r\n", 0)
    assert [(one.address, one.extra["label"]) for one in said] == [("self", "LOBBY"), ("L01D001", "GARAGE")]


def test_a_line_at_a_wrong_speed_does_not_fill_the_disk_and_fire_still_passes() -> None:
    panel = TextPanel(FORMATS["notifier-640"], UTC)
    said = panel.feed(b"x9?\r\n" * 500, 0)
    assert len(said) == IN_A_MINUTE
    assert not panel.is_well(0)
    (fire,) = panel.feed(b"what ALARM what\r\n", 1)
    assert fire.state == ("fire",)
    (late,) = panel.feed(b"x9?\r\n", 60_000)
    assert (late.extra["left_out"], late.marks) == (500 - IN_A_MINUTE, ("unparsed", "flood"))
    panel.feed(b"SYSTEM NORMAL\r\n", 60_001)
    assert panel.is_well(60_001)


def test_a_lost_byte_of_utf_16_does_not_hide_a_fire() -> None:
    data = FIRES["notifier-3030-zh"]
    for lost in (1, 9, 20, 33):
        panel = TextPanel(FORMATS["notifier-3030-zh"], UTC)
        signals = panel.feed(data[:lost] + data[lost + 1 :] + data, 0)
        assert signals[-1].address == "N004L02D019"
        assert "cut_text" in signals[0].marks


def test_heartbeats_of_a_panel_end_a_record_and_are_no_events() -> None:
    layout = FORMATS["sanjiang-9108-printer"]
    assert heard(layout, bytes.fromhex("1c2e1b40") * 50) == []
    (signal,) = heard(layout, FIRES[layout.id][4:-6] + bytes.fromhex("1c2e1b40"))
    assert signal.state == ("fire",)


LAYOUT = FORMATS["kidde-vm1"].model_dump(exclude_unset=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"patterns": ["(a+)+b"]}, "repeats a group that can give back"),
        ({"patterns": ["(?:a|aa)*c"]}, "repeats a group that can give back"),
        ({"patterns": ["^(?:a+b)*+c"]}, "there only"),
        ({"patterns": [".*.*.*x"]}, "too many ways"),
        ({"patterns": ["(?P<event>a)(?P=event)"]}, "refers to a group"),
        ({"patterns": ["(?P<event>"]}, "no regular expression"),
        ({"patterns": ["(?P<who>x)"]}, "unknown groups"),
        ({"lines": 2}, "go together"),
        ({"samples": [{"gives": []}]}, "either text or hex"),
    ],
)
def test_a_format_that_could_run_away_or_makes_no_sense_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TextFormat.model_validate({**LAYOUT, **change})


def test_a_wrong_format_is_disproved_by_its_samples() -> None:
    samples = [{"text": "TRBL ACT :: LOBBY\n", "gives": [{"state": ["fire"]}, {}]}]
    assert disproofs(TextFormat.model_validate({**LAYOUT, "samples": samples})) == [
        "sample 1: gives 1 signals, should give 2",
        "sample 1, signal 1: state gives fault, should be fire",
    ]
    samples = [{"text": "TRBL ACT :: LOBBY\n", "gives": [{"state": [], "label": "HALL"}]}]
    assert disproofs(TextFormat.model_validate({**LAYOUT, "samples": samples}), zh=True) == [
        "样例 1 第 1 条信号：state 给出 fault，应为 空",
        "样例 1 第 1 条信号：label 给出 LOBBY，应为 HALL",
    ]


def test_the_page_names_every_format_and_its_example_is_proven() -> None:
    page = (ROOT / "docs" / "fire" / "panels.md").read_text("utf-8")
    assert not [name for name in FORMATS if f"| `{name}` |" not in page]
    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "formats:" in block]
    (layout,) = [TextFormat.model_validate(one) for one in yaml.safe_load(example)["formats"]]
    assert len(layout.samples) == 3
    assert disproofs(layout) == []

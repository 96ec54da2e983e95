"""Line protocol and quoting, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.timeseries.influx.lines import (
    END_MS,
    LAST_MS,
    TIES,
    Source,
    compressed,
    identifier,
    lines_of,
    literal,
    mark_line,
    minutes_of,
    render,
    source,
    within,
)
from gateway.timeseries.schema import Marks
from gateway.timeseries.store import Row, RowRefused, tie_of

T0 = 1_795_262_400_000


def line(row: Row) -> str:
    return render([row], {})[0]


class TestRender:
    def test_a_row_is_floats_under_the_fixed_tags(self) -> None:
        assert line(("yunhe/low-zone", T0, TIES + 7, 0.5, 1, T0 + 25)) == (
            f"reading,point=low-zone,site=yunhe value=0.5,quality=1,delay_ms=25,tie={TIES + 7} {T0}000007"
        )

    @pytest.mark.parametrize(("value", "text"), [(5.0, "5.0"), (1e-300, "1e-300"), (-0.0, "-0.0"), (1e300, "1e+300")])
    def test_values_are_written_to_the_last_bit(self, value: float, text: str) -> None:
        assert f"value={text}," in line(("s/p", T0, 0, value, 0, T0))

    def test_a_whole_number_stays_a_float_for_ever(self) -> None:
        whole: float = 5
        assert "value=5.0," in line(("s/p", T0, 0, whole, 0, T0))

    def test_names_are_escaped(self) -> None:
        assert line(("a b/c,d=e", T0, 0, 1.0, 0, T0)).startswith(r"reading,point=c\,d\=e,site=a\ b value=")

    @pytest.mark.parametrize("name", ["nosite", "/p", "s/", "s/p/q", "s/p\\", "s/p\n", "s/ p", "\ts/p"])
    def test_names_that_no_line_can_hold_are_refused(self, name: str) -> None:
        assert source(name) is None
        with pytest.raises(RowRefused, match="is not site/point in plain characters"):
            line((name, T0, 0, 1.0, 0, T0))

    def test_a_refusal_names_its_row_and_no_row_is_rendered(self) -> None:
        known: dict[str, Source] = {}
        with pytest.raises(RowRefused, match="Row 1 of s/p: value nan is not a finite number; none of the 2 rows"):
            render([("s/p", T0, 0, 1.0, 0, T0), ("s/p", T0, 1, float("nan"), 0, T0)], known)

    @given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
    def test_ties_of_one_event_differ_and_stay_within_their_millisecond(self, a: int, b: int, i: int, j: int) -> None:
        one, other = (
            line(("s/p", T0, tie_of(f"B7-{n}", x), 1.0, 0, T0)).rpartition(" ")[2] for n, x in ((a, i), (b, j))
        )
        assert int(one) // 1_000_000 == int(other) // 1_000_000 == T0
        assert (one == other) == (i == j) or a != b


def test_the_last_millisecond_fits_64_bits_with_every_tie() -> None:
    stamp = int(line(("s/p", LAST_MS, TIES - 1, 1.0, 0, LAST_MS)).rpartition(" ")[2])
    assert stamp < END_MS * 1_000_000 < (1 << 63) - 2


def test_quoting() -> None:
    assert identifier('a"b\\') == '"a\\"b\\\\"'
    assert literal("o'clock\\\n") == "'o\\'clock\\\\\\n'"


def test_bounds_are_brought_into_what_influxdb_can_tell() -> None:
    assert within(-5, 1 << 60) == f"time >= 0 AND time < {END_MS}000000"
    assert within(T0, T0 + 1) == f"time >= {T0}000000 AND time < {T0 + 1}000000"


def test_marks_are_one_line() -> None:
    marks = Marks(late_before=9, minutes_done=1, hours_done=2, raw_from=3, minutes_from=4, hours_from=5)
    fields = "minutes_done=1,hours_done=2,raw_from=3,minutes_from=4,hours_from=5"
    assert mark_line("yunhe", marks, T0) == f"mark,site=yunhe {fields} {T0}000000"


def test_bodies_go_there_and_back() -> None:
    assert lines_of(compressed([b"one", b"two"])) == [b"one", b"two"]


def test_the_minutes_of_lines_are_found_whatever_the_names_are() -> None:
    names = [f"{site}/{point}" for site in ("yun he", "a,b=c") for point in ("p", "x,site=y z")]
    lines = render([(name, T0 + 59_999, 7, 1.0, 0, T0) for name in names], {})
    assert minutes_of(one.encode() for one in lines) == {("yun he", T0), ("a,b=c", T0)}

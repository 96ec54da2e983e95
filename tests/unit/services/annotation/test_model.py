"""What a mark says."""

from datetime import UTC, datetime, timedelta

from services.annotation.model import BACK_OFF, horizon, tags_of, text_of, wait_after


def test_tags_carry_the_key_and_what_boards_choose_by() -> None:
    found = tags_of("alert:01", ("alert", "yunhe", "", "pump-room", "alert"))
    assert found == ("gengfu", "pushed", "alert:01", "alert", "yunhe", "pump-room")


def test_what_people_wrote_is_no_markup() -> None:
    text = text_of(("紧急 · <img src=x>", ""), 'https://console/alerts/1?a="b', "打开")
    assert text.startswith("紧急 · &lt;img src=x&gt;<br><a href=")
    assert '"b' not in text
    assert 'rel="noopener"' in text


def test_without_a_console_there_is_no_link() -> None:
    assert text_of(("一", "二"), "", "打开") == "一<br>二"


def test_waits_grow_to_an_hour() -> None:
    assert [wait_after(attempts) for attempts in (0, 1, 5, 500)] == [BACK_OFF[0], BACK_OFF[0], BACK_OFF[4], BACK_OFF[4]]


def test_the_past_is_left_alone() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert now - horizon(now) == timedelta(days=7)

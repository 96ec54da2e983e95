"""What is a retransmission and what only looks like one."""

from gateway.drivers.gb26875.frame import Frame
from gateway.drivers.gb26875.repeats import WINDOW_MS, Repeats

FIRE, RESET = b"\x02\x01fire", b"\x04\x01reset"


def frame(serial: int, app: bytes, source: int = 1) -> Frame:
    return Frame(serial, 2, source.to_bytes(6, "little"), bytes(6), app)


def test_the_same_frame_again_stands_as_it_was_answered() -> None:
    repeats = Repeats()
    one = frame(5, FIRE)
    assert repeats.hear(one, 1, 0) == "new"
    assert repeats.hear(one, 1, 10_000) == "waiting"
    repeats.settle(one, "confirmed")
    assert repeats.hear(one, 1, 20_000) == "confirmed"
    assert repeats.hear(frame(6, FIRE), 1, 20_000) == "new"
    assert repeats.hear(frame(5, FIRE, source=2), 1, 20_000) == "new"
    repeats.settle(one, "denied")
    assert repeats.hear(one, 1, 30_000) == "denied"


def test_a_frame_that_could_not_be_kept_is_heard_as_if_for_the_first_time() -> None:
    repeats = Repeats()
    repeats.hear(frame(5, FIRE), 1, 0)
    repeats.forget(frame(5, FIRE))
    assert repeats.hear(frame(5, FIRE), 1, 10_000) == "new"


def test_after_the_window_the_same_frame_is_news_under_another_name() -> None:
    repeats = Repeats()
    repeats.hear(frame(5, FIRE), 1, 0)
    assert repeats.hear(frame(5, FIRE), 1, WINDOW_MS + 1) == "reused"


def test_the_window_begins_with_the_first_and_a_standing_fire_is_heard_again() -> None:
    repeats = Repeats()
    heard = []
    for at_ms in range(0, 6 * 110_000, 110_000):
        heard.append(repeats.hear(frame(0, FIRE), 1, at_ms))
        repeats.settle(frame(0, FIRE), "confirmed")
    assert heard == ["new", "confirmed", "reused", "confirmed", "reused", "confirmed"]


def test_equal_frames_of_two_speakers_are_two() -> None:
    repeats = Repeats()
    one = frame(0, FIRE)
    assert repeats.hear(one, 1, 0, "utd-1") == "new"
    repeats.settle(one, "confirmed", "utd-1")
    assert repeats.hear(one, 2, 1, "utd-2") == "new"
    assert [repeats.hear(one, 1, 2, "utd-1"), repeats.hear(one, 2, 2, "utd-2")] == ["confirmed", "waiting"]
    repeats.forget(one, "utd-2")
    assert repeats.hear(one, 2, 3, "utd-2") == "new"


def test_a_second_fire_of_a_device_that_never_counts_is_news() -> None:
    repeats = Repeats()
    for at_ms, app in enumerate([FIRE, RESET]):
        assert repeats.hear(frame(0, app), 1, at_ms * 1000) == "new"
    assert repeats.hear(frame(0, FIRE), 1, 2000) == "reused"
    assert repeats.hear(frame(0, FIRE), 1, 3000) == "waiting"


def test_the_last_frame_of_a_lost_connection_is_repeated_over_the_next_one() -> None:
    repeats = Repeats()
    repeats.hear(frame(5, FIRE), 1, 0)
    repeats.settle(frame(5, FIRE), "confirmed")
    assert repeats.hear(frame(6, b"\x08\x01login"), 2, 1000) == "new"
    assert repeats.hear(frame(5, FIRE), 2, 2000) == "confirmed"
    assert repeats.hear(frame(5, FIRE), 2, 3000) == "confirmed"


def test_a_device_without_a_clock_that_was_restarted_is_not_repeating_itself() -> None:
    repeats = Repeats()
    repeats.hear(frame(0, FIRE), 1, 0)
    repeats.hear(frame(1, RESET), 1, 1000)
    assert repeats.hear(frame(0, FIRE), 2, 2000) == "reused"


def test_several_frames_sent_at_once_are_each_known_again() -> None:
    repeats = Repeats()
    pipelined = [frame(serial, FIRE) for serial in range(5)]
    assert [repeats.hear(one, 1, 0) for one in pipelined] == ["new"] * 5
    assert [repeats.hear(one, 1, 1) for one in pipelined] == ["waiting"] * 5


def test_memory_is_bounded() -> None:
    repeats = Repeats(remembered=10)
    for serial in range(1000):
        repeats.hear(frame(serial, FIRE, source=serial), serial, serial)
    assert repeats.hear(frame(999, FIRE, source=999), 999, 1000) == "waiting"
    assert repeats.hear(frame(5, FIRE, source=5), 5, 1000) == "new"
    assert len(repeats._entries) == len(repeats._holders) == len(repeats._last) == 10

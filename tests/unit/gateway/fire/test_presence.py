"""Who is there, with a clock that only moves when told."""

from gateway.fire.presence import Patience, Presence, Said

THERE, GONE = Said("utd", True), Said("utd", False)


def presence(offline_after_ms: int | None = 180_000, repeat_ms: int = 10**9) -> Presence:
    return Presence({"utd": Patience(offline_after_ms, repeat_ms)}, 1000)


def test_it_is_said_when_it_changes() -> None:
    one = presence()
    assert one.tick(100_000) == []
    assert one.heard(["utd", "stranger"], 100_000) == [THERE]
    assert one.heard(["utd"], 200_000) == []
    assert one.tick(380_000) == []
    assert one.tick(380_001) == [GONE]
    assert one.tick(390_000) == []
    assert one.heard(["utd"], 400_000) == [THERE]
    assert one.gone(["utd", "stranger"], 400_001) == [GONE]


def test_who_was_never_heard_is_gone_after_its_time() -> None:
    assert presence().tick(181_001) == [GONE]


def test_who_is_there_is_said_again_for_its_heartbeat() -> None:
    one = presence(None, 30_000)
    one.heard(["utd"], 2000)
    assert [one.tick(at) for at in (31_999, 32_000, 32_001, 62_000)] == [[], [THERE], [], [THERE]]
    one.gone(["utd"], 70_000)
    assert one.tick(10_000_000) == []


def test_a_line_says_itself_when_its_panel_is_gone() -> None:
    one = presence(None)
    one.heard(["utd"], 2000)
    assert one.tick(10**9) == []

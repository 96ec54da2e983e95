from services.patrol.phone.allowance import HOUR_MS, Allowance

NOW_MS = 500_000 * HOUR_MS


def test_an_hour_holds_so_many_taps_and_the_next_one_as_many_again() -> None:
    allowance = Allowance(per_hour=3, per_hour_delivered=5)
    taken = [allowance.take(["phone", "guard"], NOW_MS - hour * HOUR_MS, NOW_MS) for hour in (1, 1, 1, 1, 2, 2, 2)]
    assert taken == [True, True, True, False, True, True, False]
    assert not allowance.take(["phone", "guard"], NOW_MS, NOW_MS + HOUR_MS - 1)
    assert allowance.take(["phone", "guard"], NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)


def test_neither_another_phone_nor_another_account_helps() -> None:
    allowance = Allowance(per_hour=1)
    assert allowance.take(["phone-1", "guard"], NOW_MS, NOW_MS)
    assert not allowance.take(["phone-2", "guard"], NOW_MS, NOW_MS)
    assert not allowance.take(["phone-1", "guard-2"], NOW_MS, NOW_MS)
    assert allowance.take(["phone-2", "guard-2"], NOW_MS, NOW_MS)  # what was refused was not counted

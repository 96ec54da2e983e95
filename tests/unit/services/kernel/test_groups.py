"""Which sites are heard together."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.groups import group_of, lease_of, spread

SITES = st.sets(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), min_size=1, max_size=20)


def test_a_site_is_where_it_was() -> None:
    assert {site: group_of(site, 4) for site in ("yunhe", "lanting", "meiyuan")} == {
        "yunhe": "g02of04",
        "lanting": "g03of04",
        "meiyuan": "g01of04",
    }, "sessions of installations that run are stranded at their brokers"
    assert lease_of("g02of04") == "ingest:g02of04"


@given(SITES, SITES, st.integers(1, 1024))
def test_other_sites_move_none(some: set[str], more: set[str], count: int) -> None:
    alone, together = spread(some, count), spread(some | more, count)
    assert sorted(site for sites in together.values() for site in sites) == sorted(some | more)
    for group, sites in alone.items():
        assert set(sites) <= set(together[group])


def test_sites_spread_evenly_enough() -> None:
    sizes = Counter(group_of(f"site-{number}", 16) for number in range(4000))
    assert len(sizes) == 16
    assert max(sizes.values()) < 1.3 * 4000 / 16

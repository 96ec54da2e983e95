"""Ingest groups: which sites are heard together. A site's group depends on its id and the number of groups only."""

import hashlib
from collections.abc import Iterable

LEASES = "ingest:"
"""Their leases' names begin with this."""


def group_of(site: str, count: int) -> str:
    """The group of a site among `count`.

    The count is in the name: with another count every session is a new one, and the old ones are known by their names.
    """
    digest = hashlib.sha256(site.encode()).digest()
    return f"g{int.from_bytes(digest[:8]) % count + 1:02d}of{count:02d}"


def spread(sites: Iterable[str], count: int) -> dict[str, list[str]]:
    """The sites of each group that has any, in order."""
    groups: dict[str, list[str]] = {}
    for site in sorted(sites):
        groups.setdefault(group_of(site, count), []).append(site)
    return dict(sorted(groups.items()))


def lease_of(group: str) -> str:
    """The name of its lease."""
    return f"{LEASES}{group}"

"""Checks of what identifies checkpoints and people: tags, codes, badges. No print may mean two of them."""

from collections.abc import Iterator
from typing import Any

from gateway.contract.tags import TagIndex, readable
from gateway.site.draft import SiteDraft
from gateway.site.patrol import Checkpoint, Tag
from gateway.site.problems import Path, Problems, Spot
from gateway.site.sections import Item

_EXAMPLES = {
    "nfc": "04:DE:5F:1E:AC:C0:40",
    "sun": "04DE5F1EACC040",
    "rfid125": "0040856634",
    "": "04:DE:5F:1E:AC:C0:40",
}
_BADGE = ""
"""People's badges may be of any kind."""
_EXAMPLES = {"nfc": "04:DE:5F:1E:AC:C0:40", "sun": "04DE5F1EACC040", "rfid125": "0040856634", _BADGE: "9D:44:A3:46"}


def check_identities(draft: SiteDraft, problems: Problems) -> None:
    """Note unreadable numbers, codes used twice, and tags that some reader could not tell apart."""
    entries: list[tuple[str, str, str]] = []
    spots: dict[str, Spot] = {}
    for owner, uid, kind, spot in _identities(draft):
        if readable(uid, kind):
            entries.append((owner, uid, kind))
            spots[owner] = spot
        else:
            problems.add(spot, "tag_form", value=uid, kind=kind or "badge", example=_EXAMPLES[kind])
    for found in TagIndex(entries).collisions:
        first, second = sorted((found.first, found.second), key=lambda owner: (spots[owner].file, spots[owner].line))
        if _named(first) != _named(second):
            names = {"first": _named(first)[1], "second": _named(second)[1]}
            problems.add(spots[second], "tag_collision", text=found.text, **names)
    _check_codes(draft, problems)
    for item in draft.checkpoints.items:
        for index, tag in enumerate(item.value.tags):
            _check_keys(item, index, tag, problems)


def _identities(draft: SiteDraft) -> Iterator[tuple[str, str, str, Spot]]:
    """Owner (one per declared number), number, kind and place of everything that has one."""
    for point in draft.checkpoints.items:
        for index, tag in enumerate(point.value.tags):
            path: Path = ("tags", index, "uid")
            yield _owner(point, point.value.id, index), tag.uid, tag.kind, point.at(*path)
    for person in draft.people.items:
        for index, badge in enumerate(person.value.badges):
            yield _owner(person, person.value.username, index), badge, _BADGE, person.at("badges", index)


def _owner(item: Item[Any], name: str, index: int) -> str:
    return f"{item.path[0]}/{item.path[1]}/{index}/{name}"


def _named(owner: str) -> tuple[str, str]:
    section, _, _, name = owner.split("/")
    return section, name


def _check_keys(item: Item[Checkpoint], index: int, tag: Tag, problems: Problems) -> None:
    if tag.kind == "sun" and tag.keys is None:
        problems.add(item.at("tags", index, "keys"), "sun_keys")
    if tag.kind != "sun" and tag.keys is not None:
        problems.add(item.at("tags", index, "keys"), "keys_unused", kind=tag.kind)


def _check_codes(draft: SiteDraft, problems: Problems) -> None:
    seen: dict[str, Spot] = {}
    for item in draft.checkpoints.items:
        if item.value.code is None:
            continue
        spot = item.at("code")
        first = seen.setdefault(item.value.code, spot)
        if first is not spot:
            problems.add(spot, "duplicate_id", word=item.value.code, first=f"{first.file}:{first.line}")

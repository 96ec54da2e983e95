"""Checks of the chains of approval: bands rise, the last is open-ended, every title of a person is in some chain."""

from itertools import pairwise

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.problems import Problems


def check_bands(shared: SharedDraft, problems: Problems) -> None:
    """Note bands that do not rise, chains without an end for large sums, titles that decide twice."""
    items = shared.approvals.items
    for before, item in pairwise(items):
        low, high = before.value.up_to_yuan, item.value.up_to_yuan
        if low is None:
            problems.add(before.at("up_to_yuan"), "band_open", word=before.value.id)
        elif high is not None and high <= low:
            problems.add(item.at("up_to_yuan"), "band_order", value=high, before=low)
    if items and items[-1].value.up_to_yuan is not None and shared.approvals.complete:
        problems.add(items[-1].at("up_to_yuan"), "band_open", word=items[-1].value.id)
    for item in items:
        seen: set[str] = set()
        for index, step in enumerate(item.value.steps):
            if step.title in seen:
                problems.add(item.at("steps", index, "title"), "band_twice", word=step.title, band=item.value.id)
            seen.add(step.title)


def check_titles(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    """Note titles of a site's people that no chain knows: most likely miswritten, and nobody would be asked."""
    known = {step.title for band in shared.approvals.values() for step in band.steps}
    if not known or not shared.approvals.complete:
        return
    for item in draft.people.items:
        for index, title in enumerate(item.value.titles):
            if title not in known:
                problems.add_unknown(item.at("titles", index), "title_unknown", title, known)

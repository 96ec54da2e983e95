"""What people read about maintenance: one line per kind of work, never one per device."""

from collections.abc import Iterable, Sequence

from gateway.site.model import SiteConfig
from gateway.site.upkeep import LEVEL_NAMES
from services.maintenance.reading import Digest, Job
from services.notify.texts import Words

NAMED = 3
"""So many pieces of equipment are named; the rest is counted."""
LINES = 6
"""So many kinds of work are listed; the rest is counted."""


def overdue_title(level: int, jobs: Sequence[Job]) -> Words:
    """The title of the one alert of a level."""
    name, name_en = LEVEL_NAMES[level]
    rows = {job.row.id: job.row for job in jobs}.values()
    names = [row.name for row in rows][:NAMED]
    names_en = [row.name_en or row.name for row in rows][:NAMED]
    more, more_en = (" 等", " …") if len(rows) > NAMED else ("", "")
    count = len(jobs)
    return Words(
        f"{name}逾期 {count} 项：{'、'.join(names)}{more}",
        f"{name_en}: {count} overdue: {', '.join(names_en)}{more_en}",
    )


def digest_text(config: SiteConfig, digest: Digest, link: str) -> Words:
    """The day's message to one person."""
    site, site_en = config.site.name, config.site.name_en or config.site.name
    zh, en = [f"{site} 保养提醒"], [f"{site_en}: maintenance"]
    for title, title_en, jobs in (
        ("已逾期", "Overdue", digest.overdue),
        ("7 天内到期", "Due within 7 days", digest.soon),
    ):
        if jobs:
            zh.append(f"{title} {len(jobs)} 项")
            en.append(f"{title_en}: {len(jobs)}")
            lines = _lines(config, jobs)
            zh += [one[0] for one in lines]
            en += [one[1] for one in lines]
    return Words("\n".join([*zh, *([link] if link else [])]), "\n".join([*en, *([link] if link else [])]))


def _lines(config: SiteConfig, jobs: Iterable[Job]) -> list[tuple[str, str]]:
    kinds: dict[str, list[Job]] = {}
    for job in jobs:
        kinds.setdefault(job.task.plan, []).append(job)
    lines = []
    for plan, those in list(kinds.items())[:LINES]:
        found = config.upkeep.plan_by_id.get(plan)
        name, name_en = (found.name, found.name_en or found.name) if found is not None else (plan, plan)
        due = min(one.task.due_on for one in those)
        row = those[0].row
        of, of_en = (f"{len(those)} 台", f"{len(those)}") if len(those) > 1 else (row.name, row.name_en or row.name)
        lines.append((f"· {name}：{of}（{due:%m-%d}）", f"· {name_en}: {of_en} ({due:%m-%d})"))
    rest = sum(len(those) for those in list(kinds.values())[LINES:])
    return [*lines, (f"· 另 {rest} 项", f"· {rest} more")] if rest else lines

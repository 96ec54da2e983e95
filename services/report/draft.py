"""From records to a report that is not frozen yet: every topic is collected, counted, and put together."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.report import signing, store, weights
from services.report.assemble import TOPICS, assemble
from services.report.collect.source import Source
from services.report.model import Chapter, Evidenced, Meta, Month, ReportKind, Signer, Snapshot
from services.report.months import month_from, previous_first
from services.report.store import Draft

Progress = Callable[[str, int, int], None]
"""Told what comes next, how much is done, and of how much."""


class Assemble(Protocol):
    """Puts chapters together."""

    def __call__(
        self,
        meta: Meta,
        parts: Sequence[Chapter],
        previous: Mapping[str, float | None],
        signers: tuple[Signer, ...],
        *,
        points: Mapping[str, float] | None = None,
    ) -> Snapshot: ...


Chapters = Callable[[Source, Month, ReportKind, Progress], Sequence[Chapter]]


def silent(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def chapters(source: Source, month: Month, kind: ReportKind, progress: Progress = silent) -> list[Chapter]:
    """Every chapter of a kind of report, in the order of the outline."""
    from services.report.topics import TOPIC  # half a second, and only who counts a report needs it

    wanted = TOPICS[kind]
    found = []
    for place, topic in enumerate(wanted):
        progress(topic, place, len(wanted))
        found.append(TOPIC[topic](source, month))
    progress("", len(wanted), len(wanted))
    return found


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts reports of a site from one consistent view of the records."""

    configs: Configs
    store: TimeSeriesStore
    chapters: Chapters = chapters
    assemble: Assemble = assemble

    def draft(
        self,
        session: Session,
        config: SiteConfig,
        kind: ReportKind,
        month: Month,
        *,
        version: int,
        progress: Progress = silent,
    ) -> Draft:
        """The report of a month as the records say it now."""
        source = Source(session, self.store, config, self.configs)
        parts = self.chapters(source, month, kind, progress)
        figures = [one for part in parts for one in part.figures]
        evidence = store.evidence_of(figures)
        kept = {figure: store.refs_json(refs) for figure, refs in evidence.items()}
        meta = meta_of(self.configs, config, kind, month, version, store.evidence_digest(kept))
        previous = self.previous(session, config, kind, month)
        signers = signing.signers(config, kind)
        valid = weights.valid_on(weights.of_site(session, config.site.id), month.first_on)
        points = valid.weights if valid is not None and kind == "facilities" else None
        return Draft(self.assemble(meta, parts, previous, signers, points=points), evidence)

    def previous(
        self, session: Session, config: SiteConfig, kind: ReportKind, month: Month
    ) -> Mapping[str, float | None]:
        """Figures of the month before: as they were frozen, else counted once from the records."""
        first = previous_first(month.first_on)
        row = store.newest(session, config.site.id, kind, first)
        if row is not None:
            return store.values_of(store.read(row))
        before = month_from(first, month.timezone, month.now)
        source = Source(session, self.store, config, self.configs)
        parts = self.chapters(source, before, kind, silent)
        return values(one for part in parts for one in part.figures)


def values(figures: Any) -> dict[str, float | None]:
    """Value by figure."""
    found: list[Evidenced] = list(figures)
    return {one.figure.id: one.figure.value for one in found}


def meta_of(
    configs: Configs, config: SiteConfig, kind: ReportKind, month: Month, version: int, evidence_sha256: str
) -> Meta:
    """What the cover says."""
    site = config.site
    return Meta(
        kind=kind,
        number=store.number_of(kind, month.first_on, site.id, version),
        version=version,
        site=site.id,
        site_name=site.name,
        site_name_en=site.name_en,
        month=f"{month.first_on:%Y-%m}",
        timezone=site.timezone,
        since_at=month.since_at,
        until_at=month.until_at,
        cutoff_at=month.now,
        made_at=month.now,
        program=program_version(),
        rules=rules_hash(configs, config),
        running=not month.over,
        evidence_sha256=evidence_sha256,
    )


def program_version() -> str:
    """As the package says."""
    try:
        return metadata.version("gengfu")
    except metadata.PackageNotFoundError:
        return "unknown"


def rules_hash(configs: Configs, config: SiteConfig) -> str:
    """Hash of the site files a month is judged by, short enough for a cover."""
    told = [config.model_dump(mode="json"), [one.model_dump(mode="json") for one in configs.approvals]]
    raw = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(raw.encode()).hexdigest()[:12]

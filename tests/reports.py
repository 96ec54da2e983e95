"""A small report for tests: two figures with their records, one chapter, as the real ones are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.report.collect.source import Source
from services.report.draft import Progress
from services.report.model import (
    Change,
    Chapter,
    FigureList,
    Meta,
    Month,
    Ref,
    ReportKind,
    Section,
    Signer,
    Snapshot,
    Target,
    ratio,
)


@dataclass
class Records:
    """What the records say; a test changes it."""

    orders: list[bool] = field(default_factory=lambda: [True, True, False])
    """Which were timely."""
    asked: list[str] = field(default_factory=list)
    """Months that were counted."""
    broken: bool = False

    def chapters(self, source: Source, month: Month, kind: ReportKind, progress: Progress) -> list[Chapter]:
        """One chapter."""
        self.asked.append(f"{kind} {month.first_on:%Y-%m}")
        if self.broken:
            raise RuntimeError("the records cannot be read")
        progress("orders", 0, 1)
        refs = [
            Ref(kind="work_order", id=f"WO-{place}", counted=timely, words="按时完成" if timely else "<b>超期</b>")
            for place, timely in enumerate(self.orders)
        ]
        figure = ratio(
            "order.timely", "完成及时率", "Finished in time", refs,
            how="按时完成 ÷ 应完成", how_en="In time by all due", target=Target(op="ge", value=90.0),
            requirements=("KPI-06",),
        )  # fmt: skip
        section = Section(
            id="orders", title="工单与维修", blocks=(FigureList(id="t", caption="指标", figures=("order.timely",)),)
        )
        return [Chapter(section=section, figures=(figure,), conclusions=((1, "完成及时率不达标。"),))]


def assemble(
    meta: Meta,
    parts: Sequence[Chapter],
    previous: Mapping[str, float | None],
    signers: tuple[Signer, ...],
    *,
    points: Mapping[str, float] | None = None,
) -> Snapshot:
    """The chapters as they are."""
    figures = tuple(
        one.figure.model_copy(update={"previous": previous.get(one.figure.id)})
        for part in parts
        for one in part.figures
    )
    return Snapshot(
        meta=meta,
        conclusions=tuple(words for part in parts for _, words in part.conclusions),
        figures=figures,
        key_figures=tuple(one.id for one in figures),
        sections=tuple(part.section for part in parts if part.section is not None),
        signers=signers,
    )


def compare(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Figures whose value changed."""
    return tuple(
        Change(what=one.id, name=one.name, was=str(old.value), now=str(one.value))
        for one in after.figures
        if (old := before.figure(one.id)) is not None and old.value != one.value
    )

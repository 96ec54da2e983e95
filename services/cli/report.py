"""`gengfu report`: monthly reports from the server's terminal: make, list, explain, verify, weigh."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from gateway.site.model import Configs, SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.cli.site import Language
from services.cli.wiring import configs_of, open_database, open_store, stop_event
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.errors import Invalid, NotFound
from services.kernel.settings import Settings
from services.report import signing, store, weights, wording
from services.report.draft import Drafter
from services.report.files import FORMATS, Format, edition_of, file_name, render
from services.report.model import Figure, Ref, Snapshot
from services.report.months import previous_first
from services.report.render.edition import Edition
from services.report.service import Press
from services.report.telling import tell_waits
from services.report.watch import make_missing
from services.report.words import kind_word, record_word, said, state_word, topic_word

app = typer.Typer(no_args_is_help=True, help="Monthly reports: make, list, explain, verify.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)
BY = "cli"

Site = Annotated[str, typer.Option(help="Site id; may be left out when there is one.")]
Month = Annotated[str, typer.Option(help="Like 2026-10. Default: the month before this one.")]
Kinds = Annotated[Literal["facilities", "fire"], typer.Option("--kind", help="facilities or fire.")]
Out = Annotated[Path, typer.Option("--out", help="Directory for the files.")]
Formats = Annotated[str, typer.Option("--format", help="Which of pdf,docx,xlsx,html.")]
NoMask = Annotated[bool, typer.Option("--no-mask", help="Leave names and telephone numbers as they are.")]


@contextmanager
def _press() -> Iterator[tuple[Press, Configs, Database]]:
    settings = Settings()
    configs = configs_of(settings)
    db = open_database(settings)
    with db, closing(open_store(settings, read_only=True)) as readings:
        yield Press(db, SystemClock(), Drafter(configs, readings), tell_waits), configs, db


def _site(configs: Configs, site: str) -> SiteConfig:
    if site:
        return configs.site(site)
    if len(configs.sites) != 1:
        names = ", ".join(sorted(configs.sites))
        raise Invalid("Say which site", hint=f"--site, one of: {names}", field="site")
    return next(iter(configs.sites.values()))


def _month(config: SiteConfig, month: str) -> str:
    if month:
        return month
    today = SystemClock().now().astimezone(ZoneInfo(config.site.timezone)).date()
    return f"{previous_first(today.replace(day=1)):%Y-%m}"


def _formats(text: str) -> list[Format]:
    wanted = [one.strip() for one in text.split(",") if one.strip()]
    unknown = [one for one in wanted if one not in FORMATS]
    if unknown or not wanted:
        raise Invalid(f"{text!r} names no format", hint=f"Some of: {','.join(FORMATS)}", field="format")
    return [one for one in FORMATS if one in wanted]


@contextmanager
def _watched(what: str, lang: str) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        progress.add_task(what, total=1)
        yield progress


@app.command("monthly")
def monthly(
    month: Month = "",
    site: Site = "",
    kind: Kinds = "facilities",
    directory: Out = Path(),
    formats: Formats = "pdf,docx,xlsx",
    no_mask: NoMask = False,
    reason: Annotated[str, typer.Option(help="Why an existing report is corrected.")] = "",
    force: Annotated[bool, typer.Option("--force", help="A new version even when nothing changed.")] = False,
    lang: Language = "zh",
) -> None:
    """Freeze a month's report and write its files. Of the running month: a draft as of now, frozen nowhere."""
    wanted = _formats(formats)
    zh = lang == "zh"
    with _press() as (press, configs, db):
        config = _site(configs, site)
        chosen = _month(config, month)
        running = chosen == f"{press.clock.now().astimezone(ZoneInfo(config.site.timezone)):%Y-%m}"
        with _watched(kind_word(kind, lang), lang) as progress:

            def told(topic: str, done: int, of: int) -> None:
                words = topic_word(topic, lang) if topic else kind_word(kind, lang)
                progress.update(progress.task_ids[0], description=words, completed=done, total=of)

            if running:
                snapshot, note = press.draft(config.site.id, kind, chosen, progress=told).snapshot, _DRAFT[zh]
                edition = Edition(names=no_mask)
            else:
                made = press.make(config.site.id, kind, chosen, BY, reason=reason, force=force, progress=told)
                snapshot, note = made.snapshot, _NEW[zh] if made.is_new else _SAME[zh]
                with db.read() as session:
                    given = signing.signatures(session, made.row.id).values()
                edition = edition_of(made.row, given, names=no_mask)
            files = _write(snapshot, edition, wanted, directory, progress)
    out.print(f"[bold]{snapshot.meta.number if snapshot.meta.version else chosen}[/]  {note}")
    for change in snapshot.changes if not running else ():
        out.print(f"  {change.name}: {change.was} → {change.now}", markup=False)
    for file in files:
        out.print(f"  {file}", markup=False)


@app.command("missing", hidden=True)
def missing(
    site: Annotated[str, typer.Option(help="Site id.")],
    since: Annotated[str, typer.Option(help="Its first day, like 2026-10-01: the first month looked at.")],
) -> None:
    """Make what is due and missing: the worker's helper. Its last line of output says what was wrong."""
    if hasattr(os, "nice"):
        os.nice(10)  # whoever hears alarms goes first
    stop = stop_event()

    def leave() -> None:
        stop.wait()
        os._exit(1)  # nothing is half frozen: a version is one transaction

    threading.Thread(target=leave, daemon=True, name="leave").start()
    settings = Settings()
    configs = configs_of(settings)

    @contextmanager
    def readings() -> Iterator[TimeSeriesStore]:
        with closing(open_store(settings, read_only=True)) as opened:
            yield opened

    with open_database(settings) as db:
        try:
            make_missing(db, configs, SystemClock(), readings, site, date.fromisoformat(since))
        except Exception as error:
            out.print(" ".join(str(error).split()), markup=False)
            raise typer.Exit(1) from error


_DRAFT = {
    True: "本月尚未结束：截至此刻的草稿，未封存",
    False: "the month is not over: a draft as of now, frozen nowhere",
}
_NEW = {True: "已封存，待签", False: "frozen, waits for signatures"}
_SAME = {True: "数据没有变化，仍是这一版", False: "nothing changed, this version stands"}


def _write(
    snapshot: Snapshot, edition: Edition, wanted: list[Format], directory: Path, progress: Progress
) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for place, kind in enumerate(wanted):
        progress.update(progress.task_ids[0], description=kind, completed=place, total=len(wanted))
        file = directory / file_name(snapshot, kind)
        file.write_bytes(render(snapshot, kind, edition, Settings().report_template))
        files.append(file)
    return files


@app.command("files")
def files(
    snapshot: Annotated[str, typer.Argument(help="Id or number of a report.")],
    directory: Out = Path(),
    formats: Formats = "pdf,docx,xlsx",
    no_mask: NoMask = False,
    lang: Language = "zh",
) -> None:
    """Write the files of a frozen report again; the same snapshot gives the same bytes."""
    wanted = _formats(formats)
    with _press() as (_, _, db):
        with db.read() as session:
            row = store.get(session, snapshot)
            found, given = store.read(row), signing.signatures(session, row.id).values()
        with _watched(found.meta.number, lang) as progress:
            written = _write(found, edition_of(row, given, names=no_mask), wanted, directory, progress)
    for file in written:
        out.print(str(file), markup=False)


@app.command("list")
def list_(site: Site = "", lang: Language = "zh") -> None:
    """Every report with its version, state and signatures."""
    zh = lang == "zh"
    heads = ("编号", "月份", "种类", "状态", "签署", "生成", "由") if zh else (
        "Number", "Month", "Kind", "State", "Signed", "Made", "By"
    )  # fmt: skip
    table = Table(*heads, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True  # it is what the other commands are given
    table.columns[0].overflow = "ignore"
    table.columns[0].min_width = 20
    with _press() as (_, configs, db), db.read() as session:
        for config in [_site(configs, site)] if site else configs.sites.values():
            for row in store.of_site(session, config.site.id):
                signed = signing.signatures(session, row.id)
                table.add_row(
                    row.number, f"{row.month_on:%Y-%m}", kind_word(row.kind, lang), state_word(row.state, lang),
                    " ".join(signing.SLOT_WORDS[slot][not zh] for slot in signed) or wording.NO_DATA,
                    wording.moment(row.made_at, config.site.timezone), escape(row.made_by),
                )  # fmt: skip
    out.print(table if table.row_count else ("还没有月报" if zh else "There is no report yet"))


@app.command("explain")
def explain(
    words: Annotated[list[str], typer.Argument(metavar="SNAPSHOT FIGURE", help="With --live only FIGURE.")],
    live: Annotated[bool, typer.Option("--live", help="Count it now instead of reading a frozen report.")] = False,
    month: Annotated[str, typer.Option(help="With --live: like 2026-11. Default: this month.")] = "",
    site: Site = "",
    kind: Kinds = "facilities",
    lang: Language = "zh",
) -> None:
    """How a figure is counted, and the records it is counted from."""
    if len(words) != (1 if live else 2):
        usage = "gengfu report explain --live FIGURE" if live else "gengfu report explain SNAPSHOT FIGURE"
        raise Invalid("Name a report and one of its figures", hint=usage)
    refs: tuple[Ref, ...] | None
    with _press() as (press, configs, db):
        if live:
            config = _site(configs, site)
            now = press.clock.now().astimezone(ZoneInfo(config.site.timezone))
            draft = press.draft(config.site.id, kind, month or f"{now:%Y-%m}")
            snapshot, refs = draft.snapshot, draft.evidence.get(words[-1])
        else:
            with db.read() as session:
                row = store.get(session, words[0])
                snapshot, refs = store.read(row), store.evidence(session, row.id, words[1])
    figure = snapshot.figure(words[-1])
    if figure is None:
        known = ", ".join(one.id for one in snapshot.figures)
        raise NotFound(f"The report has no figure {words[-1]!r}", hint=f"It has: {known}", figure=words[-1][:64])
    _print_figure(figure, lang)
    _print_records(refs or (), snapshot.meta.timezone, lang)


def _print_figure(figure: Figure, lang: str) -> None:
    zh = lang == "zh"
    pairs = (
        ("数值" if zh else "Value", wording.figure_value(figure, lang)),
        ("分子／分母" if zh else "Numerator / denominator", wording.figure_parts(figure)),
        ("目标" if zh else "Target", wording.target_text(figure, lang)),
        ("结论" if zh else "Verdict", wording.verdict_text(figure.verdict, lang)),
        ("上月" if zh else "Month before", wording.previous_text(figure, lang)),
        ("口径" if zh else "How", wording.pick(figure.how, figure.how_en, lang)),
        ("依据" if zh else "Requirements", ", ".join(figure.requirements) or wording.NO_DATA),
    )
    out.print(f"[bold]{escape(wording.pick(figure.name, figure.name_en, lang))}[/]  [dim]{figure.id}[/]")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, text in pairs:
        table.add_row(f"  {name}", escape(text))
    out.print(table)


def _print_records(refs: tuple[Ref, ...], zone: str, lang: str) -> None:
    zh = lang == "zh"
    if not refs:
        out.print("没有记录" if zh else "There are no records")
        return
    heads = ("记录", "编号", "计入分子", "说明") if zh else ("Record", "Id", "Counted", "Words")
    table = Table(*heads, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[1].no_wrap = True
    table.columns[3].overflow = "fold"
    for one in sorted(refs, key=lambda ref: ref.counted):  # what missed first: that is what is asked about
        mark = wording.MARKS[one.counted]
        table.add_row(record_word(one.kind, lang), escape(one.id), mark, escape(said(one.words, zone)))
    out.print(table)
    counted = sum(one.counted for one in refs)
    out.print(f"{counted} / {len(refs)}" + (" 条记录" if zh else " records"))


@app.command("verify")
def verify(snapshot: Annotated[str, typer.Argument(help="Id or number of a report.")], lang: Language = "zh") -> None:
    """Recompute the hash of a report and compare it with every signature. Exit code 1 when something is wrong."""
    zh = lang == "zh"
    with _press() as (_, configs, db), db.read() as session:
        found = signing.verify(session, snapshot)
        config = configs.sites.get(found.row.site)
    zone = config.site.timezone if config else "UTC"
    out.print(f"[bold]{found.row.number}[/]  {state_word(found.row.state, lang)}")
    out.print(f"  SHA-256 {found.sha256 or wording.NO_DATA}")
    for one in found.signatures:
        words = signing.SLOT_WORDS[one.slot][not zh]  # type: ignore[index]
        told = (
            f"  {words}  {one.name} ({one.username})  {wording.moment(one.at, zone)}  {one.sha256[:12]}  {one.comment}"
        )
        out.print(told.rstrip(), markup=False)
    for problem in found.problems:
        out.print(f"  [bold red]✗[/] {escape(problem)}")
    if found.problems:
        raise typer.Exit(1)
    out.print("[green]✓[/] " + ("内容、依据与签名一致" if zh else "Content, evidence and signatures agree"))


_WEIGHT = re.compile(r"([a-z][a-z0-9_.]{1,63})=(\d+(?:\.\d+)?)")


@app.command("weights")
def weights_(
    site: Site = "",
    new: Annotated[list[str], typer.Option("--set", help="FIGURE=PERCENT, once for each; together 100.")] = [],  # noqa: B006 - the framework copies it
    from_on: Annotated[str, typer.Option("--from", help="First of the month they hold from, e.g. 2026-12-01.")] = "",
    reason: Annotated[str, typer.Option(help="Why, e.g. the stage's emphasis.")] = "",
    lang: Language = "zh",
) -> None:
    """Weights of key figures and from when they hold; with --set new ones (KPI-13). Older months keep theirs."""
    zh = lang == "zh"
    with _press() as (press, configs, db):
        config = _site(configs, site)
        now = press.clock.now()
        today = now.astimezone(ZoneInfo(config.site.timezone)).date()
        if new:
            given = [_WEIGHT.fullmatch(one.strip()) for one in new]
            if not all(given):
                raise Invalid("A weight is written FIGURE=PERCENT", hint="E.g. --set order.timely=40", field="weights")
            chosen = {one[1]: float(one[2]) for one in given if one is not None}
            start = _day(from_on) if from_on else today.replace(day=1)
            with db.begin() as session:
                weights.put(session, config.site.id, start, chosen, now, today=today, actor=BY, reason=reason)
        with db.read() as session:
            sets = weights.of_site(session, config.site.id)
    if not sets:
        out.print("没有设置权重" if zh else "No weights are set")
    valid = weights.valid_on(sets, today)
    for one in sets:
        mark = (" ← 现行" if zh else " ← in force") if one is valid else ""
        out.print(f"[bold]{one.from_on}[/]{mark}  [dim]{escape(one.set_by)}  {escape(one.reason)}[/]")
        for figure, weight in one.weights.items():
            out.print(f"  {figure:<28}{weight:>6g} %", markup=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is no day", hint="Write it like 2026-12-01", field="from_on") from error

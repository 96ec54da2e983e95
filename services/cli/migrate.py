"""`gengfu migrate`: from the embedded files to PostgreSQL and InfluxDB."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from services.cli.site import Language
from services.cli.wiring import influx_server
from services.flows.learning import MINUTES_KEPT
from services.kernel.clock import SystemClock
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings
from services.transfer import state as state_transfer
from services.transfer import timeseries as transfer
from services.transfer.errors import SourceInUse
from services.transfer.mark import Mark
from services.transfer.readings import Report
from services.transfer.source import Source
from services.transfer.target import Target, address

app = typer.Typer(
    no_args_is_help=True,
    help="Move what is stored from the embedded files to PostgreSQL and InfluxDB. See docs/operations/migrate.md.",
)
out = Console(highlight=False)
_SHOWN = 10
_PHASES = {"check": ("检查", "checking"), "copy": ("复制", "copying"), "verify": ("核对", "verifying")}


@app.command("state")
def state(
    to: Annotated[str, typer.Option("--to", help="postgresql://user@host/name, without the password.")],
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the password. Default: GENGFU_DATABASE_PASSWORD.")
    ] = None,
    start_over: Annotated[
        bool, typer.Option("--start-over", help="Throw away what an unfinished copy put into the target.")
    ] = False,
    lang: Language = "zh",
) -> None:
    """Copy the state (alerts, rounds, work orders, accounts …) from SQLite into an empty PostgreSQL database.

    Gengfu must be stopped. May be interrupted and run again: it goes on where it was. Ends by comparing every row.
    """
    settings, zh = Settings(), lang == "zh"
    target = Target(address(to, _password(settings, password_file, zh=zh)))
    try:
        with Source(settings.data_dir / "gengfu.db") as source:
            sizes = state_transfer.sizes(source)
            with _Bars(zh=zh) as bars:
                bars.begin(sum(sizes.values()))
                done = state_transfer.transfer(
                    source, target, lambda phase, _table, rows: bars.step(phase, rows), start_over=start_over
                )
    finally:
        target.close()
    rows = sum(tally.rows for tally in done.values())
    verified = f"{len(done)} 张表，{rows:,} 行，逐行核对一致" if zh else f"{len(done)} tables, {rows:,} rows, all equal"
    out.print(
        f"[green]✓[/] {escape(str(settings.data_dir / 'gengfu.db'))} → {escape(target.name)}: {verified}",
        soft_wrap=True,
    )
    out.print("现在修改设置，再启动：" if zh else "Now change the settings, then start:")
    out.print(f"  GENGFU_DATABASE_URL={escape(target.name.replace(':***@', '@'))}", soft_wrap=True)
    out.print(
        "  GENGFU_DATABASE_PASSWORD=…  "
        + ("或 GENGFU_SECRETS_DIR 中的文件" if zh else "or, in GENGFU_SECRETS_DIR, the file")
        + " gengfu_database_password"
    )
    kept = "SQLite 文件没有改动，可以退回" if zh else "The SQLite file is unchanged: you can go back to it"
    keep = "数据目录中的其他文件仍然需要" if zh else "Everything else in the data directory is still needed"
    out.print(f"[dim]{kept}. {keep} ({escape(settings.secret_key_path.name)}, outbox).[/]")


def _password(settings: Settings, file: Path | None, *, zh: bool) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"--password-file {file}: {error.strerror}") from error
    found = settings.database_password.get_secret_value()
    if found or not out.is_terminal:
        return found
    question = "PostgreSQL 密码（没有就直接回车）" if zh else "Password of PostgreSQL (none: just Enter)"
    return str(typer.prompt(question, default="", hide_input=True, show_default=False))


@app.command("timeseries")
def timeseries(
    to: Annotated[Literal["influx"], typer.Option("--to", help="influx: the InfluxDB of GENGFU_INFLUX_URL.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Copy nothing, only compare; exit code 1 if different.")
    ] = False,
    start_over: Annotated[bool, typer.Option("--start-over", help="Copy everything again.")] = False,
    lang: Language = "zh",
) -> None:
    """Copy the readings from the SQLite file to InfluxDB: raw, minutes, hours, and how far the rollups are.

    While Gengfu runs, what is closed is copied (exit code 3); stop it and run this again for the rest and the
    comparison. May be interrupted and run again: it goes on where it was.
    """
    settings, zh, now = Settings(), lang == "zh", SystemClock().now()
    if not settings.influx_url:
        raise SettingsError("GENGFU_INFLUX_URL is empty", hint="Set it (and the token) for this command")
    server, path = influx_server(settings), settings.timeseries_path
    mark = Mark(path.with_name(f"{path.name}.transfer"), f"{server.url} {server.bucket}")
    if start_over:
        mark.forget()
    keep = transfer.Keep(timedelta(days=settings.raw_days), MINUTES_KEPT)
    with _Bars(zh=zh) as bars:
        try:
            found = transfer.copy_stopped(path, server, keep, now, bars.begin, bars.step, mark, only_verify=verify)
        except SourceInUse:
            if verify:
                raise
            rows = transfer.copy_running(path, server, keep, now, bars.begin, bars.step, mark)
            bars.close()
            out.print(f"已复制 {rows:,} 行。更夫正在运行" if zh else f"{rows:,} rows copied. Gengfu is running", end="")
            out.print("：停止它，再运行一次，复制余下部分并核对" if zh else ": stop it and run this again for the rest")
            raise typer.Exit(3) from None
    if not settings.ingest_groups and not verify:
        transfer.hand_over_claims(path, settings.spool_path(settings.ingest_group), settings.spool_mib << 20)
    _tell(found, settings, zh=zh)


def _tell(found: Report, settings: Settings, *, zh: bool) -> None:
    where = (
        f"{escape(str(settings.timeseries_path))} → {escape(settings.influx_url)} ({escape(settings.influx_bucket)}_…)"
    )
    out.print(f"[green]✓[/] {where}: " + ("核对一致" if zh else "equal"), soft_wrap=True)
    if found.again:
        what = "处不一致，已重新复制" if zh else "places differed and were copied again"
        out.print(f"  {len(found.again)} {what}: " + escape("; ".join(found.again[:_SHOWN])), soft_wrap=True)
    if found.merged:
        what = (
            "个读数与同一毫秒的另一个读数无法区分"
            if zh
            else "readings cannot be told from another of their millisecond"
        )
        out.print(f"  {found.merged} {what}")
    for line in found.left[:_SHOWN]:
        out.print(f"  [yellow]![/] {escape(line)}", soft_wrap=True)
    out.print("现在修改设置，再启动：" if zh else "Now change the settings, then start:")
    out.print(f"  GENGFU_INFLUX_URL={escape(settings.influx_url)}", soft_wrap=True)
    out.print(
        f"  GENGFU_INFLUX_ORG={escape(settings.influx_org)}  GENGFU_INFLUX_BUCKET={escape(settings.influx_bucket)}"
    )
    out.print("  GENGFU_INFLUX_TOKEN=…  " + ("或文件" if zh else "or the file") + " gengfu_influx_token")


class _Rate(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s".rjust(10), style="progress.data.speed")


class _Bars:
    """A bar for each phase, shown when it begins."""

    def __init__(self, *, zh: bool) -> None:
        columns = (
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=out)
        self._place = 0 if zh else 1
        self._tasks: dict[str, TaskID] = {}
        self._total = 0

    def begin(self, total: int) -> None:
        """So many rows will be gone through in each phase."""
        self._total = total

    def step(self, phase: str, rows: int) -> None:
        """So many more are done."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(_PHASES[phase][self._place], total=self._total)
        self._progress.advance(self._tasks[phase], rows)

    def close(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""`gengfu grafana`: brings the boards to an existing Grafana, says what differs there, and whether all of it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from dashboards import compare, files, sources
from dashboards.board import FOLDER
from dashboards.compare import Standing
from dashboards.queries import STATE
from dashboards.sources import InfluxVersion
from services.annotation.grafana import Grafana
from services.cli import grafana_check
from services.cli.marking import console_of, grafana_of
from services.cli.site import Language
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Boards and data sources of an existing Grafana: docs/operations/grafana.md."
)
out = Console(highlight=False, soft_wrap=True)
TITLE = "更夫 Gengfu"
_MOST_SHOWN = 12

_STANDINGS: dict[Standing, tuple[str, str]] = {
    "missing": ("还没有", "not there yet"),
    "same": ("一致", "up to date"),
    "older": ("旧版本，可直接更新", "an older version of ours"),
    "edited": ("在 Grafana 里被人改过", "changed by hand in Grafana"),
    "provisioned": ("由文件提供，内容不同：请更新文件", "provided by files and different: bring the files up to date"),
}

Force = Annotated[bool, typer.Option("--force", help="Overwrite boards that were changed by hand, too.")]


@app.command()
def push(force: Force = False, lang: Language = "zh") -> None:
    """Bring every board into the folder «gengfu». What was changed by hand stays, unless --force; exit code 1 then."""
    zh = lang == "zh"
    settings = Settings()
    with _connected(settings) as grafana:
        if grafana.folder(FOLDER) is None:
            grafana.create_folder(FOLDER, TITLE)
            out.print(f"✓ 已创建文件夹 {TITLE}" if zh else f"✓ Made the folder {TITLE}")
        kept = 0
        for uid, (ours, theirs, stands) in _boards(grafana, settings).items():
            if stands == "provisioned" or (stands == "edited" and not force):
                kept += 1
                what = _word(stands, zh) + (
                    "" if stands == "provisioned" else "（--force 覆盖）" if zh else " (--force)"
                )
                out.print(f"[yellow]![/] {uid}: {what}")
            elif stands == "same":
                out.print(f"[dim]= {uid}: {_word(stands, zh)}[/]")
            else:
                # Without --force the version says what we looked at: a change made meanwhile is refused, not lost.
                seen = {} if theirs is None else {"version": theirs.get("version", 0)}
                grafana.put_board({**ours, **seen}, FOLDER, "gengfu grafana push", overwrite=force)
                out.print(f"[green]✓[/] {uid}: " + ("已推送" if zh else "pushed"))
        lacking = [uid for uid in sources.NAMES if grafana.source(uid) is None]
    if lacking:
        names = ", ".join(lacking)
        say = (
            f"缺少数据源 {names}：运行 gengfu grafana sources"
            if zh
            else f"No data source {names}: run gengfu grafana sources"
        )
        out.print(f"[yellow]![/] {say}")
    if kept:
        raise typer.Exit(1)


@app.command()
def diff(lang: Language = "zh") -> None:
    """Say what differs between Grafana's boards and ours, place by place. Exit code 1 if anything does."""
    zh = lang == "zh"
    settings = Settings()
    with _connected(settings) as grafana:
        found = _boards(grafana, settings)
    for uid, (ours, theirs, stands) in found.items():
        out.print(f"[bold]{uid}[/]: {_word(stands, zh)}")
        if theirs is None or stands == "same":
            continue
        places = compare.differences(ours, theirs)
        for place in places[:_MOST_SHOWN]:
            out.print(f"  {escape(place)}")
        if len(places) > _MOST_SHOWN:
            more = len(places) - _MOST_SHOWN
            out.print(f"  … 另有 {more} 处" if zh else f"  … and {more} more")
    if any(stands != "same" for *_, stands in found.values()):
        raise typer.Exit(1)


@app.command()
def check(lang: Language = "zh") -> None:
    """Check version, rights, data sources, boards and every question of every panel. Exit code 1 if one is wrong."""
    zh = lang == "zh"
    settings = Settings()
    with _connected(settings) as grafana:
        standings = {uid: stands for uid, (*_, stands) in _boards(grafana, settings).items()}
        findings = [
            *grafana_check.of_version(grafana.version()),
            *grafana_check.of_folder(grafana),
            *grafana_check.of_sources(grafana),
            *grafana_check.of_boards({uid: (stands, _STANDINGS[stands]) for uid, stands in standings.items()}),
            *grafana_check.of_queries(grafana, files.models()),
        ]
    for finding in findings:
        mark = "[green]✓[/]" if finding.is_well else "[red]✗[/]"
        out.print(f"{mark} {escape(finding.zh if zh else finding.en)}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@app.command("sources")
def make_sources(
    influx_url: Annotated[
        str, typer.Option(help="InfluxDB as Grafana reaches it. Default: that of the settings.")
    ] = "",
    influx_version: Annotated[InfluxVersion, typer.Option(help="1 (1.8 and later), 2 or 3.")] = "2",
    influx_token_file: Annotated[
        Path | None, typer.Option(help="File with a token that may read the three buckets; of 1.x the password.")
    ] = None,
    influx_user: Annotated[str, typer.Option(help="User of InfluxDB 1.x.")] = "",
    state_host: Annotated[str, typer.Option(help="PostgreSQL as Grafana reaches it, host:port.")] = "",
    state_database: Annotated[str, typer.Option(help="Name of the state database.")] = "gengfu",
    state_password_file: Annotated[
        Path | None, typer.Option(help="File with the password of the role gengfu_grafana.")
    ] = None,
    lang: Language = "zh",
) -> None:
    """Make the data sources that are missing; what is there is never touched. The token needs the role Admin."""
    zh = lang == "zh"
    settings = Settings()
    wanted: dict[str, dict[str, Any]] = {}
    url = influx_url or settings.influx_url
    if url and influx_token_file is not None:
        server = sources.Influx(url, settings.influx_bucket, influx_version, _secret(influx_token_file), influx_user)
        wanted |= {model["uid"]: model for model in sources.influx(server)}
    if state_host and state_password_file is not None:
        wanted[STATE.uid] = sources.state(sources.State(state_host, state_database, _secret(state_password_file)))
    lacking = 0
    with _connected(settings) as grafana:
        for uid in sources.NAMES:
            if grafana.source(uid) is not None:
                out.print(f"[dim]= {uid}: " + ("已有" if zh else "is there") + "[/]")
            elif uid in wanted:
                grafana.create_source(wanted[uid])
                out.print(f"[green]✓[/] {uid}: " + ("已创建" if zh else "made"))
            else:
                lacking += 1
                out.print(f"[red]✗[/] {uid}: " + (_LACKING[uid == STATE.uid][0 if zh else 1]))
    if lacking:
        raise typer.Exit(1)


_LACKING = {
    False: ("请给出 --influx-url 和 --influx-token-file", "give --influx-url and --influx-token-file"),
    True: ("请给出 --state-host 和 --state-password-file", "give --state-host and --state-password-file"),
}


@contextmanager
def _connected(settings: Settings) -> Iterator[Grafana]:
    grafana = grafana_of(settings)
    if grafana is None:
        raise SettingsError(
            "GENGFU_GRAFANA_URL or GENGFU_GRAFANA_TOKEN is not set",
            hint="Make a service account with the role Editor in Grafana and give its address and token",
        )
    try:
        yield grafana
    finally:
        grafana.close()


Found = tuple[dict[str, Any], dict[str, Any] | None, Standing]


def _boards(grafana: Grafana, settings: Settings) -> dict[str, Found]:
    """Of each board: ours as it would be pushed, Grafana's, and how they stand to each other."""
    found: dict[str, Found] = {}
    for uid, model in files.models().items():
        ours = compare.pushed(model, console_of(settings))
        answer = grafana.board(uid)
        theirs = None if answer is None else answer["dashboard"]
        provisioned = answer is not None and bool(answer.get("meta", {}).get("provisioned"))
        if provisioned:  # by `gengfu init`: the same constants as in the files, and no stamp
            ours = files.with_constants(model, {"console": console_of(settings)})
        found[uid] = (ours, theirs, compare.standing(ours, theirs, provisioned=provisioned))
    return found


def _word(stands: Standing, zh: bool) -> str:
    return _STANDINGS[stands][0 if zh else 1]


def _secret(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="Give the file that holds it") from error
    if not text:
        raise SettingsError(f"{path} is empty", hint="Run gengfu influx setup first, or write the secret there")
    return text

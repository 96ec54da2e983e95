"""`gengfu ledger`: the equipment ledger as a file, its gaps, and its labels."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.problems import Language
from services.cli.wiring import configs_of, open_database
from services.equipment import documents, service
from services.equipment.model import completeness
from services.equipment.sheet import importing, reading, writing
from services.equipment.sheet.columns import BY_KEY
from services.equipment.sheet.words import column_name, sentence
from services.equipment.tables import Equipment
from services.kernel.clock import SystemClock
from services.kernel.errors import Invalid
from services.kernel.settings import Settings
from services.maintenance.model import plans_for

app = typer.Typer(no_args_is_help=True, help="The equipment ledger. See docs/equipment.md.")
out = Console(highlight=False)
_ACTOR = "local-admin"
_SHOWN = 200
_FACTS = {
    "nameplate": ("铭牌", "nameplate"),
    "place": ("位置", "place"),
    "owner": ("责任人", "owner"),
    "plan": ("保养计划", "plan"),
    "file": ("技术档案", "file"),
}

SiteOption = Annotated[str, typer.Option("--site", help="Site id; may be left out when there is only one.")]
LangOption = Annotated[Language, typer.Option("--lang", envvar="GENGFU_LANG", help="zh or en")]


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The .xlsx file to write.")],
    site: SiteOption = "",
    lang: LangOption = "zh",
) -> None:
    """Write the whole ledger of a site as xlsx."""
    settings = Settings()
    config = _site(settings, site)
    with open_database(settings) as db, db.begin() as session:
        rows = _rows(session, config)
        file.write_bytes(writing.workbook(config, rows, lang))
    out.print(f"{escape(str(file))}  {len(rows)}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="An .xlsx file as `export` writes it.", exists=True, dir_okay=False)],
    site: SiteOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Take the rows that have no problem.")] = False,
    lang: LangOption = "zh",
) -> None:
    """Bring the ledger in line with a file: all of it, or with a problem nothing."""
    settings = Settings()
    config = _site(settings, site)
    if file.stat().st_size > reading.MAX_BYTES:
        raise Invalid(f"{file} is larger than 5 MiB", hint="Send the ledger alone, without pictures")
    table = reading.read(file.read_bytes())
    with open_database(settings) as db:
        with db.begin() as session:
            plan = importing.plan(config, _rows(session, config), table)
        for one in plan.problems[:_SHOWN]:
            out.print(
                f"[red]✗[/] {one.row or '-'}  {escape(column_name(one.column, lang))}  {escape(sentence(one, lang))}"
            )
        if len(plan.problems) > _SHOWN:
            out.print(f"[red]…[/] {len(plan.problems) - _SHOWN}")
        if not dry_run and not plan.blocked and (partial or not plan.problems):
            with db.begin() as session:
                plan = importing.carry_out(session, config, table, SystemClock().now(), actor=_ACTOR, partial=partial)
    names = ("新增", "有改动", "无改动", "有问题") if lang == "zh" else ("new", "changed", "unchanged", "with problems")
    counts = [len(plan.of("new")), len(plan.of("changed")), len(plan.of("unchanged")), plan.rows_with_problems]
    out.print("  ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True)))
    if plan.problems and (plan.blocked or not partial):
        raise typer.Exit(1)


@app.command("gaps")
def gaps(site: SiteOption = "", lang: LangOption = "zh") -> None:
    """List what entries lack: nameplate, place, owner, plan, file (LED-10)."""
    settings = Settings()
    config = _site(settings, site)
    english = lang == "en"
    complete = 0
    with open_database(settings) as db, db.begin() as session:
        rows = [row for row in _rows(session, config) if row.declared and row.status != "scrapped"]
        having = documents.with_documents(session, config.site.id)
        for row in rows:
            has_plan = bool(plans_for(config.upkeep, row.kind, row.eid))
            judged = completeness(config, row, has_plan, row.id in having)
            complete += not judged.missing
            if judged.missing:
                lacks = (", " if english else "、").join(_FACTS[fact][english] for fact in judged.missing)
                name = row.name_en if english and row.name_en else row.name
                out.print(f"{judged.score:>3}%  {escape(row.eid)}  {escape(name)}  {lacks}")
    out.print(f"{complete} / {len(rows)} {'complete' if english else '台（件）资料齐全'}")


@app.command("labels")
def labels(site: SiteOption = "", lang: LangOption = "zh") -> None:
    """List the addresses that the labels carry, tab-separated: for a label printer's own program."""
    settings = Settings()
    config = _site(settings, site)
    base = (settings.public_url or config.site.console_url).rstrip("/")
    heads = [BY_KEY[key].heading(lang) for key in ("eid", "code", "name", "tag")]
    typer.echo("\t".join([*heads, "URL"]))
    with open_database(settings) as db, db.begin() as session:
        for row in _rows(session, config):
            if not row.declared or row.status == "scrapped":
                continue
            name = row.name_en if lang == "en" and row.name_en else row.name
            cells = (row.eid, row.code, name, row.tag, f"{base}/e/{row.tag}")
            typer.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in cells))


def _rows(session: Session, config: SiteConfig) -> list[Equipment]:
    """The site's ledger, with what the site files declare even before the worker has ever run."""
    service.sync(session, config, SystemClock().now())
    return service.of_site(session, config.site.id)


def _site(settings: Settings, wanted: str) -> SiteConfig:
    sites = configs_of(settings).sites
    if wanted in sites:
        return sites[wanted]
    if not wanted and len(sites) == 1:
        return next(iter(sites.values()))
    raise Invalid(
        f"There is no site {wanted!r}" if wanted else "Which site?", hint=f"--site {' | '.join(sorted(sites))}"
    )

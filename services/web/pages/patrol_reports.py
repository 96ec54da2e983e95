"""Patrol reports: a shift day, a period's exceptions, a month; each as a page to print and sign, as CSV and as xlsx."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.patrol.reporting import export
from services.patrol.reporting.export import Sheet
from services.web.deps import Now, Signed, Svc, Who
from services.web.pages.patrol import Name, views
from services.web.queries import patrol_report as queries
from services.web.queries import patrol_sheets as sheets
from services.web.queries.patrol import fate_word
from services.web.queries.patrol_names import Names, site_or_first
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Format = Literal["csv", "xlsx"]
First = Annotated[date | None, Query(alias="from")]
Last = Annotated[date | None, Query(alias="to")]
Month = Annotated[str, Query(max_length=7)]


@router.get("/patrol/report")
def report(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    day: date | None = None,
    shift: Name = "",
    site: Name = "",
) -> Response:
    """The patrol report of the shifts that start on a day."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    today = now.astimezone(queries.zone_of(config)).date()
    chosen = min(day or today, today)
    with svc.db.read() as s:
        reports = queries.daily(s, config, chosen, shift)
    context = {
        "reports": reports,
        "names": names,
        "site": config.site.id,
        "site_name": names.places.name(config.site),
        "day": chosen,
        "today": today,
        "one_day": timedelta(days=1),
        "fate_word": fate_word,
        "shift": shift,
        "shifts": {one.id: names.places.name(one) for one in config.patrol.shifts},
        **views("report"),
    }
    return render(request, "patrol_report.html", context, who=who)


@router.get("/patrol/report.{kind}")
def report_file(
    svc: Svc, actor: Signed, who: Who, now: Now, kind: Format, day: date, shift: Name = "", site: Name = ""
) -> Response:
    """The same as a file."""
    config = site_or_first(svc.configs, site)
    with svc.db.read() as s:
        reports = queries.daily(s, config, day, shift)
        tables = sheets.daily(reports, Names(svc.configs, who.language), config.site.id)
    return file_answer(tables, kind, f"patrol-{config.site.id}-{day}" + (f"-{shift}" if shift else ""))


@router.get("/patrol/exceptions")
def exceptions(
    request: Request,
    svc: Svc,
    actor: Signed,
    who: Who,
    now: Now,
    first: First = None,
    last: Last = None,
    site: Name = "",
) -> Response:
    """What went wrong in a period."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    since, until = queries.period(config, first, last, now)
    with svc.db.read() as s:
        found = queries.exception_report(s, config, since, until, now)
    context = {
        "report": found,
        "names": names,
        "site": config.site.id,
        "site_name": names.places.name(config.site),
        "first": since,
        "last": until,
        "marks": sheets.MARKS,
        "group_name": sheets.group_name,
        "gap_text": gap_text,
        **views("exceptions"),
    }
    return render(request, "patrol_exceptions.html", context, who=who)


@router.get("/patrol/exceptions.{kind}")
def exceptions_file(
    svc: Svc, actor: Signed, who: Who, now: Now, kind: Format, first: First = None, last: Last = None, site: Name = ""
) -> Response:
    """The same as a file."""
    config = site_or_first(svc.configs, site)
    since, until = queries.period(config, first, last, now)
    with svc.db.read() as s:
        tables = sheets.exceptions(
            queries.exception_report(s, config, since, until, now), Names(svc.configs, who.language)
        )
    return file_answer(tables, kind, f"patrol-exceptions-{config.site.id}-{since}-{until}")


@router.get("/patrol/month")
def month(
    request: Request, svc: Svc, actor: Signed, who: Who, now: Now, month: Month = "", site: Name = ""
) -> Response:
    """The month's completion per kind of route."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    first = queries.parse_month(month, config, now)
    with svc.db.read() as s:
        lines = queries.month(s, config, first, names)
    context = {
        "lines": sheets.without_lone_routes(lines),
        "names": names,
        "site": config.site.id,
        "site_name": names.places.name(config.site),
        "first": first,
        "before": (first - timedelta(days=1)).replace(day=1),
        "after": queries.next_month(first),
        "today": now.astimezone(queries.zone_of(config)).date(),
        "days": sheets.days_of(first, queries.next_month(first)),
        "route_name": sheets.route_name,
        **views("month"),
    }
    return render(request, "patrol_month.html", context, who=who)


@router.get("/patrol/month.{kind}")
def month_file(
    svc: Svc, actor: Signed, who: Who, now: Now, kind: Format, month: Month = "", site: Name = ""
) -> Response:
    """The same as a file."""
    config = site_or_first(svc.configs, site)
    names = Names(svc.configs, who.language)
    first = queries.parse_month(month, config, now)
    with svc.db.read() as s:
        lines = queries.month(s, config, first, names)
    tables = sheets.month(lines, sheets.days_of(first, queries.next_month(first)), names)
    return file_answer(tables, kind, f"patrol-month-{config.site.id}-{first:%Y-%m}")


def gap_text(gap: timedelta | None) -> str:
    """`2:05`, hours and minutes; seconds too below a minute and a half, a dash for none."""
    if gap is None:
        return "–"
    seconds = int(gap.total_seconds())
    return f"{seconds} s" if seconds < 90 else f"{seconds // 3600}:{seconds // 60 % 60:02d}"


def file_answer(tables: Sequence[Sheet], kind: Format, name: str) -> Response:
    """Tables as a download."""
    content = export.csv_bytes(tables) if kind == "csv" else export.xlsx_bytes(tables)
    media = export.CSV_TYPE if kind == "csv" else export.XLSX_TYPE
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}.{kind}"
    return Response(content, media_type=media, headers={"Content-Disposition": disposition})

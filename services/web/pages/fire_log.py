"""The signal log: every signal with its raw frame beside its decoding, filtered, by page and as a file."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from gateway.site.model import SiteConfig
from services.web import fire_words
from services.web.deps import Signed, Svc, Who
from services.web.pages.fire import views
from services.web.pages.patrol import Name
from services.web.pages.patrol_reports import Format, file_answer
from services.web.queries import fire_log as queries
from services.web.queries.fire import points_by_building
from services.web.queries.fire_names import FireNames, fire_site
from services.web.templating import render

router = APIRouter(include_in_schema=False)

Code = Annotated[str, Query(max_length=32, pattern="^[a-z_]*$")]


class Asked:
    """The filter as the address says it."""

    def __init__(
        self,
        svc: Svc,
        site: Name = "",
        panel: Name = "",
        building: Name = "",
        scope: Code = "",
        state: Code = "",
        test: Annotated[Literal["", "yes", "no"], Query()] = "",
        component: Annotated[str, Query(max_length=200)] = "",
        incident: Annotated[str, Query(max_length=26)] = "",
        since: Annotated[queries.Day | None, Query(alias="from")] = None,
        until: Annotated[queries.Day | None, Query(alias="to")] = None,
        before: queries.AnyMoment | None = None,
        before_id: Annotated[str, Query(max_length=180)] = "",
    ) -> None:
        self.config: SiteConfig = fire_site(svc.configs, site)
        self.since, self.until = since, until
        zone = ZoneInfo(self.config.site.timezone)
        self.filter = queries.Filter(
            site=self.config.site.id,
            panel=panel,
            building=building,
            scope=scope,
            state=state,
            test=test,
            component=component,
            incident=incident,
            since=datetime.combine(since, time(), zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
            before=before if before is not None and before.tzinfo is not None else None,
            before_id=before_id,
        )

    @property
    def words(self) -> dict[str, str]:
        """The filter as parameters of an address, without the place in the list."""
        names = ("site", "panel", "building", "scope", "state", "test", "component", "incident")
        found = {name: str(getattr(self.filter, name)) for name in names}
        days = {"from": self.since, "to": self.until}
        return {
            name: value
            for name, value in {**found, **{key: str(day) for key, day in days.items() if day}}.items()
            if value
        }


@router.get("/fire/log")
def log(request: Request, svc: Svc, actor: Signed, who: Who, asked: Annotated[Asked, Depends()]) -> Response:
    """The log, newest first."""
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        rows = queries.signals(s, asked.filter)
        numbers = queries.numbers(s, rows)
        lines = [queries.line(one, names, numbers) for one in rows]
    context = {"lines": lines, "asked": asked, "page_size": queries.PAGE, **_choices(asked.config, names)}
    return render(request, "fire_log.html", {**context, **views("log", names)}, who=who)


@router.get("/fire/log.{kind}")
def log_file(svc: Svc, actor: Signed, who: Who, kind: Format, asked: Annotated[Asked, Depends()]) -> Response:
    """The same as a file, all pages of it, at most EXPORT_MAX signals."""
    names = FireNames(svc.configs, who.language)
    with svc.db.read() as s:
        rows = queries.signals(s, asked.filter, queries.EXPORT_MAX)
        table = queries.sheet(rows, names, queries.numbers(s, rows))
    days = "-".join(str(day) for day in (asked.since, asked.until) if day)
    return file_answer([table], kind, f"fire-{asked.config.site.id}" + (f"-{days}" if days else ""))


def _choices(config: SiteConfig, names: FireNames) -> dict[str, Any]:
    site = config.site.id
    return {
        "site": site,
        "panels": {one.id: names.device(site, one.id) for one in config.fire.panels},
        "buildings": {one: names.building(site, one) for one in points_by_building(config)},
        "scopes": list(fire_words.SCOPES),
        "state_codes": list(fire_words.STATES),
    }

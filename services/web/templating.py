"""Templates: one environment per language, with the filters pages use for times, numbers and words."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from services.people.roles import Actor, may
from services.web import boards, i18n, labels
from services.web.deps import Services, Visitor, services
from services.web.i18n import LANGUAGES
from services.web.queries import fire_banner
from services.web.queries.places import Places

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def static_url(name: str) -> str:
    """Address of a static file that changes with its content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


@cache
def environment(language: str) -> Environment:
    """The template environment of a language."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = i18n.catalogue(language)
    env.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    translate = catalogue.gettext
    env.globals.update(
        static_url=static_url,
        language=language,
        html_language=i18n.HTML_LANGUAGES[language],
        languages=LANGUAGES,
        word=lambda kind, value: labels.word(kind, value, translate),
        may=may,
        span=lambda delta: i18n.span(delta, language),
    )
    env.filters.update(number=number, hexdump=hexdump, iso=iso)
    return env


def render(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    *,
    who: Visitor | None,
    language: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page or fragment in the visitor's language."""
    svc = services(request)
    tongue = language or (who.language if who else i18n.DEFAULT)
    page = environment(tongue).get_template(template)
    actor = who.actor if who else None
    shared = {**_shared(svc, tongue), "who": who, "actor": actor, "path": request.url.path}
    shared["my_name"] = _name(svc, actor, tongue)
    return HTMLResponse(page.render({**shared, **context}), status_code=status, headers=dict(headers or {}))


def _name(svc: Services, actor: Actor | None, language: str) -> str:
    """What somebody who is signed in is called; the account has only the Chinese name."""
    if actor is None or language != "en":
        return actor.display_name if actor else ""
    name = Places(svc.configs, language).person(actor.username)
    return actor.display_name if name == actor.username else name


def _shared(svc: Services, language: str) -> dict[str, Any]:
    now = svc.clock.now()
    zones = {site.site.id: ZoneInfo(site.site.timezone) for site in svc.configs.sites.values()}
    default = next(iter(zones.values()), ZoneInfo("UTC"))

    def local(moment: datetime, site: str = "") -> datetime:
        return moment.astimezone(zones.get(site, default))

    def clock_time(moment: datetime, site: str = "") -> str:
        there, today = local(moment, site), local(now, site)
        if there.date() == today.date():
            return there.strftime("%H:%M:%S")
        return there.strftime("%m-%d %H:%M" if there.year == today.year else "%Y-%m-%d %H:%M")

    def full_time(moment: datetime, site: str = "") -> str:
        return local(moment, site).strftime("%Y-%m-%d %H:%M:%S %Z")

    return {
        "now": now,
        "sites": [site.site for site in svc.configs.sites.values()],
        "clock_time": clock_time,
        "full_time": full_time,
        "ago": lambda moment: i18n.ago(now - moment, language),
        "in_words": lambda delta: i18n.span(delta, language),
        "left": lambda due: countdown(due - now),
        "grafana_board": partial(boards.url, svc.settings.grafana_url),
        "grafana_point": partial(boards.of_point, svc.settings.grafana_url, svc.configs),
        "grafana_alert": lambda alert: boards.of_alert(svc.settings.grafana_url, svc.configs, alert, now),
        "fire_banner": lambda: fire_banner.banner(svc, language),
    }


def countdown(delta: timedelta) -> str:
    """`12:34`, `1:02:03`, `3 d 04 h`-like text of a countdown; the sign is shown otherwise. Same as in console.js."""
    seconds = abs(int(delta.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days}d {hours:02d}:{minutes:02d}"
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def number(value: float | None, decimals: int | None = None) -> str:
    """A number as people read it: fixed decimals where known, no trailing noise otherwise, a dash for none."""
    if value is None:
        return "–"
    text = f"{value:.{decimals}f}" if decimals is not None else f"{value:.6g}"
    return text.replace("-", "−")  # a minus as wide as a digit, so that columns line up


def iso(moment: datetime) -> str:
    """RFC 3339 for `datetime` attributes."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hexdump(raw: bytes, limit: int = 2048) -> str:
    """Raw bytes: as text where they are printable UTF-8, else as hex with offsets and an ASCII column."""
    shown = raw[:limit]
    try:
        text = shown.decode()
    except UnicodeDecodeError:
        text = ""
    if text and all(character.isprintable() or character in "\n\t" for character in text):
        return text
    lines = []
    for offset in range(0, len(shown), 16):
        chunk = shown[offset : offset + 16]
        printable = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in chunk)
        lines.append(f"{offset:04x}  {chunk.hex(' '):<47}  {printable}")
    return "\n".join(lines)

"""The guard's phone app: a shell without personal data that works offline, its worker, its manifest, its pictures."""

import hashlib
import json
from functools import cache

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.kernel.errors import Forbidden
from services.patrol.phone import photos
from services.web import i18n
from services.web.deps import Signed, Svc, Who
from services.web.phone_words import WORDS
from services.web.queries import order_sheet
from services.web.templating import STATIC, render

router = APIRouter(include_in_schema=False)

PAGE = "/patrol/phone"
MANIFEST = "/patrol/manifest.webmanifest"
FOLDER = STATIC / "phone"
_WORKER = "sw.js"


@router.get(PAGE)
def phone_page(request: Request, svc: Svc, actor: Signed, who: Who) -> Response:
    """The app. The phone keeps this page for everybody who signs in on it: nothing in it may be personal."""
    return render(request, "phone.html", {"words": words(), "version": version()}, who=None, language=i18n.DEFAULT)


@router.get("/patrol/sw.js")
def worker() -> Response:
    """The worker that keeps the app for the hours without network; new content makes a new worker."""
    shell = {"version": version(), "files": [PAGE, *files()]}
    text = f"const SHELL = {json.dumps(shell)};\n" + (FOLDER / _WORKER).read_text("utf-8")
    return Response(text, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get(MANIFEST)
def manifest() -> Response:
    """What makes the page an app on the home screen."""
    _ = i18n.catalogue(i18n.DEFAULT).gettext
    document = {
        "name": _("Gengfu patrol"),
        "short_name": _("Patrol"),
        "lang": i18n.HTML_LANGUAGES[i18n.DEFAULT],
        "id": PAGE,
        "start_url": PAGE,
        "scope": "/patrol/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#0a0f12",
        "theme_color": "#0a0f12",
        "icons": [
            {"src": "/static/phone/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
            {"src": "/static/phone/icon-maskable.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "maskable"},
        ],
    }
    text = json.dumps(document, ensure_ascii=False)
    return Response(text, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


@router.get("/patrol/photos/{photo_id:path}")
def photo(svc: Svc, actor: Signed, photo_id: str) -> Response:
    """A picture from a round."""
    with svc.db.read() as s:
        if not order_sheet.may_see(s, actor, photo_id):
            raise Forbidden("A signature is shown to the desk and to whoever does the work", hint="Ask the desk")
        found = photos.photo(s, photo_id)
    headers = {"Cache-Control": "private, max-age=86400, immutable", "Content-Disposition": "inline"}
    return Response(found.content, media_type="image/jpeg", headers=headers)


@cache
def words() -> dict[str, dict[str, str]]:
    """Every text of the app in every language: the phone may change its language without network."""
    found = {}
    for language in i18n.LANGUAGES:
        translate = i18n.catalogue(language).gettext
        found[language] = {key: translate(message) for key, message in WORDS.items()}
    return found


@cache
def files() -> tuple[str, ...]:
    """Addresses of everything the app is made of."""
    names = sorted(file.name for file in FOLDER.iterdir() if file.name != _WORKER)
    return (MANIFEST, *(f"/static/phone/{name}" for name in names))


@cache
def version() -> str:
    """Changes with every file and every word of the app."""
    digest = hashlib.sha256(json.dumps(words(), sort_keys=True).encode())
    for file in sorted(FOLDER.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    digest.update((STATIC.parent / "templates" / "phone.html").read_bytes())
    return digest.hexdigest()[:16]

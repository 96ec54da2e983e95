"""The web application, put together from its parts."""

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from gateway.site.model import Configs
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.clock import Clock, SystemClock
from services.kernel.db import Database
from services.kernel.settings import Settings
from services.patrol.phone.items import TapDoor
from services.people.passwords import Hasher
from services.people.service import DEFAULT_HASHER
from services.web import health, live, problems
from services.web.api import routers as api_routers
from services.web.deps import Services, csrf_guard
from services.web.middleware import BodyLimit, SecurityHeaders
from services.web.pages import routers as page_routers
from services.web.templating import STATIC

API_DESCRIPTION = (
    "Everything the duty console shows and does. Sign in with the console's cookie and `X-CSRF-Token`, or with "
    "`Authorization: Bearer …`. Errors are RFC 9457 problem documents."
)


def create_app(
    settings: Settings,
    db: Database,
    store: TimeSeriesStore,
    configs: Configs,
    clock: Clock | None = None,
    hasher: Hasher = DEFAULT_HASHER,
    door: TapDoor | None = None,
) -> FastAPI:
    """The console and its API over a migrated database. Nothing is started; serve it with any ASGI server.

    `door` is where taps of the phone app go.
    """
    app = FastAPI(
        title="Gengfu",
        version="1",
        description=API_DESCRIPTION,
        docs_url=None,  # its pages load scripts from a CDN
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        dependencies=[Depends(csrf_guard)],
    )
    app.state.services = Services(settings, db, store, configs, clock or SystemClock(), hasher, door)
    app.state.watch = live.Watch(db, tuple(configs.sites))
    problems.install(app)
    for router in (*api_routers, *page_routers, health.router, live.router):
        app.include_router(router)
    app.mount("/static", Static(directory=STATIC), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, https=settings.web_secure_cookies)
    return app


class Static(StaticFiles):
    """Static files, kept by browsers for ever when their address carries their content's hash."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file."""
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response

"""Grafana's HTTP API as far as 11 to 13 all serve it: thin, over `grafana-api`, with errors that say what to do."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from grafana_api.grafana_api import GrafanaException  # type: ignore[import-untyped]
from grafana_api.grafana_face import GrafanaFace  # type: ignore[import-untyped]
from requests import RequestException

from gateway.contract.errors import GengfuError
from services.annotation.model import Mark
from services.kernel.errors import SettingsError

TIMEOUT_S = 5.0
_MARK_ID = re.compile(r"^[\w:.-]+$")
_OUT_OF_ORDER = frozenset({408, 429})

T = TypeVar("T")


class GrafanaAway(GengfuError):
    """It does not answer, or says that it cannot now: try the same again later."""


class GrafanaRefused(GengfuError):
    """It says no; `status` is its HTTP status."""

    def __init__(self, message: str, status: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status

    @property
    def is_about_us(self) -> bool:
        """The token is wrong or may too little: nothing else will be taken either."""
        return self.status in (401, 403)


class Grafana:
    """One Grafana, by a service account's token. Not for several threads."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"{url!r} is no address of a Grafana", hint="Write e.g. https://grafana.example.com")
        path = parts.path.strip("/")
        self.url = url.rstrip("/")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        prefix = f"{path}/" if path else ""
        self._face = GrafanaFace(token, host, parts.port, prefix, parts.scheme, timeout=timeout_s)

    def close(self) -> None:
        """Close its connections."""
        self._face.api.s.close()

    def version(self) -> str:
        """Its version, e.g. `12.4.0`; empty when it hides it from strangers."""
        return str(self._dict(lambda: self._face.api.GET("/health")).get("version", ""))

    def folder(self, uid: str) -> dict[str, Any] | None:
        """A folder; None: there is none."""
        return self._found(lambda: self._face.folder.get_folder(uid))

    def create_folder(self, uid: str, title: str) -> None:
        """Make a folder."""
        self._ask(lambda: self._face.folder.create_folder(title, uid))

    def board(self, uid: str) -> dict[str, Any] | None:
        """A board with what Grafana says of it in `meta`; None: there is none."""
        return self._found(lambda: self._face.dashboard.get_dashboard(uid))

    def put_board(self, model: Mapping[str, Any], folder: str, message: str, *, overwrite: bool) -> None:
        """Bring a board in, as a new version of what is there."""
        body = {"dashboard": dict(model), "folderUid": folder, "message": message, "overwrite": overwrite}
        self._ask(lambda: self._face.dashboard.update_dashboard(body))

    def source(self, uid: str) -> dict[str, Any] | None:
        """A data source; None: there is none."""
        return self._found(lambda: self._face.api.GET(f"/datasources/uid/{quote(uid)}"))

    def create_source(self, model: Mapping[str, Any]) -> None:
        """Make a data source."""
        self._ask(lambda: self._face.datasource.create_datasource(dict(model)))

    def source_health(self, uid: str) -> str:
        """What the data source itself says, e.g. `datasource is working`; raises GrafanaRefused when it is not."""
        answer = self._dict(lambda: self._face.api.GET(f"/datasources/uid/{quote(uid)}/health"))
        if answer.get("status") not in ("OK", "success"):
            raise GrafanaRefused(str(answer.get("message", answer)), 400)
        return str(answer.get("message", ""))

    def query(self, queries: list[dict[str, Any]], start_ms: int, end_ms: int) -> dict[str, Any]:
        """The answers of data sources, by refId; each is `{"frames": […]}` or `{"error": …}`."""
        body = {"queries": queries, "from": str(start_ms), "to": str(end_ms)}
        results = self._dict(lambda: self._face.api.POST("/ds/query", json=body)).get("results", {})
        return results if isinstance(results, dict) else {}

    def find_mark(self, key: str) -> int | None:
        """The number of the mark with this key as tag."""
        if not _MARK_ID.match(key):
            raise ValueError(f"{key!r} is no key of a mark")
        found = self._ask(lambda: self._face.annotations.get_annotation(tags=[key], limit=10))
        return min((int(one["id"]) for one in found), default=None)

    def create_mark(self, mark: Mark) -> int:
        """Make a mark; its number."""
        answer = self._dict(
            lambda: self._face.annotations.add_annotation(
                time_from=mark.start_ms, time_to=mark.end_ms, tags=list(mark.tags), text=mark.text
            )
        )
        return int(answer["id"])

    def change_mark(self, number: int, mark: Mark) -> bool:
        """Bring a mark up to date; False: somebody has deleted it."""
        changed = self._found(
            lambda: self._face.annotations.partial_update_annotation(
                number, time_from=mark.start_ms, time_to=mark.end_ms, tags=list(mark.tags), text=mark.text
            )
        )
        return changed is not None

    def remove_mark(self, number: int) -> None:
        """Delete a mark."""
        self._found(lambda: self._face.annotations.delete_annotations_by_id(number))

    def _found(self, ask: Callable[[], Any]) -> dict[str, Any] | None:
        try:
            return self._dict(ask)
        except GrafanaRefused as error:
            if error.status == 404:
                return None
            raise

    def _dict(self, ask: Callable[[], Any]) -> dict[str, Any]:
        found = self._ask(ask)
        if not isinstance(found, dict):
            raise GrafanaAway(f"{self.url} answers something that is not of Grafana", hint="Check GENGFU_GRAFANA_URL")
        return found

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except GrafanaException as error:
            status, message = int(error.status_code), _reason(error)
            if status >= 500 or status in _OUT_OF_ORDER:
                raise GrafanaAway(f"Grafana at {self.url} answers {status}: {message}") from error
            raise GrafanaRefused(
                f"Grafana at {self.url} refuses ({status}): {message}", status, hint=_HINTS.get(status, "")
            ) from error
        except (RequestException, TypeError) as error:  # TypeError: grafana-api looks into an answer that is no object
            raise GrafanaAway(
                f"Grafana at {self.url} does not answer: {type(error).__name__}",
                hint="Check GENGFU_GRAFANA_URL (or GENGFU_GRAFANA_API_URL) and that Grafana runs",
            ) from error


_HINTS = {
    401: "GENGFU_GRAFANA_TOKEN is not valid: make a new token for the service account",
    403: "The service account needs the role Editor (and, to make data sources, Admin)",
}


def _reason(error: GrafanaException) -> str:
    answer = error.response
    if not isinstance(answer, dict):
        return str(answer)[:300]
    results = answer.get("results")
    if isinstance(results, dict):  # of a query: each part says for itself what was wrong
        said = [f"{ref}: {one['error']}" for ref, one in results.items() if isinstance(one, dict) and one.get("error")]
        return "; ".join(said)[:600]
    return str(answer.get("message", ""))[:300]

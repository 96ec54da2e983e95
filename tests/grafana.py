"""A Grafana of the tests: answers as its HTTP API is documented for 11 to 13, and records what it was asked.

It is no Grafana: it keeps boards, folders, data sources and marks, checks the token and versions, and runs no query.
With GRAFANA_URL and GRAFANA_TOKEN set, tests that use `a_grafana` run against that one.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

TOKEN = "glsa_of_the_tests"
REAL_URL, REAL_TOKEN = os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", "")

Answer = tuple[int, Any]


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    """Without `/api`, with its query."""
    body: Any


@dataclass
class StubGrafana:
    """What it holds, what it was asked, and how it is to fail."""

    url: str = ""
    token: str = TOKEN
    version: str = "12.4.0"
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    """Data sources whose server does not answer."""
    broken: str = ""
    """Queries with this text fail."""
    marks: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    fail: Callable[[Asked], int] = lambda _asked: 0
    """Status to answer a request with instead; 0: as usual."""
    after: Callable[[Asked], None] = lambda _asked: None
    """Called when a request was done and not yet answered."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _next: int = 1

    def said(self, method: str, path: str = "") -> list[Asked]:
        """The requests of this method whose path begins so."""
        return [one for one in self.asked if one.method == method and one.path.startswith(path)]

    def answer(self, asked: Asked, token: str) -> Answer:
        """What Grafana would say."""
        with self._lock:
            self.asked.append(asked)
            if status := self.fail(asked):
                return status, {"message": f"told to fail with {status}"}
            if asked.path != "/health" and token != f"Bearer {self.token}":
                return 401, {"message": "Invalid API key"}
            path = urlsplit(asked.path)
            parts = path.path.strip("/").split("/")
            found = getattr(self, f"_{asked.method.lower()}_{parts[0].replace('-', '_')}", None)
            return found(parts[1:], parse_qs(path.query), asked.body) if found else (404, {"message": "Not found"})

    def _get_health(self, _rest: list[str], _query: dict[str, list[str]], _body: Any) -> Answer:
        return 200, {"database": "ok", "version": self.version, "commit": "x"}

    def _get_folders(self, rest: list[str], _query: dict[str, list[str]], _body: Any) -> Answer:
        found = self.folders.get(rest[0])
        return (200, found) if found else (404, {"message": "folder not found", "status": "not-found"})

    def _post_folders(self, _rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        if body["uid"] in self.folders:
            return 412, {"message": "the folder has been changed by someone else"}
        self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"], "canSave": True, "version": 1}
        return 200, self.folders[body["uid"]]

    def _get_dashboards(self, rest: list[str], _query: dict[str, list[str]], _body: Any) -> Answer:
        found = self.boards.get(rest[1]) if rest[0] == "uid" else None
        if found is None:
            return 404, {"message": "Dashboard not found"}
        meta = {"provisioned": rest[1] in self.provisioned, "version": found["version"], "canSave": True}
        return 200, {"dashboard": found, "meta": meta}

    def _post_dashboards(self, rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        assert rest == ["db"]
        model = body["dashboard"]
        uid, there = model["uid"], self.boards.get(model["uid"])
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if there and not body["overwrite"] and model.get("version", 0) != there["version"]:
            return 412, {"status": "version-mismatch", "message": "The dashboard has been changed by someone else"}
        version = there["version"] + 1 if there else 1
        self.boards[uid] = {**model, "id": len(self.boards) + 1, "version": version}
        return 200, {"id": 1, "uid": uid, "url": f"/d/{uid}", "status": "success", "version": version}

    def _get_datasources(self, rest: list[str], _query: dict[str, list[str]], _body: Any) -> Answer:
        if rest[0] != "uid":
            return 404, {"message": "calls by id are gone in 13"}
        found = self.sources.get(rest[1])
        if found is None:
            return 404, {"message": "Data source not found"}
        if rest[2:] == ["health"]:
            if rest[1] in self.sick:
                return 400, {"status": "ERROR", "message": "connection refused"}
            return 200, {"status": "OK", "message": "datasource is working"}
        return 200, {key: value for key, value in found.items() if key != "secureJsonData"}

    def _post_datasources(self, _rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        if any(body["name"] == one["name"] or body["uid"] == one["uid"] for one in self.sources.values()):
            return 409, {"message": "data source with the same name already exists"}
        self.sources[body["uid"]] = body
        return 200, {"datasource": body, "id": len(self.sources), "message": "Datasource added", "name": body["name"]}

    def _post_ds(self, _rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        results, worst = {}, 200
        for query in body["queries"]:
            text = query.get("rawSql") or query.get("query", "")
            if query["datasource"]["uid"] not in self.sources:
                return 404, {"message": "data source not found"}
            if self.broken and self.broken in text:
                results[query["refId"]] = {"error": "syntax error", "status": 400}
                worst = 400
                continue
            fields = [{"name": "__text", "type": "string"}, {"name": "__value", "type": "string"}]
            frame = {"schema": {"fields": fields}, "data": {"values": [["云河"], ["yunhe"]]}}
            results[query["refId"]] = {"status": 200, "frames": [frame]}
        return worst, {"results": results}

    def _get_annotations(self, _rest: list[str], query: dict[str, list[str]], _body: Any) -> Answer:
        wanted = set(query.get("tags", []))
        return 200, [{"id": key, **mark} for key, mark in self.marks.items() if wanted <= set(mark["tags"])]

    def _post_annotations(self, _rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        number = self._next
        self._next += 1
        self.marks[number] = body
        return 200, {"message": "Annotation added", "id": number}

    def _patch_annotations(self, rest: list[str], _query: dict[str, list[str]], body: Any) -> Answer:
        number = int(rest[0])
        if number not in self.marks:
            return 404, {"message": "Annotation not found"}
        self.marks[number] |= body
        return 200, {"message": "Annotation patched"}

    def _delete_annotations(self, rest: list[str], _query: dict[str, list[str]], _body: Any) -> Answer:
        found = self.marks.pop(int(rest[0]), None)
        return (200, {"message": "Annotation deleted"}) if found else (404, {"message": "Annotation not found"})


@contextmanager
def stub_grafana() -> Iterator[StubGrafana]:
    """One that runs as long as the block."""
    stub = StubGrafana()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            assert self.path.startswith("/api/"), self.path
            asked = Asked(self.command, self.path.removeprefix("/api"), json.loads(body) if body else None)
            status, found = stub.answer(asked, self.headers.get("Authorization", ""))
            stub.after(asked)
            text = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer  # noqa: N815 - as http.server calls them

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield stub
        server.shutdown()
        thread.join()

"""The part of InfluxDB 2.x that a set-up speaks to; it answers as a real 2.7.12 was seen to answer.

Only for machines without an `influxd` 2.x: where one is on PATH the same tests run against it.
"""

import itertools
import json
import secrets
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DENIED = (401, {"code": "unauthorized", "message": "unauthorized access"})
FORBIDDEN = (403, {"code": "forbidden", "message": "insufficient permissions for write"})
Answer = tuple[int, dict[str, Any] | None]


class Influx2Stub:
    """Organisations, buckets, mappings, authorisations and the empty write.

    `date` may be set to a wrong one, `busy` to a path that gets no answer now.
    """

    def __init__(self, admin_token: str, *, hides_tokens: bool = False) -> None:
        """`hides_tokens`: tokens are shown once, when they are made, as by 2.9 and later."""
        self.admin_token = admin_token
        self.orgs = {"gengfu": "0000000000000001"}
        self.buckets: list[dict[str, Any]] = []
        self.mappings: list[dict[str, Any]] = []
        self.authorizations: list[dict[str, Any]] = []
        self.hides_tokens = hides_tokens
        self.date: float | None = None
        self.busy = ""
        self._ids = (f"{number:016x}" for number in itertools.count(16))
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = (self.headers.get("Authorization") or "").removeprefix("Token ")
                is_json = self.headers.get("Content-Type") == "application/json"
                status, answer = stub.answer(self.command, url.path, query, token, json.loads(body) if is_json else {})
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response_only(status)
                self.send_header("Date", formatdate(stub.date, usegmt=True))
                self.send_header("X-Influxdb-Version", "v2.7.12")
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, query: dict[str, str], token: str, body: dict[str, Any]) -> Answer:
        """One request."""
        if path == self.busy:
            return 503, {"code": "unavailable", "message": "starting"}
        if path == "/ping":
            return 204, None
        held = next((one for one in self.authorizations if one["token"] == token), None)
        is_admin = token == self.admin_token
        if held is None and not is_admin:
            return DENIED
        org = query.get("org")
        if org is not None and org not in self.orgs:
            return 404, {"code": "not found", "message": f'organization name "{org}" not found'}
        rights = {} if held is None else {(one["action"], one["resource"]["id"]) for one in held["permissions"]}

        def may(action: str, bucket: dict[str, Any]) -> bool:
            return is_admin or (action, bucket["id"]) in rights

        if (method, path) == ("GET", "/api/v2/orgs"):
            return 200, {"orgs": [{"id": self.orgs[org], "name": org}] if is_admin and org else []}
        if (method, path) == ("GET", "/api/v2/buckets"):
            name = query.get("name")
            of_org = [one for one in self.buckets if one["orgID"] == self.orgs[org or ""]]
            found = [one for one in of_org if name in (None, one["name"])]
            if name is not None and not found:
                return 404, {"code": "not found", "message": f'bucket "{name}" not found'}
            page = sorted(found, key=lambda one: str(one["name"]))[: int(query.get("limit", 20))]
            return 200, {"buckets": [one for one in page if may("read", one)]}
        if (method, path) == ("GET", "/api/v2/dbrps"):
            mapped = self._mapped_as(query["db"], self.orgs[org or ""])
            return 200, {"content": [one for one in mapped if may("read", {"id": one["bucketID"]})]}
        if (method, path) == ("POST", "/api/v2/write"):
            named = self._named(query["bucket"], self.orgs[org or ""])
            if not named:
                return 404, {"code": "not found", "message": f'bucket "{query["bucket"]}" not found'}
            return (204, None) if may("write", named[0]) else FORBIDDEN
        return self._administer(method, path, body) if is_admin else DENIED

    def _mapped_as(self, name: str, org: str) -> list[dict[str, Any]]:
        """Without a mapping of its own a bucket answers to its name."""
        made = [one for one in self.mappings if (one["database"], one["orgID"]) == (name, org)]
        return made or [{"database": name, "bucketID": one["id"]} for one in self._named(name, org)]

    def _named(self, name: str, org: str) -> list[dict[str, Any]]:
        return [one for one in self.buckets if (one["name"], one["orgID"]) == (name, org)]

    def _administer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        number = path.rpartition("/")[2]
        if (method, path) == ("POST", "/api/v2/orgs"):
            self.orgs[body["name"]] = next(self._ids)
            return 201, {"id": self.orgs[body["name"]], "name": body["name"]}
        if (method, path) == ("POST", "/api/v2/buckets"):
            self.buckets.append({"id": next(self._ids), "type": "user", **body})
            return 201, self.buckets[-1]
        if (method, path) == ("POST", "/api/v2/dbrps"):
            self.mappings.append({"id": next(self._ids), **body})
            return 201, self.mappings[-1]
        if method == "PATCH":
            (bucket,) = (one for one in self.buckets if one["id"] == number)
            bucket.update(body)
            return 200, bucket
        if (method, path) == ("POST", "/api/v2/authorizations"):
            number = next(self._ids)
            stamp = f"2026-11-22T07:00:00.{int(number, 16):06}Z"
            self.authorizations.append({"id": number, "token": secrets.token_urlsafe(66), "createdAt": stamp, **body})
            return 201, self.authorizations[-1]
        if method == "DELETE" and path.startswith("/api/v2/dbrps/"):
            self.mappings = [one for one in self.mappings if one["id"] != number]
            return 204, None
        if method == "DELETE":
            self.authorizations = [one for one in self.authorizations if one["id"] != number]
            return 204, None
        shown = {"token": "REDACTED"} if self.hides_tokens else {}
        return 200, {"authorizations": [one | shown for one in self.authorizations]}

"""How InfluxDB 1.x, 2.x and 3 are told what to keep and whom to let in; the answers differ, the questions do not."""

import json
import re
import ssl
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol, Self

import httpx

from gateway.contract.errors import GengfuError
from gateway.timeseries.influxdb import InfluxServer

FOR_EVER = timedelta(0)
"""A retention that never drops anything, as every version writes it."""
TIMEOUT_S = 10.0
_LITERAL = re.compile(r"'.*'")
"""In our statements these are passwords."""
_GO_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?")


class InfluxAway(GengfuError):
    """Nobody answers, or somebody who is not InfluxDB, or it cannot do anything now."""


class InfluxRefused(GengfuError):
    """InfluxDB answers and refuses; the message has its own words."""


class AccessRefused(InfluxRefused):
    """The token or password is not accepted, or not for this."""


class NotThere(InfluxRefused):
    """What was asked about does not exist."""


class Http:
    """Requests to one server with one set of credentials; refusals are typed and tell no secret."""

    def __init__(self, server: InfluxServer) -> None:
        try:
            # Without TLS the authorities of the system need not be read, which takes longer than the request.
            verify = ssl.create_default_context(cafile=server.ca) if server.url.startswith("https") else False
        except OSError as error:
            raise InfluxAway(f"The CA certificate {server.ca} cannot be read: {error}") from error
        self.server = server
        basic = (server.username, server.token) if server.username else None
        headers = {"Authorization": f"Token {server.token}"} if server.token and basic is None else {}
        self._client = httpx.Client(
            base_url=server.url, auth=basic, headers=headers, verify=verify, timeout=TIMEOUT_S, trust_env=False
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; raises InfluxAway, AccessRefused, InfluxRefused."""
        try:
            answer = self._client.request(method, path, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InfluxAway(
                f"InfluxDB does not answer at {self.server.url}: {error or type(error).__name__}",
                hint="Check that it runs and that GENGFU_INFLUX_URL is right",
            ) from error
        if answer.status_code in (401, 403):
            raise AccessRefused(
                f"InfluxDB refuses {method} {path}: {_words(answer)}", hint="Check the token, or user and password"
            )
        if answer.is_server_error:  # says nothing about rights: 2.10 answers so while it starts
            raise InfluxAway(
                f"InfluxDB cannot answer {method} {path} now ({answer.status_code}): {_words(answer)}",
                hint="Try again; if it stays, look at the log of InfluxDB",
            )
        if answer.is_error:
            kind = NotThere if answer.status_code == 404 else InfluxRefused
            raise kind(f"InfluxDB refuses {method} {path} ({answer.status_code}): {_words(answer)}")
        return answer

    def may(self, method: str, path: str, **more: Any) -> bool:
        """Whether the same is allowed; a thing that is not there counts as not allowed."""
        try:
            self.ask(method, path, **more)
        except InfluxRefused:
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _words(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    words = (body.get("message") or body.get("error")) if isinstance(body, dict) else None
    return str(words or answer.text[:200] or answer.reason_phrase)


class Dialect(Protocol):
    """One version's way of being administered. Needs an administrator's credentials unless said otherwise."""

    def prepare(self) -> list[str]:
        """What must be there before buckets can be: the names of what was made."""

    def kept(self, names: Iterable[str]) -> dict[str, timedelta]:
        """How long each of these keeps its data, without those that these credentials may not read; any will do."""

    def make(self, name: str, keep: timedelta) -> None:
        """Make a bucket."""

    def change(self, name: str, keep: timedelta) -> None:
        """Set how long it keeps."""

    def may_write(self, name: str) -> bool:
        """Whether these credentials may write into it; writes nothing."""

    def is_mapped(self, name: str) -> bool:
        """Whether a query for this name reads this bucket; any credentials that may read it will do."""

    def issue(self, label: str, names: Iterable[str], *, write: bool, secret: str) -> str:
        """Credentials for these buckets; the token, or the `secret` where we may choose it."""

    def revoke(self, label: str, keep: str) -> int:
        """Take back what was issued under the label before, but not the token `keep`; how many."""


class Version1:
    """InfluxDB 1.x: databases with one retention policy, users with passwords."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def _run(self, statement: str) -> Mapping[str, Any]:
        body = self._http.ask("POST", "/query", data={"q": statement}).json()["results"][0]
        if "error" in body:
            said = _LITERAL.sub("'…'", statement)
            raise InfluxRefused(f"InfluxDB refuses «{said}»: {body['error']}")
        return dict(body)

    def _rows(self, statement: str) -> list[list[Any]]:
        return [row for series in self._run(statement).get("series", []) for row in series.get("values", [])]

    def prepare(self) -> list[str]:
        """The first administrator, on a server that asks for passwords and has no user yet."""
        server = self._http.server
        try:
            self._rows("SHOW DATABASES")
        except AccessRefused as error:
            if "create admin user first" not in error.message or not server.username:
                raise
        else:
            return []
        password = literal(server.token)
        self._run(f"CREATE USER {quoted(server.username)} WITH PASSWORD {password} WITH ALL PRIVILEGES")
        return [server.username]

    def kept(self, names: Iterable[str]) -> dict[str, timedelta]:
        """By the default retention policy of each database."""
        found = {}
        there = {name for (name,) in self._rows("SHOW DATABASES")}
        for name in names:
            for row in self._rows(f"SHOW RETENTION POLICIES ON {quoted(name)}") if name in there else ():
                if row[-1] is True:
                    found[name] = go_duration(row[1])
        return found

    def make(self, name: str, keep: timedelta) -> None:
        """A database with a retention policy of its own."""
        self._run(f"CREATE DATABASE {quoted(name)} WITH DURATION {_seconds(keep)}s REPLICATION 1")

    def change(self, name: str, keep: timedelta) -> None:
        """Of the default retention policy."""
        rows = self._rows(f"SHOW RETENTION POLICIES ON {quoted(name)}")
        policy = next(row[0] for row in rows if row[-1] is True)
        self._run(f"ALTER RETENTION POLICY {quoted(policy)} ON {quoted(name)} DURATION {_seconds(keep)}s")

    def may_write(self, name: str) -> bool:
        """An empty write is refused exactly when another would be."""
        return self._http.may("POST", "/write", params={"db": name}, content=b"")

    def is_mapped(self, name: str) -> bool:
        """A database is its own name."""
        return True

    def issue(self, label: str, names: Iterable[str], *, write: bool, secret: str) -> str:
        """A user named like the label, or a new password for it; every other grant is taken back."""
        users = {row[0] for row in self._rows("SHOW USERS")}
        if label in users:
            self._run(f"REVOKE ALL PRIVILEGES FROM {quoted(label)}")
            self._run(f"SET PASSWORD FOR {quoted(label)} = {literal(secret)}")
        else:
            self._run(f"CREATE USER {quoted(label)} WITH PASSWORD {literal(secret)}")
        for name in names:
            self._run(f"GRANT {'ALL' if write else 'READ'} ON {quoted(name)} TO {quoted(label)}")
        return secret

    def revoke(self, label: str, keep: str) -> int:
        """Nothing: a user has one password."""
        return 0


class Version2:
    """InfluxDB 2.x: an organisation with buckets, and tokens for buckets."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def _org(self) -> str:
        found = self._http.ask("GET", "/api/v2/orgs", params={"org": self._http.server.org}).json()["orgs"]
        if not found:
            raise AccessRefused("This token may not see the organisation", hint="Use the administrator's token")
        return str(found[0]["id"])

    def _bucket(self, name: str) -> dict[str, Any] | None:
        # By name: a list has at most 100 of the organisation's buckets, before those we may not read are left out.
        where = {"org": self._http.server.org, "name": name}
        try:
            found = self._http.ask("GET", "/api/v2/buckets", params=where).json()["buckets"]
        except NotThere:
            return None
        return next((one for one in found if one["name"] == name), None)

    def _number(self, name: str) -> str:
        bucket = self._bucket(name)
        if bucket is None:
            raise NotThere(f"InfluxDB has no bucket {name}")
        return str(bucket["id"])

    def _mapped_to(self, name: str) -> set[str]:
        where = {"org": self._http.server.org, "db": name, "default": "true"}
        return {str(one["bucketID"]) for one in self._http.ask("GET", "/api/v2/dbrps", params=where).json()["content"]}

    def prepare(self) -> list[str]:
        """The organisation."""
        name = self._http.server.org
        try:
            self._org()
        except AccessRefused:
            raise
        except InfluxRefused:
            self._http.ask("POST", "/api/v2/orgs", json={"name": name})
            return [name]
        return []

    def kept(self, names: Iterable[str]) -> dict[str, timedelta]:
        """By their retention rule; a token sees the buckets it may read."""
        self._http.ask("GET", "/api/v2/buckets", params={"org": self._http.server.org, "limit": "1"})  # no such org?
        return {
            name: timedelta(seconds=sum(rule["everySeconds"] for rule in bucket["retentionRules"]))
            for name in names
            if (bucket := self._bucket(name)) is not None
        }

    def make(self, name: str, keep: timedelta) -> None:
        """A bucket of the organisation; not where its name would read another one."""
        if others := self._mapped_to(name):
            raise InfluxRefused(
                f"InfluxQL reads {name} from another bucket, id {', '.join(sorted(others))}",
                hint=f"Was this server upgraded from 1.x? Rename that bucket to {name}: it keeps its data. Or delete"
                " the mapping (influx v1 dbrp delete)",
            )
        body = {"orgID": self._org(), "name": name, "retentionRules": _rules(keep)}
        self._http.ask("POST", "/api/v2/buckets", json=body)

    def change(self, name: str, keep: timedelta) -> None:
        """Its retention rule."""
        body = {"retentionRules": _rules(keep)}
        self._http.ask("PATCH", f"/api/v2/buckets/{self._number(name)}", json=body)

    def may_write(self, name: str) -> bool:
        """An empty write is refused exactly when another would be."""
        where = {"org": self._http.server.org, "bucket": name, "precision": "ns"}
        return self._http.may("POST", "/api/v2/write", params=where, content=b"")

    def is_mapped(self, name: str) -> bool:
        """Unless a mapping for databases of 1.x leads elsewhere, as an upgrade from 1.x makes them."""
        try:
            return self._number(name) in self._mapped_to(name)
        except InfluxRefused:  # who may not ask this may read all the same
            return True

    def issue(self, label: str, names: Iterable[str], *, write: bool, secret: str) -> str:
        """An authorisation whose description is the label; InfluxDB chooses the token."""
        org = self._org()
        permissions = [
            {"action": action, "resource": {"type": "buckets", "id": number, "orgID": org}}
            for number in map(self._number, names)
            for action in (("read", "write") if write else ("read",))
        ]
        body = {"orgID": org, "description": label, "permissions": permissions}
        return str(self._http.ask("POST", "/api/v2/authorizations", json=body).json()["token"])

    def revoke(self, label: str, keep: str) -> int:
        """Delete older authorisations; where tokens are no longer shown (2.9) the newest stays."""
        listed = self._http.ask("GET", "/api/v2/authorizations", params={"orgID": self._org()}).json()
        ours = [one for one in listed["authorizations"] if one.get("description") == label]
        ours.sort(key=lambda one: (one.get("token") == keep, one["createdAt"]))
        for one in ours[:-1]:
            self._http.ask("DELETE", f"/api/v2/authorizations/{one['id']}")
        return max(len(ours) - 1, 0)


class Version3:
    """InfluxDB 3 Core: databases; every token is an administrator's."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def prepare(self) -> list[str]:
        """Nothing."""
        return []

    def kept(self, names: Iterable[str]) -> dict[str, timedelta]:
        """Its list of databases says no retention: taken as what we asked for."""
        rows = self._http.ask("GET", "/api/v3/configure/database", params={"format": "json"}).json()
        return dict.fromkeys({row["iox::database"] for row in rows}.intersection(names), FOR_EVER)

    def make(self, name: str, keep: timedelta) -> None:
        """A database."""
        body = {"db": name, "retention_period": f"{_seconds(keep)}s"}
        self._http.ask("POST", "/api/v3/configure/database", json=body)

    def change(self, name: str, keep: timedelta) -> None:
        """Not by its HTTP interface."""
        raise InfluxRefused(f"InfluxDB 3 cannot change how long {name} keeps", hint="influxdb3 update database")

    def may_write(self, name: str) -> bool:
        """Every token may, wherever there is a database."""
        return name in self.kept([name])

    def is_mapped(self, name: str) -> bool:
        """A database is its own name."""
        return True

    def issue(self, label: str, names: Iterable[str], *, write: bool, secret: str) -> str:
        """The administrator's token itself."""
        return self._http.server.token

    def revoke(self, label: str, keep: str) -> int:
        """Nothing was issued."""
        return 0


def go_duration(text: str) -> timedelta:
    """`2208h0m0s` as InfluxDB 1.x writes it."""
    found = _GO_DURATION.fullmatch(text)
    if found is None:
        raise InfluxRefused(f"InfluxDB says «{text}» where a duration belongs")
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def quoted(name: str) -> str:
    """An identifier of InfluxQL."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A string of InfluxQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _seconds(keep: timedelta) -> int:
    return int(keep.total_seconds())


def _rules(keep: timedelta) -> list[dict[str, Any]]:
    return [{"type": "expire", "everySeconds": _seconds(keep)}] if keep else []

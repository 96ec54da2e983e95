"""Makes InfluxDB ready for the store, again and again without harm, and says what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from gateway.timeseries.influx_dialects import (
    FOR_EVER,
    AccessRefused,
    Dialect,
    Http,
    InfluxAway,
    InfluxRefused,
    Version1,
    Version2,
    Version3,
)
from gateway.timeseries.influxdb import InfluxServer

SLACK = timedelta(days=2)
"""InfluxDB keeps this much longer than the store's own mark: what the store still takes, InfluxDB must not refuse."""
SKEW_MAX = timedelta(seconds=10)
"""Its clock decides what is too old."""
_DIALECTS: Mapping[int, type[Version1] | type[Version2] | type[Version3]] = {1: Version1, 2: Version2, 3: Version3}

Kind = Literal[
    "unreachable", "refused", "org_missing", "bucket_missing", "short_retention", "not_writable", "open_to_all",
    "reader_writes", "reader_refused", "clock_skew", "not_mapped",
]  # fmt: skip


class Plan(NamedTuple):
    """A bucket and for how long the store wants its rows."""

    name: str
    keep: timedelta


class Step(NamedTuple):
    """What a set-up did, or found done."""

    what: Literal["organisation", "bucket", "retention", "token", "revoked"]
    name: str
    changed: bool


class Finding(NamedTuple):
    """Something wrong, about `name`; `detail` is a figure or the server's words."""

    kind: Kind
    name: str = ""
    detail: str = ""


class Credential(NamedTuple):
    """Whom to let in: the label is the user of 1.x and the description of a token in 2.x."""

    label: str
    write: bool
    held: str
    """The token or password at hand; empty: none yet."""
    secret: str
    """The password to set in 1.x, when one is needed."""


def plans(prefix: str, raw: timedelta, minutes: timedelta, hours: timedelta) -> tuple[Plan, Plan, Plan]:
    """The three buckets of the store."""
    return Plan(f"{prefix}_raw", raw), Plan(f"{prefix}_1m", minutes), Plan(f"{prefix}_1h", hours)


def set_up(
    admin: InfluxServer, wanted: Sequence[Plan], credentials: Sequence[Credential], *, rotate: bool, revoke: bool
) -> tuple[list[Step], dict[str, str]]:
    """Make what is missing; returns the steps and, by label, every token that has to be written down.

    `rotate` issues new tokens beside the old ones; `revoke` takes the old ones back, once nobody uses them any more.
    Raises InfluxAway and InfluxRefused.
    """
    with Http(admin) as http:
        dialect = _dialect(http)
        steps = [Step("organisation", name, True) for name in dialect.prepare()]
        names = [plan.name for plan in wanted]
        kept = dialect.kept(names)
        for plan in wanted:
            if plan.name not in kept:
                dialect.make(plan.name, plan.keep + SLACK)
                steps.append(Step("bucket", plan.name, True))
            elif _too_short(kept[plan.name], plan.keep):
                dialect.change(plan.name, plan.keep + SLACK)
                steps.append(Step("retention", plan.name, True))
            else:
                steps.append(Step("bucket", plan.name, False))
        issued: dict[str, str] = {}

        def issue(one: Credential) -> None:
            issued[one.label] = dialect.issue(one.label, names, write=one.write, secret=one.secret)

        for one in credentials:
            if rotate or not _works(admin, one, names):
                issue(one)
            steps.append(Step("token", one.label, one.label in issued))
            if revoke:
                gone = dialect.revoke(one.label, issued.get(one.label, one.held))
                if one.label not in issued and not _works(admin, one, names):
                    # Version 2.9 does not show which is which: a newer one was issued that never got here.
                    issue(one)
                    steps.append(Step("token", one.label, True))
                    gone += dialect.revoke(one.label, issued[one.label])
                steps.append(Step("revoked", one.label, gone > 0))
    return steps, issued


def check(server: InfluxServer, wanted: Sequence[Plan], reader: InfluxServer | None, now: datetime) -> list[Finding]:
    """Everything wrong that the store's own credentials, and those of the boards, can see."""
    try:
        with Http(server) as http:
            findings = _skew(http, now)
            return findings + _found(http, _dialect(http), wanted) + _reader(reader, wanted)
    except InfluxAway as error:
        return [Finding("unreachable", server.url, error.message)]
    except AccessRefused as error:
        return [Finding("refused", server.url, error.message)]


def _found(http: Http, dialect: Dialect, wanted: Sequence[Plan]) -> list[Finding]:
    try:
        kept = dialect.kept(plan.name for plan in wanted)
    except AccessRefused:
        raise
    except InfluxRefused as error:
        return [Finding("org_missing", http.server.org, error.message)]
    findings = []
    for name, keep in wanted:
        if name not in kept:
            findings.append(Finding("bucket_missing", name))
            continue
        if _too_short(kept[name], keep):
            findings.append(Finding("short_retention", name, f"{kept[name].days} d < {keep.days} d"))
        if not dialect.may_write(name):
            findings.append(Finding("not_writable", name))
        if not dialect.is_mapped(name):
            findings.append(Finding("not_mapped", name))
    if http.server.token:
        with Http(replace(http.server, username="", token="")) as anybody:
            if anybody.may("POST", "/query", data={"q": "SHOW DATABASES"}):
                findings.append(Finding("open_to_all", http.server.url))
    return findings


def _reader(reader: InfluxServer | None, wanted: Sequence[Plan]) -> list[Finding]:
    if reader is None:
        return []
    with Http(reader) as http:
        dialect = _dialect(http)
        try:
            seen = dialect.kept(plan.name for plan in wanted)
        except InfluxRefused as error:
            return [Finding("reader_refused", reader.username, error.message)]
        if any(name not in seen for name, _ in wanted):
            return [Finding("reader_refused", ", ".join(name for name, _ in wanted if name not in seen))]
        if isinstance(dialect, Version3):
            return []
        return [Finding("reader_writes", name) for name, _ in wanted if dialect.may_write(name)]


def _works(admin: InfluxServer, one: Credential, names: Sequence[str]) -> bool:
    """Whether the token at hand lets exactly this in."""
    if not one.held:
        return False
    with Http(replace(admin, username=one.label if admin.username else "", token=one.held)) as http:
        dialect = _dialect(http)
        try:
            seen = dialect.kept(names)
        except InfluxRefused:
            return False
        sees = all(name in seen for name in names)
        return sees and (isinstance(dialect, Version3) or all(dialect.may_write(name) is one.write for name in names))


def _skew(http: Http, now: datetime) -> list[Finding]:
    stated = http.ask("GET", "/ping").headers.get("Date")
    skew = parsedate_to_datetime(stated) - now if stated else timedelta(0)
    return [Finding("clock_skew", detail=f"{skew.total_seconds():+.0f} s")] if abs(skew) > SKEW_MAX else []


def _dialect(http: Http) -> Dialect:
    answer = http.ask("GET", "/ping")
    stated = answer.headers.get("X-Influxdb-Version", "")
    found = re.match(r"v?(\d+)\.", stated)
    dialect = _DIALECTS.get(int(found[1])) if found else None
    if dialect is None:
        raise InfluxAway(
            f"{http.server.url} answers, but not as InfluxDB 1, 2 or 3: version «{stated}»",
            hint="GENGFU_INFLUX_URL is the address of InfluxDB itself",
        )
    return dialect(http)


def _too_short(has: timedelta, needs: timedelta) -> bool:
    return has != FOR_EVER and has < needs

"""The data sources as Grafana keeps them: InfluxDB 1.8 and later, 2.x and 3, all by InfluxQL, and the views."""

from typing import Any, Literal, NamedTuple

from dashboards.queries import HOURS, MINUTES, READINGS, STATE

InfluxVersion = Literal["1", "2", "3"]
NAMES = {
    READINGS.uid: "Gengfu 读数",
    MINUTES.uid: "Gengfu 读数（每分钟）",
    HOURS.uid: "Gengfu 读数（每小时）",
    STATE.uid: "Gengfu 状态",
}
SUFFIXES = {READINGS.uid: "raw", MINUTES.uid: "1m", HOURS.uid: "1h"}


class Influx(NamedTuple):
    """An InfluxDB as Grafana reaches it."""

    url: str
    prefix: str
    version: InfluxVersion
    token: str
    """Of 1.x: the password."""
    username: str = ""


class State(NamedTuple):
    """The state database as Grafana reaches it."""

    host: str
    """`host:port`."""
    database: str
    password: str
    username: str = "gengfu_grafana"
    sslmode: Literal["disable", "require", "verify-full"] = "require"


def influx(server: Influx) -> list[dict[str, Any]]:
    """The three data sources of the readings."""
    return [_influx(server, uid, suffix) for uid, suffix in SUFFIXES.items()]


def state(database: State) -> dict[str, Any]:
    """The data source of the views."""
    return {
        **_common(STATE.uid, STATE.type, database.host),
        "user": database.username,
        "jsonData": {
            "database": database.database,
            "sslmode": database.sslmode,
            "postgresVersion": 1500,
            "maxOpenConns": 10,
            "maxIdleConns": 2,
            "connMaxLifetime": 14400,
        },
        "secureJsonData": {"password": database.password},
    }


def _influx(server: Influx, uid: str, suffix: str) -> dict[str, Any]:
    data = {"version": "InfluxQL", "dbName": f"{server.prefix}_{suffix}", "httpMode": "POST"}
    common = _common(uid, READINGS.type, server.url)
    if server.version == "1":
        return common | {"user": server.username, "jsonData": data, "secureJsonData": {"password": server.token}}
    # 2.x maps a bucket to a database of its name by itself, 3 calls its databases so: both take InfluxQL with a token.
    word = "Token" if server.version == "2" else "Bearer"
    header = {"httpHeaderName1": "Authorization"}
    return common | {"jsonData": data | header, "secureJsonData": {"httpHeaderValue1": f"{word} {server.token}"}}


def _common(uid: str, kind: str, url: str) -> dict[str, Any]:
    return {"uid": uid, "name": NAMES[uid], "type": kind, "access": "proxy", "url": url, "isDefault": False}

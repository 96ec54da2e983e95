"""What `gengfu grafana check` looks at."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from dashboards import macros
from dashboards.board import FOLDER
from dashboards.compare import Standing
from dashboards.macros import Value
from dashboards.queries import SOURCES, STATE
from gateway.contract.times import to_ms
from services.annotation.grafana import Grafana, GrafanaRefused
from services.kernel.clock import SystemClock

OLDEST, NEWEST = 11, 13
"""Versions whose API we know to serve what we ask."""
LOOKS_BACK = timedelta(hours=6)
_STEP_MS = 60_000


class Finding(NamedTuple):
    """One thing that was looked at."""

    is_well: bool
    zh: str
    en: str


def of_version(version: str) -> Iterator[Finding]:
    """Is it one that we know?"""
    major = re.match(r"\d+", version)
    if major is None:
        yield Finding(True, "Grafana 有应答（版本未公开）", "Grafana answers (it hides its version)")
    else:
        known = OLDEST <= int(major[0]) <= NEWEST
        more = "" if known else f"，只支持 {OLDEST} 到 {NEWEST}"
        more_en = "" if known else f", known are {OLDEST} to {NEWEST}"
        yield Finding(known, f"Grafana {version}{more}", f"Grafana {version}{more_en}")


def of_folder(grafana: Grafana) -> Iterator[Finding]:
    """Is it there, and may we write in it?"""
    folder = grafana.folder(FOLDER)
    if folder is None:
        yield Finding(False, "没有文件夹：运行 gengfu grafana push", "No folder: run gengfu grafana push")
    elif folder.get("canSave") is False:
        yield Finding(
            False, "服务账号不能写入文件夹：需要 Editor", "The service account may not write: it needs Editor"
        )
    else:
        yield Finding(True, "文件夹可写", "The folder is there and may be written")


def of_sources(grafana: Grafana) -> Iterator[Finding]:
    """Is each one there, of the right kind, and does its server answer?"""
    for wanted in sorted(SOURCES, key=lambda source: source.uid):
        uid = wanted.uid
        there = grafana.source(uid)
        if there is None:
            yield Finding(
                False,
                f"没有数据源 {uid}：运行 gengfu grafana sources",
                f"No data source {uid}: run gengfu grafana sources",
            )
            continue
        if there.get("type") not in (wanted.type, {STATE.type: "postgres"}.get(wanted.type)):
            yield Finding(
                False, f"数据源 {uid} 的类型是 {there.get('type')}", f"Data source {uid} is of type {there.get('type')}"
            )
            continue
        try:
            said = grafana.source_health(uid)
        except GrafanaRefused as error:
            yield Finding(
                False, f"数据源 {uid} 不通：{error.message}", f"Data source {uid} does not work: {error.message}"
            )
        else:
            yield Finding(True, f"数据源 {uid}：{said}", f"Data source {uid}: {said}")


def of_boards(standings: Mapping[str, tuple[Standing, tuple[str, str]]]) -> Iterator[Finding]:
    """Is each one what we would push?"""
    for uid, (stands, (zh, en)) in standings.items():
        yield Finding(stands == "same", f"看板 {uid}：{zh}", f"Board {uid}: {en}")


def of_queries(grafana: Grafana, models: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    """Does Grafana get an answer to every question of every panel, with the first choice of every variable?"""
    now_ms = to_ms(SystemClock().now())
    span = (now_ms - LOOKS_BACK // timedelta(milliseconds=1), now_ms)
    for uid, model in models.items():
        try:
            values = _choices(grafana, model, span)
        except GrafanaRefused as error:
            yield Finding(
                False, f"看板 {uid} 的变量取不到：{error.message}", f"Board {uid}, variables: {error.message}"
            )
            continue
        asked = failed = 0
        for panel in _panels(model):
            asked += len(panel.get("targets", []))
            for reason in _unanswered(grafana, panel, values, span):
                failed += 1
                title = panel["title"]
                yield Finding(False, f"看板 {uid}「{title}」：{reason}", f"Board {uid}, «{title}»: {reason}")
        if not failed:
            yield Finding(True, f"看板 {uid} 的 {asked} 个查询都有应答", f"Board {uid}: all {asked} queries answered")


def _choices(grafana: Grafana, model: dict[str, Any], span: tuple[int, int]) -> dict[str, Value]:
    """The first choice of each variable; they may depend on those before them."""
    values: dict[str, Value] = {}
    for variable in model["templating"]["list"]:
        if variable["type"] != "query":
            values[variable["name"]] = str(variable.get("current", {}).get("value", variable.get("query", "")))
            continue
        text = macros.variables_only(variable["query"], values)
        target = {
            "refId": "A",
            "datasource": variable["datasource"],
            "rawSql": text,
            "format": "table",
            "rawQuery": True,
        }
        answer = grafana.query([target], *span).get("A", {})
        if answer.get("error"):
            raise GrafanaRefused(f"${variable['name']}: {answer['error']}", 400)
        values[variable["name"]] = _first(answer)
    return values


def _first(answer: dict[str, Any]) -> str:
    """The first `__value` of an answer; empty without one."""
    for frame in answer.get("frames", []):
        names = [one.get("name") for one in frame.get("schema", {}).get("fields", [])]
        columns = frame.get("data", {}).get("values", [])
        if "__value" in names and columns and columns[names.index("__value")]:
            return str(columns[names.index("__value")][0])
    return ""


def _unanswered(
    grafana: Grafana, panel: dict[str, Any], values: Mapping[str, Value], span: tuple[int, int]
) -> Iterator[str]:
    queries = []
    for target in panel.get("targets", []):
        key = "query" if "query" in target else "rawSql"
        filled = {key: macros.variables_only(target[key], values), "intervalMs": _STEP_MS, "maxDataPoints": 1000}
        queries.append({**target, **filled})
    try:
        answers = grafana.query(queries, *span)
    except GrafanaRefused as error:
        yield error.message
        return
    for query in queries:
        answer = answers.get(query["refId"])
        if answer is None:
            yield f"{query['refId']}: –"
        elif answer.get("error"):
            yield f"{query['refId']}: {answer['error']}"


def _panels(model: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for panel in model["panels"]:
        yield from (one for one in (panel, *panel.get("panels", [])) if one["type"] != "row")

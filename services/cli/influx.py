"""`gengfu influx`: the buckets and credentials that readings need, and what is wrong with them."""

import os
import secrets as random
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from gateway.timeseries.influx_admin import Credential, Finding, Plan, Step, check, plans, set_up
from gateway.timeseries.influxdb import InfluxServer
from services.cli.site import Language
from services.cli.wiring import influx_server
from services.flows.learning import HOURS_KEPT, MINUTES_KEPT
from services.kernel.clock import SystemClock
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True, help="InfluxDB: buckets, retention and tokens. See docs/operations/README.md.")
out = Console(highlight=False)

ADMIN_TOKEN, ADMIN_PASSWORD = "influx_admin_token", "influx_admin_password"
WRITER_TOKEN, READER_TOKEN = "influx_token", "influx_grafana_token"
ADMIN_USER = "admin"
MODE = 0o640

Secrets = Annotated[
    Path, typer.Option("--secrets", help=f"Directory with {ADMIN_TOKEN} (1.x: {ADMIN_PASSWORD}); tokens go there, too.")
]
HERE = Path("deploy/secrets/influx")

STEPS = {
    ("organisation", True): ("已创建组织（1.x：管理员）{name}", "Made the organisation (1.x: administrator) {name}"),
    ("bucket", True): ("已创建存储桶 {name}", "Made the bucket {name}"),
    ("bucket", False): ("存储桶 {name} 已就绪", "The bucket {name} is there"),
    ("retention", True): ("已延长存储桶 {name} 的保留时间", "The bucket {name} now keeps its data long enough"),
    ("token", True): ("已写入 {name} 的新令牌，请重启使用它的进程", "New token of {name} written; restart who uses it"),
    ("token", False): ("{name} 的令牌有效", "The token of {name} works"),
    ("revoked", True): ("已撤销 {name} 的旧令牌", "Took the old tokens of {name} back"),
    ("revoked", False): ("{name} 没有旧令牌", "There are no old tokens of {name}"),
}
FINDINGS = {
    "unreachable": ("无法连接 InfluxDB：{detail}", "InfluxDB cannot be reached: {detail}"),
    "refused": ("InfluxDB 拒绝令牌：{detail}", "InfluxDB refuses the token: {detail}"),
    "org_missing": ("没有组织 {name}：{detail}", "There is no organisation {name}: {detail}"),
    "bucket_missing": (
        "没有存储桶 {name}（或令牌无权读取）：运行 gengfu influx setup",
        "There is no bucket {name} that this token may read: run gengfu influx setup",
    ),
    "short_retention": (
        "存储桶 {name} 的保留时间太短（{detail}），数据会在到期前丢失：运行 gengfu influx setup",
        "The bucket {name} keeps less than we promise ({detail}): run gengfu influx setup",
    ),
    "not_writable": ("令牌无权写入 {name}", "This token may not write into {name}"),
    "not_mapped": (
        "InfluxQL 查询 {name} 时读取的是另一个存储桶，写入的数据读不到：请删除该映射（influx v1 dbrp list / delete）",
        "InfluxQL reads {name} from another bucket, so what is written is never seen: delete that mapping"
        " (influx v1 dbrp list / delete)",
    ),
    "open_to_all": (
        "{name} 不要求密码，任何人都能读写：请启用认证",
        "{name} asks for no password, anybody can read and write: switch authentication on",
    ),
    "reader_writes": (
        "Grafana 的令牌可以写入 {name}，应为只读",
        "Grafana's token may write into {name}",
    ),
    "reader_refused": ("Grafana 的令牌不能读取：{name} {detail}", "Grafana's token cannot read: {name} {detail}"),
    "clock_skew": (
        "InfluxDB 与本机时钟相差 {detail}：请校时，否则新数据可能被当作过期",
        "The clocks of InfluxDB and this machine differ by {detail}: set them, or fresh data may count as too old",
    ),
}


@app.command("setup")
def setup(
    secrets: Secrets = HERE,
    rotate: Annotated[bool, typer.Option("--rotate", help="New tokens; in 2.x the old ones still work.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take old tokens back, after the restart.")] = False,
    lang: Language = "zh",
) -> None:
    """Make the three buckets and the two tokens, or bring them up to date; may be repeated."""
    settings = Settings()
    server = _server(settings)
    is_1 = bool(server.username)
    if server.username == ADMIN_USER:
        raise SettingsError(
            f"GENGFU_INFLUX_USERNAME is {ADMIN_USER}: making it the store's user would end its rights",
            hint="Choose another name, e.g. gengfu",
        )
    admin = _held(secrets / (ADMIN_PASSWORD if is_1 else ADMIN_TOKEN))
    if not admin:
        raise SettingsError(
            f"{secrets / (ADMIN_PASSWORD if is_1 else ADMIN_TOKEN)} is missing or empty",
            hint="Run gengfu init, or name the directory: --secrets",
        )
    files = {_writer(server): secrets / WRITER_TOKEN, _reader(server): secrets / READER_TOKEN}
    wanted = [
        Credential(label, label == _writer(server), _held(file), random.token_urlsafe(33))
        for label, file in files.items()
    ]
    admin_server = replace(server, username=ADMIN_USER if is_1 else "", token=admin)
    steps, issued = set_up(admin_server, _plans(settings), wanted, rotate=rotate, revoke=revoke)
    for label, token in issued.items():
        write_secret(files[label], token)
    for step in steps:
        out.print(f"[green]✓[/] {escape(_step(step, lang))}", soft_wrap=True)


@app.command("check")
def show(secrets: Secrets = HERE, lang: Language = "zh") -> None:
    """Say what is wrong with InfluxDB for the store, and with the token of the boards; exit code 1 if anything is."""
    settings = Settings()
    server = _server(settings)
    if not server.token:
        server = replace(server, token=_held(secrets / WRITER_TOKEN))
    token = _held(secrets / READER_TOKEN)
    reader = replace(server, username=_reader(server) if server.username else "", token=token) if token else None
    findings = check(server, _plans(settings), reader, SystemClock().now())
    for finding in findings:
        out.print(f"[bold red]✗[/] {escape(_finding(finding, lang))}", soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    out.print(f"[green]✓[/] {'InfluxDB 一切正常' if lang == 'zh' else 'InfluxDB is as it should be'}")


def write_secret(path: Path, text: str) -> None:
    """Put it in the file's place in one step: a reader sees the old one or the new one, and nobody else sees either."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            place = path.stat() if path.exists() else path.parent.stat()
            if (place.st_uid, place.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), place.st_uid if os.geteuid() == 0 else -1, place.st_gid)
            os.fchmod(file.fileno(), MODE)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _server(settings: Settings) -> InfluxServer:
    if not settings.influx_url:
        raise SettingsError(
            "GENGFU_INFLUX_URL is empty: readings go to a SQLite file", hint="Set it to e.g. http://127.0.0.1:8086"
        )
    return influx_server(settings)


def _plans(settings: Settings) -> tuple[Plan, Plan, Plan]:
    return plans(settings.influx_bucket, timedelta(days=settings.raw_days), MINUTES_KEPT, HOURS_KEPT)


def _writer(server: InfluxServer) -> str:
    return server.username or server.bucket


def _reader(server: InfluxServer) -> str:
    return f"{_writer(server)}-grafana"


def _held(path: Path) -> str:
    return path.read_text("utf-8").strip() if path.is_file() else ""


def _step(step: Step, lang: str) -> str:
    return STEPS[step.what, step.changed][lang == "en"].format(name=step.name)


def _finding(finding: Finding, lang: str) -> str:
    return FINDINGS[finding.kind][lang == "en"].format(name=finding.name, detail=finding.detail)

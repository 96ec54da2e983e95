"""`gengfu probe`: what devices on a Modbus line or at a broker say, of which family they are, and lines to paste."""

import dataclasses
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.contract.times import to_ms
from gateway.drivers.modbus.wire import ModbusWire
from gateway.mqtt import BrokerAddress
from gateway.site.model import Configs
from gateway.site.profile import Profile
from gateway.site.sensors import Bus
from services.cli.probe_modbus import Slave, look, raw_lines, refresh, registers_in, sensors_yaml, slaves_in
from services.cli.probe_mqtt import Recogniser, listen, proposals, summary
from services.cli.sensor_check import said_rows
from services.cli.site import Language
from services.cli.wiring import broker_of, configs_of
from services.kernel.clock import SystemClock
from services.kernel.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="What devices say, live, and the lines for the site files. See docs/sensors/README.md.",
)
out = Console(highlight=False, soft_wrap=True)
Framing = Literal["8N1", "8E1", "8O1", "8N2", "7E1"]

_ROWS: Final = 30
"""Topics in the live table; all of them are listed in the end."""
_AGAIN_S: Final = 1.0
_PROPOSED: Final = 3
_MQTT_PORT: Final = 1883


@app.command("mqtt")
def mqtt(
    topic: Annotated[str, typer.Option(help="What to hear: an MQTT filter.")] = "#",
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long.")] = 20.0,
    host: Annotated[str, typer.Option(help="HOST or HOST:PORT; the broker of the settings by default.")] = "",
    lang: Language = "zh",
) -> None:
    """Hear a broker without saying a word: topics, which family recognises them, and what is in them.

    For what no family knows a profile is proposed, with the messages as its samples: to correct and to keep.
    """
    zh, settings, clock = lang == "zh", Settings(), SystemClock()
    configs = configs_of(settings)
    broker = _broker(broker_of(settings), host)
    found = Recogniser(configs.profiles, _zone(configs))
    out.print(
        _in("正在听 {} 的 {}，{:g} 秒，只听不发…", "Hearing {} of {} for {:g} s, saying nothing …", zh).format(
            broker if zh else topic, topic if zh else broker, seconds
        ),
        markup=False,
    )
    with _live() as live:
        listen(
            broker,
            topic,
            seconds,
            lambda at, payload: found.hear(at, payload, to_ms(clock.now())),
            lambda: live(_topics(found, zh=zh, most=_ROWS)),
        )
    _print_mqtt(found, zh=zh)


@app.command("modbus")
def modbus(
    host: Annotated[str, typer.Option(help="HOST:PORT of a Modbus TCP device or serial server.")] = "",
    port: Annotated[str, typer.Option(help="Serial port, e.g. /dev/ttyUSB0.")] = "",
    protocol: Annotated[Literal["tcp", "rtu"], typer.Option(help="With --host: rtu through a serial server.")] = "tcp",
    baud: Annotated[int, typer.Option(min=300, max=921_600)] = 9600,
    framing: Annotated[Framing, typer.Option(help="Bits, parity, stop bits.")] = "8N1",
    slaves: Annotated[str, typer.Option(help="Whom to ask, e.g. 1-16 or 1,3,7.")] = "1-16",
    registers: Annotated[str, typer.Option(help="What to ask for, e.g. 0-79 or holding:100-139.")] = "0-79",
    seconds: Annotated[float, typer.Option(min=0.0, max=3600, help="How long values are refreshed.")] = 10.0,
    timeout_ms: Annotated[int, typer.Option(min=20, max=10_000, help="How long a slave may take.")] = 500,
    lang: Language = "zh",
) -> None:
    """Ask a Modbus line, reading only: who answers, which family fits, what they read now; and the lines to paste."""
    if bool(host) == bool(port):
        raise typer.BadParameter("give either --host HOST:PORT or --port /dev/ttyUSB0")
    if host and not _is_address(host):
        raise typer.BadParameter(f"--host {host!r} is not HOST:PORT, e.g. 192.168.1.20:502")
    zh, clock = lang == "zh", SystemClock()
    numbers, wanted = slaves_in(slaves), registers_in(registers)
    profiles = configs_of(Settings()).profiles
    bus = Bus(
        id="probe",
        host=host or None,
        port=port or None,
        protocol=protocol,
        baud=baud,
        framing=framing,
        timeout=timedelta(milliseconds=timeout_ms),
    )
    wire = ModbusWire(bus)
    wire.open()
    out.print(
        _in("正在询问 {} 上的从站 {}，只读不写…", "Asking {} for slaves {}, reading only …", zh).format(
            host or port, slaves
        ),
        markup=False,
    )
    found: list[Slave] = []
    try:
        with _live() as live:
            for slave in look(wire, profiles, numbers, wanted, to_ms(clock.now())):
                found.append(slave)
                live(_slaves(found, zh=zh))
            deadline = time.monotonic() + seconds
            while found and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(_AGAIN_S, left))
                for slave in found:
                    refresh(wire, slave, to_ms(clock.now()))
                live(_slaves(found, zh=zh))
    finally:
        wire.close()
    line = f'host: "{host}"' + (", protocol: rtu" if protocol == "rtu" else "")
    _print_modbus(found, line if host else f"port: {port}, baud: {baud}, framing: {framing}", zh=zh)


def _print_mqtt(found: Recogniser, *, zh: bool) -> None:
    if not found.heard:
        out.print(
            _in(
                "没有听到任何消息：设备在说话吗？这个账号可以读这些主题吗？",
                "Nothing was heard: do devices speak, and may this account read these topics?",
                zh,
            )
        )
        return
    out.print(_topics(found, zh=zh, most=len(found.heard)))
    if found.missed:
        out.print(
            _in("另有 {} 条消息的主题太多，没有列出", "{} messages under more topics are not listed", zh).format(
                found.missed
            )
        )
    lines = list(found.sensors_yaml())
    if lines:
        out.print("\n# sensors.yaml, sensors:", style="dim")
        for line in lines:
            out.print(line, markup=False)
    proposed = list(proposals(found.strangers()))
    for topic, text in proposed[:_PROPOSED]:
        lead = _in(
            "没有型谱认识 {}，建议如下（存为 profiles/ 下的文件，核对后改名）：",
            "No profile knows {}; a proposal to keep under profiles/, once corrected:",
            zh,
        )
        out.print("\n# " + lead.format(topic), markup=False, style="dim")
        out.print(text.rstrip(), markup=False)
    for topic, _text in proposed[_PROPOSED:]:
        out.print(
            _in("# 还有 {}：用 --topic 单独查看", "# and {}: look at it alone with --topic", zh).format(topic),
            markup=False,
            style="dim",
        )


def _print_modbus(found: list[Slave], bus_line: str, *, zh: bool) -> None:
    if not found:
        out.print(
            _in(
                "没有从站应答：检查接线（A/B 是否接反）、波特率、地址，或换 --slaves 的范围",
                "No slave answers: check the wires (A and B swapped?), the speed, --slaves",
                zh,
            )
        )
        return
    out.print(_slaves(found, zh=zh))
    for slave in found:
        if slave.profile is None and slave.found.answers:
            lead = _in("从站 {} 没有型谱合适，寄存器里有：", "No profile fits slave {}; its registers hold:", zh)
            out.print("\n# " + lead.format(slave.number), markup=False, style="dim")
            for line in raw_lines(slave.found.answers):
                out.print("  " + line, markup=False)
    if any(slave.profile is not None for slave in found):
        out.print("\n# sensors.yaml", style="dim")
        for line in sensors_yaml(found, bus_line):
            out.print(line, markup=False)


def _topics(found: Recogniser, *, zh: bool, most: int) -> RenderableType:
    table = _table(("主题", "型谱", "内容", "次数") if zh else ("Topic", "Profile", "Content", "Count"))
    foreign = found.foreign()
    for heard in foreign[:most]:
        topic, family, content = summary(heard, zh=zh)
        table.add_row(escape(topic), escape(family), escape(content), str(heard.count))
    topics, messages = found.ours()
    if topics:
        words = _in("{} 个主题，已接入", "{} topics, connected already", zh).format(topics)
        table.add_row("gengfu/#", _in("更夫协议", "our own contract", zh), words, str(messages))
    more = len(foreign) - most
    return Group(table, Text(f"… +{more}", style="dim")) if more > 0 else table


def _slaves(found: list[Slave], *, zh: bool) -> RenderableType:
    table = _table(("从站", "型谱", "现在的值") if zh else ("Slave", "Profile", "Values now"))
    for slave in found:
        if slave.found.garbage:
            content = _in("应答不是 Modbus：{}", "answers with what is no Modbus: {}", zh).format(
                slave.found.garbage.hex()
            )
        elif not slave.found.answers:
            content = _in(
                "有应答，但没有这些寄存器：用 --registers 换一段",
                "answers, but has none of these registers: try others with --registers",
                zh,
            )
        elif slave.profile is None or slave.said is None:
            content = _in("有应答，没有合适的型谱", "answers, no profile fits", zh)
        else:
            content = slave.complaint or "; ".join(said_rows(slave.profile, [slave.said], zh=zh))
        table.add_row(str(slave.number), escape(_family(slave.profile, slave)), escape(content))
    return table


def _family(profile: Profile | None, slave: Slave) -> str:
    others = [one.profile for one in slave.matches if profile is None or one.profile != profile.id][:3]
    name = "—" if profile is None else profile.id
    return f"{name} ({', '.join(others)}?)" if others else name


def _table(headings: tuple[str, ...]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


class _Show:
    """Redraws on a terminal; elsewhere the result is printed once, in the end."""

    def __init__(self, live: Live | None) -> None:
        self._live = live

    def __call__(self, what: RenderableType) -> None:
        if self._live is not None:
            self._live.update(what)


@contextmanager
def _live() -> Iterator[_Show]:
    if not sys.stdout.isatty():
        yield _Show(None)
        return
    with Live(console=out, transient=True, refresh_per_second=4) as live:
        yield _Show(live)


def _broker(broker: BrokerAddress, host: str) -> BrokerAddress:
    if not host:
        return broker
    if _is_address(host):
        name, _colon, number = host.rpartition(":")
        return dataclasses.replace(broker, host=name.strip("[]"), port=int(number))
    if ":" in host:
        raise typer.BadParameter(f"--host {host!r} is neither HOST nor HOST:PORT")
    return dataclasses.replace(broker, host=host, port=_MQTT_PORT if broker.ca is None else broker.port)


def _is_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(colon and host and port.isdecimal() and 0 < int(port) < 65_536)


def _zone(configs: Configs) -> ZoneInfo:
    return ZoneInfo(next(iter(configs.sites.values())).site.timezone)


def _in(text: str, text_en: str, zh: bool) -> str:
    return text if zh else text_en

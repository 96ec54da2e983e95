"""`gengfu fire probe`: listens to a panel's line and shows what it says by each format that understands it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from gateway.contract.errors import GengfuError
from gateway.drivers.fire_signal import PanelDriver, Signal
from gateway.drivers.gb26875.frame import Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.signals import signals_of
from gateway.drivers.gb26875.stream import FrameReader
from gateway.drivers.jbf293k import Jbf293k
from gateway.drivers.text_panel import SELF, TextPanel
from gateway.fire.wires import WIRE_ERRORS, SerialWire, TcpWire, Wire, host_and_port
from gateway.site.fire_formats import TextFormat
from gateway.site.load import load_configs
from services.cli.wiring import configs_path
from services.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Fire panels on lines of their own.")
out = Console(highlight=False, soft_wrap=True)
Language = Annotated[Literal["zh", "en"], typer.Option("--lang", envvar="GENGFU_LANG", help="zh or en.")]
Heard = Sequence[tuple[int, bytes]]
"""(milliseconds, bytes) as they came."""

_SHOWN_READINGS: Final = 3
_SHOWN_SIGNALS: Final = 20
_END_MS: Final = 3_600_000


class LineUnusable(GengfuError):
    """The port or serial server cannot be used, or went away."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bytes say if they are taken for one protocol or format."""

    name: str
    signals: tuple[Signal, ...]

    @property
    def understood(self) -> int:
        """Signals that are more than bytes."""
        return sum("unparsed" not in signal.marks for signal in self.signals)

    @property
    def placed(self) -> int:
        """Those of them that are more than a fire of nobody knows what, which many formats see in any fire wording."""
        return sum(
            "unparsed" not in signal.marks and not (signal.address == SELF and "fire" in signal.state)
            for signal in self.signals
        )

    def source(self, port: str, baud: int, framing: str) -> str:
        """Its line in the `sources` of fire.yaml; an empty port, as of a capture, is left to be filled in."""
        what = f"protocol: {self.name}"
        if self.name not in ("jbf293k", "gb26875"):
            what = f"protocol: text, format: {self.name}"
        where = f"host: {port}" if _is_host(port) else f"port: {port}, baud: {baud}" if port else "port: …"
        extra = "" if framing == "8N1" else f", framing: {framing}"
        return f"- {{id: …, {what}, {where}{extra}}}"


def readings(heard: Heard, formats: Mapping[str, TextFormat], zone: ZoneInfo) -> list[Reading]:
    """By every protocol that only listens, the one that understands most first; none that understands nothing.

    Those that only see fire wording come last.
    """
    drivers: dict[str, PanelDriver] = {name: TextPanel(layout, zone) for name, layout in formats.items()}
    drivers["jbf293k"] = Jbf293k(zone)
    found = [Reading(name, _said(driver, heard)) for name, driver in drivers.items()]
    found.append(Reading("gb26875", _frames(heard, zone)))
    useful = [one for one in found if one.understood]
    return sorted(useful, key=lambda one: (one.placed > 0, 2 * one.understood - len(one.signals)), reverse=True)


def _said(driver: PanelDriver, heard: Heard) -> tuple[Signal, ...]:
    signals = [signal for now_ms, data in heard for signal in driver.feed(data, now_ms)]
    return (*signals, *driver.feed(b"", _END_MS), *driver.close(_END_MS))


def _frames(heard: Heard, zone: ZoneInfo) -> tuple[Signal, ...]:
    reader, profile = FrameReader(), Profile(zone)
    frames = [one for now_ms, data in heard for one in reader.feed(data, now_ms) if isinstance(one, Frame)]
    return tuple(signal for frame in frames for signal in signals_of(frame, profile))


def _is_host(port: str) -> bool:
    return ":" in port and "/" not in port


def _listen(port: str, baud: int, framing: str, seconds: float) -> list[tuple[int, bytes]]:
    """Hear and show what comes; nothing is sent. Raises LineUnusable."""
    heard: list[tuple[int, bytes]] = []
    ends = time.monotonic() + seconds
    try:
        wire: Wire = TcpWire(*host_and_port(port)) if _is_host(port) else SerialWire(port, baud, framing)
        try:
            while time.monotonic() < ends:
                data = wire.read()
                if data:
                    heard.append((int(time.monotonic() * 1000), data))
                    out.print(f"  {data.hex(' ').upper()}", markup=False)
        finally:
            wire.close()
    except WIRE_ERRORS as error:
        hint = "Is it plugged in, and may you use it? On Debian your account has to be in the group dialout"
        raise LineUnusable(f"The line {port} cannot be used: {error}", hint=hint) from error
    start_ms = heard[0][0] if heard else 0
    return [(now_ms - start_ms, data) for now_ms, data in heard]


@app.callback()
def fire() -> None:
    """Fire panels on lines of their own."""


@app.command()
def probe(
    port: Annotated[
        str, typer.Argument(help="A serial port, a serial server host:port, or a file with captured bytes.")
    ],
    baud: Annotated[int, typer.Option(help="The port's speed.", min=300)] = 9600,
    framing: Annotated[Literal["8N1", "7E1", "8E1"], typer.Option(help="Data bits, parity, stop bits.")] = "8N1",
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.1, max=86_400)] = 60.0,
    configs: Annotated[Path | None, typer.Option(help="Directory with fire/. Default: that of the settings.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the panel's clock.")] = "Asia/Shanghai",
    lang: Language = "zh",
) -> None:
    """Listen to a panel's line without sending anything, and show what it says by each format that understands it.

    Exit code 1 if none does, or if all that any of them sees is fire wording.
    """
    formats = load_configs(configs or configs_path(Settings())).fire_formats
    if Path(port).is_file():
        heard, port = [(0, Path(port).read_bytes())], ""
    else:
        out.print("只听不发，请让控制器打印……" if lang == "zh" else "Only listening; make the panel print …")
        heard = _listen(port, baud, framing, seconds)
    found = readings(heard, formats, ZoneInfo(zone))
    for one in found[:_SHOWN_READINGS]:
        words = "{}：{} 条，看懂 {} 条" if lang == "zh" else "{}: {} records, {} understood"
        out.print("\n" + words.format(one.name, len(one.signals), one.understood), markup=False)
        for signal in one.signals[:_SHOWN_SIGNALS]:
            out.print(f"  {_shown(signal)}", markup=False)
        if not one.placed:
            out.print(f"  {_only_words(zh=lang == 'zh')}", markup=False)
    if found and found[0].placed:
        out.print("\nfire.yaml, sources:")
        out.print(found[0].source(port, baud, framing), markup=False)
        return
    count = sum(len(data) for _, data in heard)
    if lang == "zh":
        out.print(f"收到 {count} 字节，没有一种格式看得懂：换 --baud、--framing，或按 docs/fire/panels.md 写一种")
    else:
        out.print(
            f"{count} bytes, no format understands them: try --baud, --framing, or write one: docs/fire/panels.md"
        )
    raise typer.Exit(1)


def _only_words(*, zh: bool) -> str:
    if zh:
        return "→ 只认出火警字样，看不出是哪个点：多半不是这种格式"
    return "→ only fire wording was found, not what it is about: most likely not this format"


def _shown(signal: Signal) -> str:
    said = [*signal.state, *(f"-{word}" for word in signal.ended), *signal.operations, *signal.marks]
    told = str(signal.extra.get("line") or signal.extra.get("said") or signal.text)
    return f"{signal.address or '?'} [{' '.join(said)}] {' / '.join(told.splitlines())}"

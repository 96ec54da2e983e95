"""`gengfu reader probe`: listens to a plugged-in reader, shows what it says and writes the lines for the site files."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from gateway.contract.errors import GengfuError
from gateway.contract.tags import canonical
from gateway.drivers import pn532, rdm6300, wand
from gateway.drivers.lines import Lines
from gateway.drivers.pn532 import Pn532
from gateway.drivers.port import PORT_ERRORS, open_port, turn
from gateway.drivers.uid_line import uid_in
from gateway.site.patrol import ReaderProtocol, TagKind

app = typer.Typer(no_args_is_help=True, help="Readers of tags and badges.")
out = Console(highlight=False, soft_wrap=True)
Language = Annotated[Literal["zh", "en"], typer.Option("--lang", envvar="GENGFU_LANG", help="zh or en.")]
Tell = Callable[[str, str], None]
"""Says something in Chinese and in English."""

_ASKING_S: Final = 1.5
_LISTENING_S: Final = 3.0
_SPEEDS: Final = (rdm6300.BAUD, pn532.BAUD)
_QUIET_MS: Final = 200


class PortUnusable(GengfuError):
    """The port cannot be opened, or went away."""


@dataclass(slots=True)
class Findings:
    """What a probe has learnt of a reader."""

    protocol: ReaderProtocol | None = None
    baud: int = 0
    heard: int = 0
    """Bytes."""
    guess: wand.Guess | None = None
    tags: dict[str, TagKind] = field(default_factory=dict)
    """What was read, as printed."""

    def yaml(self, port: str) -> Iterator[str]:
        """The lines for the site files."""
        if self.protocol is None:
            return
        yield "# devices.yaml"
        yield "- {id: reader-1, name: 巡更读卡器, name_en: Patrol reader, area: …, kind: patrol_reader}"
        yield "# patrol.yaml, readers:"
        extra = ""
        if self.guess is not None:
            extra = f", pattern: '{self.guess.pattern}', time_format: '{self.guess.time_format}'"
        yield f"- {{id: reader-1, protocol: {self.protocol}, port: {port}, baud: {self.baud}{extra}}}"
        if self.tags:
            yield "# patrol.yaml, checkpoints:"
        for uid, kind in self.tags.items():
            yield f"- {{id: …, name: …, area: …, tags: [{{uid: '{uid}', kind: {kind}}}]}}"


class Listener:
    """Hears readers that only talk, at one speed, and finds out which sort each line is."""

    def __init__(self, baud: int, findings: Findings, tell: Tell) -> None:
        self._baud = baud
        self._findings = findings
        self._tell = tell
        self._lines = Lines(_QUIET_MS)

    def hear(self, data: bytes, now_ms: int) -> None:
        """Take bytes."""
        for line in self._lines.feed(data, now_ms):
            self._sort(line)

    def _sort(self, line: str) -> None:
        number = rdm6300.uid_of(b"\x02" + line.encode() + b"\x03")
        guess = wand.guess(line)
        record = re.search(guess.pattern, line) if guess else None
        uid = uid_in(line)
        if number is not None:
            self._read("rdm6300", number, "rfid125")
        elif record is not None:
            self._findings.guess = guess
            self._read("wand", record["tag"], _kind_of(record["tag"]))
        elif uid is not None:
            self._read("uid_line", uid, _kind_of(uid))
        else:
            self._tell(f"看不懂（{self._baud} 波特）：{line!r}", f"Not understood at {self._baud} baud: {line!r}")

    def _read(self, protocol: ReaderProtocol, uid: str, kind: TagKind) -> None:
        self._findings.protocol, self._findings.baud = protocol, self._baud
        self._findings.tags.setdefault(uid, kind)
        self._tell(f"{protocol}：{uid}，身份 {canonical(uid)}", f"{protocol}: {uid}, identity {canonical(uid)}")


def _kind_of(uid: str) -> TagKind:
    """EM4100 numbers come as ten digits, or as decimal pairs."""
    return "rfid125" if len(uid) == 10 or "," in uid else "nfc"


class Probe:
    """One probing of a port: asks whether it is a PN532, then listens at the usual speeds in turn."""

    def __init__(self, port: str, speeds: tuple[int, ...], seconds: float, tell: Tell) -> None:
        self._port = port
        self._speeds = speeds
        self._tell = tell
        self._ends = time.monotonic() + seconds
        self.findings = Findings()

    def run(self) -> Findings:
        """Probe until the time is over; raises PortUnusable."""
        try:
            self._ask_pn532(self._speeds[-1])
            while self.findings.protocol != "pn532" and time.monotonic() < self._ends:
                for speed in self._speeds:
                    self._listen(speed)
        except PORT_ERRORS as error:
            hint = "Is it plugged in, and may you use it? On Debian your account has to be in the group dialout"
            raise PortUnusable(f"The port {self._port} cannot be used: {error}", hint=hint) from error
        return self.findings

    def _ask_pn532(self, speed: int) -> None:
        """Stay with it until the end if it answers."""
        self._tell(f"询问是否为 PN532（{speed} 波特）……", f"Asking whether it is a PN532 at {speed} baud …")
        driver, ends = Pn532(), min(self._ends, time.monotonic() + _ASKING_S)
        with open_port(self._port, speed) as line:
            while time.monotonic() < ends:
                data, reads = turn(line, driver, _now_ms)
                self.findings.heard += len(data)
                if driver.firmware and self.findings.protocol is None:
                    self.findings.protocol, self.findings.baud, ends = "pn532", speed, self._ends
                    self._tell(
                        f"PN532，固件 {driver.firmware}；请放卡", f"PN532, firmware {driver.firmware}; hold a tag"
                    )
                for read in reads:
                    self._raw(data)
                    self.findings.tags[read.uid] = "sun" if "?" in read.url else "nfc"
                    name = canonical(read.uid)
                    self._tell(f"pn532：身份 {name} {read.url}", f"pn532: identity {name} {read.url}")

    def _listen(self, speed: int) -> None:
        """Listen for a while, or until the end once something is understood at this speed."""
        self._tell(f"监听 {speed} 波特，请放卡或下载记录……", f"Listening at {speed} baud; hold a tag or dump records …")
        listener, ends = Listener(speed, self.findings, self._tell), time.monotonic() + _LISTENING_S
        with open_port(self._port, speed) as line:
            while time.monotonic() < min(ends, self._ends):
                data = line.read(256)  # or what comes until its timeout
                self.findings.heard += len(data)
                self._raw(data)
                listener.hear(data, _now_ms())
                if self.findings.protocol is not None:
                    ends = self._ends

    def _raw(self, data: bytes) -> None:
        if data:
            shown = data.hex(" ").upper()
            self._tell(f"  {shown}", f"  {shown}")


def _now_ms() -> int:
    return int(time.monotonic() * 1000)


@app.callback()
def readers() -> None:
    """Readers of tags and badges."""


@app.command()
def probe(
    port: Annotated[str, typer.Argument(help="The serial port, e.g. /dev/ttyUSB0.")],
    baud: Annotated[int | None, typer.Option(help="Its speed; without it the usual ones are tried.", min=1)] = None,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.1, max=3600)] = 15.0,
    lang: Language = "zh",
) -> None:
    """Show what a plugged-in reader says and propose its lines for the site files. Exit code 1 if it says nothing."""

    def tell(chinese: str, english: str) -> None:
        out.print(chinese if lang == "zh" else english, markup=False)

    findings = Probe(port, (baud,) if baud is not None else _SPEEDS, seconds, tell).run()
    if findings.protocol is not None:
        tell("\n可写入站点文件（… 处请填写）：", "\nFor the site files (fill in the …):")
        for line in findings.yaml(port):
            tell(line, line)
        return
    if findings.heard:
        tell(
            f"收到 {findings.heard} 字节，但都看不懂：换一个 --baud 试试",
            f"{findings.heard} bytes, none understood: try another --baud",
        )
    else:
        tell(
            "什么也没收到：检查接线（TX、RX 对调）和电源，放卡再试",
            "Nothing heard: check power and wiring (TX, RX swapped?), hold a tag",
        )
    raise typer.Exit(1)

"""Virtual Modbus slaves on a real line: a TCP server, or a pseudo-terminal that a gateway opens like a serial port.

The registers are worked out from the same profiles by which the gateway reads them. Slaves may be dead (no answer) or
answer garbage. Nothing can be written to them.
"""

import asyncio
import os
import pty
import threading
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from pymodbus import FramerType, ModbusException
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.contract.errors import GengfuError
from gateway.drivers.modbus.registers import BIT_FUNCTIONS, addresses, encode
from gateway.site.profile import Function, ModbusProfile

Temper = Literal["well", "dead", "garbage"]
_FUNCTIONS: Final[dict[int, Function]] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_GARBAGE: Final = bytes.fromhex("ff00ff5aa50103")
_START_S: Final = 10.0
_CHUNK: Final = 512


class CannotListen(GengfuError):
    """The virtual line could not be opened."""


@dataclass(frozen=True, slots=True)
class VirtualSlave:
    """One slave: `value` gives a metric's value in its unit (of a loop: the signal) at a time in epoch milliseconds."""

    number: int
    profile: ModbusProfile
    value: Callable[[str, int], float]


class VirtualBus:
    """The slaves of one line; `tempers` may be changed while it runs. `asked` counts requests by slave."""

    def __init__(self, slaves: Sequence[VirtualSlave], clock_ms: Callable[[], int]) -> None:
        self._slaves = {slave.number: slave for slave in slaves}
        self._clock_ms = clock_ms
        self.tempers: dict[int, Temper] = {}
        self.asked: dict[int, int] = {}
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._fds: list[int] = []
        self.port = 0

    def serve_tcp(self, host: str, port: int, *, rtu: bool = False) -> int:
        """Listen; returns the port (`port` 0: a free one). `rtu`: like a serial server. Raises CannotListen."""
        self._begin(lambda: self._tcp(host, port, FramerType.RTU if rtu else FramerType.SOCKET))
        return self.port

    def serve_pty(self) -> str:
        """Answer on a new pseudo-terminal; returns the path of its other end. Raises CannotListen."""
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self._fds = [ours, theirs]  # the other end stays open here too, or a gateway that leaves would hang it up
        os.set_blocking(ours, False)
        self._begin(lambda: self._serial(ours))
        return os.ttyname(theirs)

    def close(self) -> None:
        """Leave the line."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = None
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    async def async_getValues(  # noqa: N802 - pymodbus calls it so
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """What stands in registers of a slave, for pymodbus; raises NoSuchIdException for one that does not answer."""
        self.asked[device_id] = self.asked.get(device_id, 0) + 1
        slave = self._slaves.get(device_id)
        if slave is None or self.tempers.get(device_id) == "dead":
            raise NoSuchIdException(f"{device_id} does not answer")
        words = registers_of(slave, _FUNCTIONS[func_code], self._clock_ms())
        wanted = range(address, address + count)
        low, high = min(words, default=1), max(words, default=0)
        if count > slave.profile.max_registers or wanted.start < low or wanted.stop > high + 1:
            return ExcCodes.ILLEGAL_ADDRESS
        if slave.profile.max_gap == 0 and not words.keys() >= set(wanted):
            return ExcCodes.ILLEGAL_ADDRESS
        if _FUNCTIONS[func_code] in BIT_FUNCTIONS:
            return [bool(words.get(one, 0)) for one in wanted]
        return [words.get(one, 0) for one in wanted]

    async def async_setValues(self, *_: object) -> ExcCodes:  # noqa: N802 - pymodbus calls it so
        """Refuse: nobody writes."""
        return ExcCodes.ILLEGAL_FUNCTION

    def device_ids(self) -> list[int]:
        """The slaves' numbers."""
        return list(self._slaves)

    def _begin(self, serve: Callable[[], Any]) -> None:
        self._thread = threading.Thread(target=self._run, args=(serve,), name="virtual-bus", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_S) or self._failure is not None:
            raise CannotListen(f"The virtual bus cannot start: {self._failure}", hint="Is the port free?")

    def _run(self, serve: Callable[[], Any]) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            leave = await serve()
            self._ready.set()
            await self._stop.wait()
            await leave()

        try:
            asyncio.run(main())
        except (OSError, RuntimeError, ModbusException) as error:
            self._failure, self._loop = error, None
            self._ready.set()

    async def _tcp(self, host: str, port: int, framer: FramerType) -> Callable[[], Any]:
        empty = SimDevice(0, simdata=[SimData(0, values=0, datatype=DataType.REGISTERS)])
        server = ModbusTcpServer(
            empty, framer=framer, address=(host, port), ignore_missing_devices=True, trace_packet=self._spoil
        )
        server.context = cast(Any, self)
        await server.serve_forever(background=True)
        self.port = cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
        return server.shutdown

    def _spoil(self, sending: bool, packet: bytes) -> bytes:
        """pymodbus passes every frame here; over TCP the slave's number stands behind the header."""
        at = 6 if len(packet) > 7 and packet[2:4] == b"\0\0" else 0
        if sending and self.tempers.get(packet[at]) == "garbage":
            return _GARBAGE
        return packet

    async def _serial(self, fd: int) -> Callable[[], Any]:
        framer, buffer = FramerRTU(DecodePDU(True)), bytearray()
        loop = asyncio.get_running_loop()
        work: set[asyncio.Task[None]] = set()

        def readable() -> None:
            buffer.extend(os.read(fd, _CHUNK))
            try:
                used, request = framer.handleFrame(bytes(buffer), 0, 0)
            except ModbusException:
                buffer.clear()
                return
            del buffer[:used]
            if request is not None:
                task = loop.create_task(self._answer(fd, framer, request))
                work.add(task)
                task.add_done_callback(work.discard)

        async def leave() -> None:
            loop.remove_reader(fd)

        loop.add_reader(fd, readable)
        return leave

    async def _answer(self, fd: int, framer: FramerRTU, request: Any) -> None:
        try:
            answer = await request.datastore_update(self, request.dev_id)
        except NoSuchIdException:
            return
        except (KeyError, ModbusException):
            answer = ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)
        except ValueError:  # a value that its register cannot hold
            answer = ExceptionResponse(request.function_code, ExcCodes.DEVICE_FAILURE)
        answer.dev_id = request.dev_id
        os.write(fd, self._spoil(True, framer.buildFrame(answer)))


def registers_of(slave: VirtualSlave, function: Function, now_ms: int) -> dict[int, int]:
    """Everything that stands in the registers of one function."""
    its = [one for one in slave.profile.registers if one.function == function]
    values = {one.name: slave.value(one.name, now_ms) for one in its}
    words = encode(its, values).get(function, {})
    return {address: words[address] for one in its for address in addresses(one)}

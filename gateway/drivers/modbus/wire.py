"""A Modbus line by pymodbus: RTU on a serial port, Modbus TCP, or RTU through a transparent serial server.

Functions 1 to 4 only: there is no way here to write to a device. RTU answers do not say which registers they hold; so
whatever still lies on the line is thrown away before each request, and no request is repeated on the spot.
"""

import contextlib
import logging
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException

from gateway.contract.errors import GengfuError
from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.registers import BIT_FUNCTIONS
from gateway.site.profile import Function
from gateway.site.sensors import Bus

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ACKNOWLEDGE: Final = 5
BUSY: Final = 6
_CODES: Final[Mapping[Function, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_IS_EXCEPTION: Final = 0x80
GATEWAY_CODES: Final = frozenset({10, 11})
"""What a gateway answers in place of a slave that it cannot reach: that is no answer."""
_CONNECT_S: Final = 3.0
_CHUNK: Final = 4096
_MOST_CHUNKS: Final = 64
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # the bus itself says, once, what is wrong


class WireFailed(GengfuError):
    """A request brought no registers."""


class LineLost(WireFailed):
    """The port or the connection is gone."""


class NoAnswer(WireFailed):
    """Not a byte came in time, or a gateway says so."""


class Garbage(WireFailed):
    """Something came that is no answer to this request: noise, another slave, another length."""

    def __init__(self, message: str, raw: bytes) -> None:
        self.raw = raw[:_CHUNK]
        super().__init__(f"{message}: {raw[:40].hex()}")


class Refusal(WireFailed):
    """The slave answered with an exception."""

    def __init__(self, code: int, request: Request) -> None:
        self.code = code
        super().__init__(f"Exception {code} for {request.function} {request.start} to {request.end - 1}")


class ModbusWire:
    """One line. Not for two threads at once."""

    def __init__(self, bus: Bus, address: str = "") -> None:
        """`address`: `host:port` in place of the bus's own; opens nothing yet."""
        self.where = address or bus.host or bus.port or ""
        self._timeout_s = bus.timeout.total_seconds()
        self._heard = b""
        self._client: ModbusTcpClient | ModbusSerialClient
        if address or bus.host:
            host, _, port = self.where.rpartition(":")
            framer = FramerType.SOCKET if bus.protocol == "tcp" else FramerType.RTU
            self._client = ModbusTcpClient(
                host, port=int(port), framer=framer, timeout=_CONNECT_S, retries=0, trace_packet=self._trace
            )
        else:
            self._client = ModbusSerialClient(
                self.where,
                baudrate=bus.baud,
                bytesize=int(bus.framing[0]),
                parity=bus.framing[1],
                stopbits=int(bus.framing[2]),
                timeout=self._timeout_s,
                retries=0,
                trace_packet=self._trace,
            )
        # The other deadline, a copy: without it a line that babbles holds each request as long as connecting may take.
        self._client.transaction.comm_params.timeout_connect = self._timeout_s
        reads: dict[Function, Callable[..., Any]] = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
        }
        self._reads = reads

    def open(self) -> None:
        """Open the line; raises LineLost."""
        self._client.comm_params.timeout_connect = _CONNECT_S if self._is_tcp else self._timeout_s
        if not self._client.connect():
            raise LineLost(f"{self.where} cannot be opened", hint="Is the port there, free, and the server running?")
        self._client.comm_params.timeout_connect = self._timeout_s

    def read(self, slave: int, request: Request) -> list[int]:
        """What stands in the registers, or 0 and 1 for bits; raises WireFailed."""
        client = self._client
        if not client.connected:
            raise LineLost(f"{self.where} is not open")
        self._heard = b""
        try:
            self._drain()
            answer = self._reads[request.function](request.start, count=request.count, device_id=slave)
        except ConnectionException as error:
            raise LineLost(f"{self.where} is lost: {error}") from error
        except (ModbusException, struct.error, IndexError, ValueError) as error:
            if self._heard:
                raise Garbage(f"Slave {slave} answers with what is none", self._heard) from error
            raise NoAnswer(f"Slave {slave} does not answer") from error
        except OSError as error:
            self.close()
            raise LineLost(f"{self.where} is lost: {error}") from error
        expected = _CODES[request.function]
        if answer.function_code & ~_IS_EXCEPTION != expected:
            raise Garbage(f"Slave {slave} answers another question", self._heard)
        if answer.isError():
            code = int(answer.exception_code)
            if code in GATEWAY_CODES:
                raise NoAnswer(f"The gateway cannot reach slave {slave} (exception {code})")
            raise Refusal(code, request)
        return self._content(slave, request, answer)

    def close(self) -> None:
        """Leave the line."""
        with contextlib.suppress(Exception):  # a port that was pulled out fails in ways of its own
            self._client.close()  # type: ignore[no-untyped-call]

    @property
    def _is_tcp(self) -> bool:
        return isinstance(self._client, ModbusTcpClient)

    def _content(self, slave: int, request: Request, answer: Any) -> list[int]:
        if request.function not in BIT_FUNCTIONS:
            words: list[int] = list(answer.registers)
            if len(words) == request.count:
                return words
        elif len(answer.bits) == (request.count + 7) // 8 * 8:
            return [int(bit) for bit in answer.bits[: request.count]]
        raise Garbage(f"Slave {slave} answers with another length", self._heard)

    def _trace(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._heard = data
        return data

    def _drain(self) -> None:
        """Throw away what came too late; pymodbus itself does so on serial ports."""
        line = self._client.socket if isinstance(self._client, ModbusTcpClient) else None
        if line is None:
            return
        line.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(_MOST_CHUNKS):
                if not line.recv(_CHUNK):
                    raise ConnectionResetError("the other side has closed")
        line.settimeout(self._timeout_s)

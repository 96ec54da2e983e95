"""A Modbus card, by pymodbus: ranges of registers over a serial port, Modbus TCP, or RTU through a serial server.

RTU replies do not say which registers they hold, so after any failure the connection is closed: a late reply must not
be taken for the next one.
"""

import logging
from typing import Final

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from gateway.fire.wires import host_and_port
from gateway.site.fire import Source

MODBUS_TCP_PORT: Final = 502
"""Behind this port Modbus TCP is spoken, behind any other RTU."""
_TIMEOUT_S: Final = 2.0
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # the line itself says, once, what is wrong


class ModbusFailed(OSError):
    """The card did not answer, or refused."""


class ModbusWire:
    """One connection to a card; raises ModbusFailed."""

    def __init__(self, source: Source, baud: int) -> None:
        self._slave = source.slave
        self._client: ModbusTcpClient | ModbusSerialClient
        if source.host is not None:
            host, port = host_and_port(source.host)
            framer = FramerType.SOCKET if port == MODBUS_TCP_PORT else FramerType.RTU
            self._client = ModbusTcpClient(host, port=port, framer=framer, timeout=_TIMEOUT_S, retries=0)
        else:
            size, parity, stops = source.framing
            self._client = ModbusSerialClient(
                source.port or "",
                baudrate=baud,
                bytesize=int(size),
                parity=parity,
                stopbits=int(stops),
                timeout=_TIMEOUT_S,
                retries=0,
            )
        if not self._client.connect():
            raise ModbusFailed("The line cannot be opened")

    def read(self, start: int, count: int) -> list[int]:
        """The values of registers from `start` on."""
        try:
            answer = self._client.read_holding_registers(start, count=count, device_id=self._slave)
        except ModbusException as error:
            raise ModbusFailed(f"Registers {start} to {start + count - 1}: {error}") from error
        if answer.isError() or len(answer.registers) != count:
            raise ModbusFailed(f"Registers {start} to {start + count - 1} are refused: {answer}")
        return list(answer.registers)

    def close(self) -> None:
        """Leave the line."""
        self._client.close()  # type: ignore[no-untyped-call]

"""Which driver speaks with which source: all but GB/T 26875.3, which confirms only what is on disk (line_centre)."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from gateway.contract.errors import GengfuError
from gateway.drivers.fire_signal import PanelDriver
from gateway.drivers.gst_modbus import GstModbus
from gateway.drivers.jbf293k import Jbf293k
from gateway.drivers.text_panel import TextPanel
from gateway.site.fire import Source
from gateway.site.fire_formats import TextFormat

_BAUD: Final = 9600


class NoSuchFormat(GengfuError):
    """A source names a printer format that no file in device_configs/fire has."""


@runtime_checkable
class _HasBaud(Protocol):
    baud: int


def driver_for_source(source: Source, formats: Mapping[str, TextFormat], zone: str) -> Callable[[], PanelDriver]:
    """What builds the driver of a source anew for each connection; `zone`: of its clock. Raises NoSuchFormat."""
    its_zone = ZoneInfo(zone)
    if source.protocol == "jbf293k":
        return lambda: Jbf293k(its_zone, polls=source.poll_card)
    if source.protocol == "gst_modbus":
        card = GstModbus(source.model, source.registers)  # what it remembers outlives a connection
        return lambda: card
    if source.protocol == "text":
        layout = formats.get(source.format or "")
        if layout is None:
            raise NoSuchFormat(
                f"Source {source.id} has the format {source.format!r}, which is not there",
                hint=f"One of: {', '.join(sorted(formats))}",
            )
        return lambda: TextPanel(layout, its_zone)
    raise ValueError(f"{source.protocol} is no panel of its own")


def baud_of(source: Source, build: Callable[[], PanelDriver]) -> int:
    """The speed of its line: as written, else what its kind usually has."""
    if source.baud is not None:
        return source.baud
    if source.protocol == "gb26875":
        return _BAUD
    driver = build()
    return driver.baud if isinstance(driver, _HasBaud) else _BAUD

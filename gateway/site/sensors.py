"""Ready-made sensors of a site as frozen models: buses, and which device is of which family (`sensors.yaml`)."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.site.duration import Duration
from gateway.site.profile import MetricName, TopicPattern
from gateway.site.terms import AsTuple, Finite, Frozen, Id


class Bus(Frozen):
    """A Modbus line: one poller asks one slave after the other."""

    id: Id
    host: Annotated[str, StringConstraints(pattern=r"^[^\s:/]+:[0-9]{1,5}$")] | None = None
    """`host:port` of a Modbus TCP device or a serial server; GENGFU_BUS_ADDRESSES may replace it."""
    port: str | None = None
    """The serial port, e.g. `/dev/ttyUSB0`."""
    protocol: Literal["tcp", "rtu"] = "tcp"
    """rtu with `host`: RTU frames through a transparent serial server."""
    baud: Annotated[int, Field(ge=300, le=921_600)] = 9600
    framing: Literal["8N1", "8E1", "8O1", "8N2", "7E1"] = "8N1"
    timeout: Duration = timedelta(milliseconds=500)
    """A slave that has not answered by then is asked again later."""
    pause: Duration = timedelta(milliseconds=5)
    """Silence between two requests; slow converters need more."""


class Span(Frozen):
    """The range of a sensor with a current loop: the value at the bottom and at the top."""

    low: Finite
    high: Finite


class Sensor(Frozen):
    """One device of a known family, and which of its metrics are points of ours."""

    device: Id
    """Its device id: it must be declared in devices.yaml."""
    profile: Id
    points: Mapping[MetricName, Id] = {}
    """Metric → point of this device; metrics without a point are not kept."""
    topic: TopicPattern | None = None
    """MQTT: in place of the family's topic; may name the device itself."""
    name: Annotated[str, StringConstraints(max_length=128)] = ""
    """MQTT: what the family calls it (topic level, devEui, friendly name); empty: our device id."""
    bus: Id | None = None
    slave: Annotated[int, Field(ge=1, le=247)] | None = None
    interval: Duration | None = None
    """Modbus: how often it is asked; default the family's, else the shortest interval of its points."""
    spans: Mapping[MetricName, Span] = {}
    """The range of metrics with a loop, in the point's unit, e.g. {current_1: {low: 0, high: 1.6}}."""
    offline_after: Duration | None = None
    """Not a word for so long is offline; default three intervals, or the device's heartbeat."""


class Sensors(Frozen):
    """Everything in `sensors.yaml`; empty when a site has none."""

    buses: Annotated[tuple[Bus, ...], AsTuple] = ()
    sensors: Annotated[tuple[Sensor, ...], AsTuple] = ()

    @cached_property
    def bus_by_id(self) -> Mapping[str, Bus]:
        """Buses by id."""
        return {one.id: one for one in self.buses}

    @cached_property
    def sensor_by_device(self) -> Mapping[str, Sensor]:
        """Sensors by device id."""
        return {one.device: one for one in self.sensors}

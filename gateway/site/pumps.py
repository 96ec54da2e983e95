"""Pump stations of a site as frozen models (`pumps.yaml`)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from gateway.site.duration import Duration
from gateway.site.terms import AsTuple, Finite, Frozen, Id, Text

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Pump(Frozen):
    """One pump and the point that says that it runs."""

    equipment: Id
    run: Id
    """A point of quantity run_state."""
    current: Id | None = None
    """Its motor current, where measured: tells a dry run."""
    auto: Id | None = None
    """1: its switch stands at automatic."""


class Station(Frozen):
    """泵组: pumps that keep one pressure, e.g. the hydrant system or a domestic zone."""

    id: Id
    name: Text
    name_en: str = ""
    pressure: Id
    """The outlet pressure: a point with quantity pressure."""
    jockeys: Annotated[tuple[Pump, ...], AsTuple] = ()
    """稳压泵 of a fire system."""
    mains: Annotated[tuple[Pump, ...], AsTuple] = ()
    """消防主泵, or the pumps of a domestic set."""
    kind: Literal["fire", "domestic"] = "fire"
    level: Id | None = None
    """Level of the tank or pool it draws from."""
    level_minimum: Finite | None = None
    """Below this a running pump runs dry."""
    flow: Id | None = None
    """A flow meter in the test line: what makes a run a flow test."""
    start_pressure: Positive | None = None
    """稳压泵启泵压力 as set; MPa."""
    stop_pressure: Positive | None = None
    """稳压泵停泵压力 as set; MPa."""
    main_start_pressure: Positive | None = None
    """主泵自动启泵压力 as set; MPa."""
    rise: Positive = 0.03
    """A main pump that runs has to lift the pressure by so much, MPa (unless flow is being drawn) …"""
    rise_within: Duration = timedelta(seconds=30)
    """… within so long."""
    test_longest: Duration = timedelta(minutes=30)
    """A run that is longer is no test."""


def pumps_of(station: Station) -> Iterator[Pump]:
    """All pumps of a station, jockeys first."""
    yield from station.jockeys
    yield from station.mains

"""What the cameras of a site have to see, as frozen models (`cctv.yaml`): required view points (NUM-05, AMB-08)."""

from typing import Annotated

from pydantic import Field

from gateway.site.terms import AsTuple, Frozen, Id, Text


class ViewPoint(Frozen):
    """视点: a place that has to be seen (NUM-05), and the cameras that see it; one healthy camera is enough."""

    id: Id
    name: Text
    name_en: str = ""
    area: Id
    cameras: Annotated[tuple[Id, ...], AsTuple] = ()
    """Points of quantity online whose camera covers it; empty: nobody sees it."""
    size: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Its area in m², where known; given for all, they weigh by it (AMB-08)."""


class Coverage(Frozen):
    """The point that coverage becomes."""

    id: Id = "cctv-coverage"
    name: Text = "监控覆盖率"
    name_en: str = "CCTV coverage"
    device: Id
    equipment: Id | None = None


class Cctv(Frozen):
    """Everything in `cctv.yaml`; empty when a site has none."""

    view_points: Annotated[tuple[ViewPoint, ...], AsTuple] = ()
    coverage: Coverage | None = None

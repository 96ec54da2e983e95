"""Local calendar dates as people write them in YAML: `2026-12-01`."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _read(value: Any) -> Any:
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("bad_date", "not a date", {"value": str(value)[:64]})


LocalDate = Annotated[date, BeforeValidator(_read), WithJsonSchema({"type": "string", "format": "date"})]
"""A day of the site's own calendar; one that does not exist is an error."""

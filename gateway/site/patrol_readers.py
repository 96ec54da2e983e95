"""Checks of a site's readers: declared devices, ports, topics, and what a wand's records look like."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.site.draft import SiteDraft
from gateway.site.patrol import SERIAL_PROTOCOLS, Reader
from gateway.site.problems import Problems
from gateway.site.sections import Item

_WAND_KEYS = ("zone", "pattern", "time_format")
_NEEDED_GROUPS = {"at", "tag"}
_SOME_TIME = datetime(2026, 11, 22, 21, 43, 58)  # noqa: DTZ001 - a wand's clock has no zone


def check_readers(draft: SiteDraft, problems: Problems) -> None:
    """Note everything about readers that does not fit together."""
    lines: dict[tuple[str, str], Item[Reader]] = {}
    for item in draft.readers.items:
        reader = item.value
        draft.refer("devices", reader.id, item.at("id"), problems)
        if reader.place is not None:
            draft.refer("checkpoints", reader.place, item.at("place"), problems)
        if reader.guard is not None:
            draft.refer("people", reader.guard, item.at("guard"), problems)
        _check_line(item, problems)
        _check_wand(item, problems)
        for key, line in (("port", reader.port), ("topic", reader.topic)):
            first = lines.setdefault((key, line), item) if line else item
            if first is not item:
                where = f"{first.at(key).file}:{first.at(key).line}"
                problems.add(item.at(key), "duplicate_id", word=line, first=where)


def _check_line(item: Item[Reader], problems: Problems) -> None:
    reader = item.value
    wanted = "port" if reader.protocol in SERIAL_PROTOCOLS else "topic"
    for key, example in (("port", "/dev/ttyUSB0"), ("topic", "tele/reader-1/SENSOR")):
        given = getattr(reader, key)
        if key == wanted and not given:
            problems.add(item.at(key), "reader_needs", protocol=reader.protocol, word=key, example=example)
        elif key != wanted and given is not None:
            problems.add(item.at(key), "reader_unused", protocol=reader.protocol, word=key)
    if reader.topic and (reader.topic.startswith(("/", "$", "gengfu/")) or "#" in reader.topic):
        problems.add(item.at("topic"), "reader_topic", word=reader.topic)
    if reader.baud is not None and wanted != "port":
        problems.add(item.at("baud"), "reader_unused", protocol=reader.protocol, word="baud")
    if reader.baud is not None and reader.baud <= 0:
        problems.add(item.at("baud"), "out_of_bounds", value=reader.baud, bound="> 0")


def _check_wand(item: Item[Reader], problems: Problems) -> None:
    reader = item.value
    if reader.protocol != "wand":
        for key in _WAND_KEYS:
            if key in reader.model_fields_set:
                problems.add(item.at(key), "reader_unused", protocol=reader.protocol, word=key)
        return
    try:
        groups = set(re.compile(reader.pattern).groupindex)
    except (re.error, OverflowError) as error:
        problems.add(item.at("pattern"), "pattern_wrong", why=error)
    else:
        missing = sorted(_NEEDED_GROUPS - groups)
        if missing:
            problems.add(item.at("pattern"), "pattern_groups", missing=", ".join(missing))
    try:
        read = datetime.strptime(_SOME_TIME.strftime(reader.time_format), reader.time_format)  # noqa: DTZ007 - as above
    except (ValueError, re.error):
        read = None
    if read != _SOME_TIME:
        problems.add(item.at("time_format"), "time_format", value=reader.time_format)
    if not reader.zone:
        return
    try:
        ZoneInfo(reader.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.add_unknown(item.at("zone"), "unknown_timezone", reader.zone, available_timezones(), cutoff=0.85)

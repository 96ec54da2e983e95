"""Patrol reports as tables for files, in the reader's language. Numerator and denominator stand beside every share."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from services.patrol.model import EVIDENCE_ORDER
from services.patrol.reporting.exceptions import ExceptionReport, GroupLine
from services.patrol.reporting.export import Cell, Sheet
from services.patrol.reporting.report import MonthLine, RoundCount, Share, ShiftReport, StopCount
from services.web import labels
from services.web.queries.patrol import fate_word
from services.web.queries.patrol_names import Names

MARKS = ("early", "late", "out_of_order", "too_fast", "too_slow")


def daily(reports: Sequence[ShiftReport], names: Names, site: str) -> list[Sheet]:
    """A shift day: totals, rounds, guards, anomalies."""
    _ = names._
    evidence = tuple(reversed(EVIDENCE_ORDER))
    return [
        Sheet(
            _("Summary"),
            [
                _("Shift"), *_round_headings(names), *_stop_headings(names),
                *(_word(names, "evidence", one) for one in evidence),
            ],
            [
                [
                    names.shift(site, one.shift),
                    *_round_cells(one.rounds),
                    *_stop_cells(one.stops),
                    *(one.evidence[grade] for grade in evidence),
                ]
                for one in reports
            ],
        ),
        Sheet(
            _("Rounds"),
            [
                _("Shift"), _("Route"), _("Planned start"), _("Planned end"), _("First tap"), _("Last tap"), _("State"),
                _("Stops visited"), _("Stops"), _("Missed"), _("Guards"), _("Still lacking"),
            ],
            [
                [
                    names.shift(site, row.shift),
                    names.route(site, row.route),
                    _local(names, site, row.starts_at),
                    _local(names, site, row.ends_at),
                    _local(names, site, row.started_at),
                    _local(names, site, row.finished_at),
                    _word(names, "round_state", fate_word(row)),
                    row.visited,
                    row.stops,
                    row.missed,
                    "、".join(map(names.guard, row.guards)),
                    names.short_of(row.short_of),
                ]
                for one in reports
                for row in one.lines
            ],
        ),
        Sheet(
            _("Guards"),
            [_("Shift"), _("Guard"), *_round_headings(names), *_stop_headings(names), _("Taps")],
            [
                [
                    names.shift(site, one.shift),
                    names.guard(line.guard),
                    *_round_cells(line.rounds),
                    *_stop_cells(line.stops),
                    line.taps,
                ]
                for one in reports
                for line in one.guards
            ],
        ),
        Sheet(
            _("Anomalies"),
            [
                _("Shift"), _("Time"), _("What"), _("Checkpoint"), _("Guard"), _("Comment"), _("Closed by"),
                _("Closed at"),
            ],
            [
                [
                    names.shift(site, one.shift),
                    _local(names, site, found.at),
                    _word(names, "anomaly", found.kind),
                    names.checkpoint(site, found.checkpoint),
                    names.guard(found.guard) if found.guard else "",
                    found.comment,
                    names.places.person(found.closed_by),
                    _local(names, site, found.closed_at),
                ]
                for one in reports
                for found in one.anomalies
            ],
        ),
    ]  # fmt: skip


def exceptions(found: ExceptionReport, names: Names) -> list[Sheet]:
    """A period: checkpoints, guards, shifts."""
    _ = names._
    checkpoints = Sheet(
        _("Checkpoints"),
        [
            _("Checkpoint"), _("Place"), _("Visits"), _("Shortest gap"), _("Average gap"), _("Longest gap"),
            _("Longest gap from"), _("Longest gap until"), _("Unvisited for"), _("Last visit"), *_stop_headings(names),
            *(_word(names, "patrol_verdict", mark) for mark in MARKS),
        ],
        [
            [
                names.checkpoint(line.site, line.checkpoint),
                names.where(line.site, line.checkpoint),
                line.gaps.visits,
                line.gaps.shortest,
                line.gaps.average,
                line.gaps.longest,
                _local(names, line.site, line.gaps.longest_from),
                _local(names, line.site, line.gaps.longest_until),
                line.gaps.open,
                _local(names, line.site, line.gaps.last),
                *_stop_cells(line.stops),
                *(line.stops.marks[mark] for mark in MARKS),
            ]
            for line in found.checkpoints
        ],
    )  # fmt: skip
    guards = _groups(_("By guard"), _("Guard"), found.guards, names, shift=False)
    return [checkpoints, guards, _groups(_("By shift"), _("Shift"), found.shifts, names, shift=True)]


def month(lines: Sequence[MonthLine], days: Sequence[date], names: Names) -> list[Sheet]:
    """A month: completion per kind of route and route, with a column per day."""
    _ = names._
    nothing = Share(0, 0)
    return [
        Sheet(
            _("Monthly completion"),
            [_("Kind"), _("Route"), *_round_headings(names), *(day.strftime("%m-%d") for day in days)],
            [
                [
                    _word(names, "route_kind", line.kind),
                    route_name(line, names) or _("All routes of this kind"),
                    *_round_cells(line.rounds),
                    *(_day_cell(line.days.get(day, nothing)) for day in days),
                ]
                for line in lines
            ],
        )
    ]


def without_lone_routes(lines: Sequence[MonthLine]) -> list[MonthLine]:
    """The lines without those that say the same as their kind's: of a kind with a single route."""
    routes = Counter(line.kind for line in lines if line.route)
    return [line for line in lines if not line.route or routes[line.kind] > 1]


def route_name(line: MonthLine, names: Names) -> str:
    """The route's name; empty for the line of a whole kind."""
    site, _, route = line.route.partition("/")
    return names.route(site, route) if route else ""


def group_name(line: GroupLine, names: Names, *, shift: bool) -> str:
    """Who or which shift a line of the exception report is about."""
    if not shift:
        return names.guard(line.name)
    site, _, name = line.name.partition("/")
    return names.shift(site, name)


def _groups(title: str, heading: str, lines: Sequence[GroupLine], names: Names, *, shift: bool) -> Sheet:
    marks = sorted({mark for line in lines for mark in line.detected})
    return Sheet(
        title,
        [
            heading,
            *_stop_headings(names),
            *(_word(names, "patrol_verdict", mark) for mark in MARKS),
            *(_word(names, "mark", mark) for mark in marks),
        ],
        [
            [
                group_name(line, names, shift=shift),
                *_stop_cells(line.stops),
                *(line.stops.marks[mark] for mark in MARKS),
                *(line.detected[mark] for mark in marks),
            ]
            for line in lines
        ],
    )


def _round_headings(names: Names) -> list[str]:
    _ = names._
    return [
        _("Rounds complete"), _("Rounds due"), _("Complete %"), _("Rounds incomplete"), _("Rounds missed"),
        _("Rounds unconfirmed"), _("Rounds under way"), _("Rounds not counted"),
    ]  # fmt: skip


def _round_cells(count: RoundCount) -> list[Cell]:
    return [
        count.complete, count.due, _percent(count.completion), count.incomplete, count.missed, count.unconfirmed,
        count.running, count.suspended,
    ]  # fmt: skip


def _stop_headings(names: Names) -> list[str]:
    _ = names._
    return [
        _("Stops visited"), _("Stops due"), _("Visited %"), _("Stops on time"), _("On time %"), _("Stops with a mark"),
        _("Stops missed"), _("Stops unconfirmed"),
    ]  # fmt: skip


def _stop_cells(count: StopCount) -> list[Cell]:
    return [
        count.visited, count.due, _percent(count.completion), count.punctual, _percent(count.on_time), count.flagged,
        count.missed, count.unconfirmed,
    ]  # fmt: skip


def _percent(share: Share) -> float | None:
    return round(share.percent, 1) if share.percent is not None else None


def _day_cell(share: Share) -> Cell:
    return f"{share.part}/{share.whole}" if share.whole else None


def _word(names: Names, kind: str, value: str) -> str:
    return labels.word(kind, value, names._)


def _local(names: Names, site: str, at: datetime | None) -> datetime | None:
    return at.astimezone(names.places.zone(site)).replace(tzinfo=None) if at else None


def days_of(first: date, after: date) -> list[date]:
    """The days from the first until before `after`."""
    return [first + timedelta(days=number) for number in range((after - first).days)]

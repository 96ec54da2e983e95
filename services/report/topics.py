"""Every topic of a report: what collects its records, and what counts them."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from services.report.chapters import (
    call_backs,
    costs,
    duty,
    electrical,
    elevator,
    findings,
    fire,
    incidents,
    ledger,
    maintenance,
    orders,
    patrol,
    pump_room,
    quality,
)
from services.report.collect import call_backs as call_back_records
from services.report.collect import costs as cost_records
from services.report.collect import duty as duty_records
from services.report.collect import electrical as electrical_records
from services.report.collect import elevator as elevator_records
from services.report.collect import findings as finding_records
from services.report.collect import fire as fire_records
from services.report.collect import incidents as incident_records
from services.report.collect import ledger as ledger_records
from services.report.collect import maintenance as maintenance_records
from services.report.collect import orders as order_records
from services.report.collect import patrol as patrol_records
from services.report.collect import pump_room as pump_room_records
from services.report.collect import quality as quality_records
from services.report.collect.source import Source
from services.report.model import Chapter, Month

Facts = TypeVar("Facts")
Topic = Callable[[Source, Month], Chapter]


def _topic(collect: Callable[[Source, Month], Facts], chapter: Callable[[Month, Facts], Chapter]) -> Topic:
    return lambda source, month: chapter(month, collect(source, month))


TOPIC: Mapping[str, Topic] = {
    "patrol": _topic(patrol_records.collect, patrol.chapter),
    "pump_room": _topic(pump_room_records.collect, pump_room.chapter),
    "fire": _topic(fire_records.collect, fire.chapter),
    "electrical": _topic(electrical_records.collect, electrical.chapter),
    "elevator": _topic(elevator_records.collect, elevator.chapter),
    "maintenance": _topic(maintenance_records.collect, maintenance.chapter),
    "orders": _topic(order_records.collect, orders.chapter),
    "call_backs": _topic(call_back_records.collect, call_backs.chapter),
    "incidents": _topic(incident_records.collect, incidents.chapter),
    "findings": _topic(finding_records.collect, findings.chapter),
    "ledger": _topic(ledger_records.collect, ledger.chapter),
    "duty": _topic(duty_records.collect, duty.chapter),
    "costs": _topic(cost_records.collect, costs.chapter),
    "quality": _topic(quality_records.collect, quality.chapter),
}
"""By id of its section."""

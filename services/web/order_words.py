"""Words of work orders beyond the five steps: costs, approval, pictures, reports, call-backs."""

from services.web.i18n import N_
from services.work_order.categories import CATEGORIES

EVENTS = {
    "cost_added": N_("Cost entered"),
    "cost_removed": N_("Cost taken out"),
    "approval_asked": N_("Approval asked for"),
    "approval_decided": N_("Cost decided"),
    "approval_dropped": N_("Approval void"),
    "picture_added": N_("Picture added"),
    "review_written": N_("Emergency report written"),
    "review_returned": N_("Emergency report sent back"),
    "review_approved": N_("Emergency report approved"),
    "called_back": N_("Called back"),
    "contacted": N_("Requester told"),
}
MESSAGES = {
    "work_order.reported": N_("Repair request"),
    "work_order.progress": N_("One hour without a call"),
    "work_order.approval": N_("Cost to approve"),
    "work_order.review": N_("Emergency report"),
    "work_order.rework": N_("Rework after a call-back"),
    "call_back.due": N_("Call-backs due"),
}
COMMANDS = {
    "work_order.report": N_("report a repair"),
    "work_order.contact": N_("tell a requester how things stand"),
    "work_order.cost": N_("enter costs of a work order"),
    "work_order.ask_approval": N_("ask for the approval of costs"),
    "work_order.approve": N_("decide about costs by one's title"),
    "work_order.picture": N_("add a picture to a work order"),
    "work_order.review": N_("write and approve emergency reports"),
    "call_back.service": N_("call back for the service centre"),
    "call_back.quality": N_("call back for the quality department"),
    "call_back.director": N_("call back for the director"),
}
CATEGORY_NAMES = {
    "water_pressure": N_("Water pressure"),
    "leak": N_("Leak"),
    "burst_pipe": N_("Burst pipe"),
    "drainage": N_("Blocked drain"),
    "electrical": N_("Electrical fault"),
    "short_circuit": N_("Short circuit"),
    "lighting": N_("Lighting"),
    "elevator": N_("Lift fault"),
    "entrapment": N_("People trapped in a lift"),
    "fire_equipment": N_("Fire protection"),
    "access": N_("Access and intercom"),
    "cctv": N_("CCTV"),
    "fabric": N_("Building fabric"),
    "hvac": N_("Heating and air conditioning"),
    "patrol": N_("Patrol"),
    "recreation": N_("Recreation"),
    "other": N_("Other"),
}
WORDS = {
    "category": CATEGORY_NAMES,
    "origin": {
        "alert": N_("From an alert"),
        "request": N_("Repair request"),
        "inspection": N_("From an inspection"),
        "rework": N_("Rework after a call-back"),
    },
    "cost_kind": {"material": N_("Material"), "labour": N_("Labour")},
    "approval_state": {
        "waiting": N_("Waiting"),
        "approved": N_("Approved"),
        "rejected": N_("Refused"),
        "dropped": N_("Void"),
    },
    "picture_kind": {"before": N_("Before"), "after": N_("After"), "signature": N_("Signature")},
    "review_state": {
        "due": N_("To be written"),
        "drafted": N_("Awaiting approval"),
        "approved": N_("Approved"),
    },
    "call_back_level": {
        "service": N_("Service centre"),
        "quality": N_("Quality department"),
        "director": N_("Director"),
    },
}
REPORTABLE = tuple(name for name, one in CATEGORIES.items() if one.repair)
"""Classes that a person chooses from when reporting a repair."""

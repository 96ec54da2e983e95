"""Words of the trade for the codes in the database. Message ids are English; the catalogue has the Chinese."""

from services.web import fire_words, patrol_words
from services.web.i18n import N_, Translate

WORDS: dict[str, dict[str, str]] = {
    **patrol_words.WORDS,
    **fire_words.WORDS,
    "severity": {"critical": N_("Critical"), "high": N_("High"), "medium": N_("Medium"), "low": N_("Low")},
    "alert_state": {
        "active_unack": N_("Not acknowledged"),
        "active_ack": N_("Acknowledged"),
        "rtn_unack": N_("Back to normal, not acknowledged"),
        "latched": N_("Latched, reset needed"),
        "shelved": N_("Shelved"),
        "suppressed": N_("Suppressed by design"),
        "out_of_service": N_("Out of service"),
        "normal": N_("Normal"),
        "closed": N_("Closed"),
    },
    "alert_event": {
        "activated": N_("Limit broken"),
        "cleared": N_("Back within the limit"),
        "severity_changed": N_("Severity changed"),
        "acknowledged": N_("Acknowledged"),
        "reset": N_("Reset"),
        "shelved": N_("Shelved"),
        "unshelved": N_("Shelving ended"),
        "suppressed": N_("Suppressed by design"),
        "unsuppressed": N_("No longer suppressed"),
        "taken_out_of_service": N_("Taken out of service"),
        "returned_to_service": N_("Returned to service"),
        "withdrawn": N_("Withdrawn"),
        "late_breach_noted": N_("Late data shows an earlier breach"),
        "announced": N_("People were told"),
        "commented": N_("Comment"),
    },
    "order_event": {
        "reported": N_("Reported"),
        "accepted": N_("Accepted"),
        "dispatched": N_("Dispatched"),
        "reassigned": N_("Reassigned"),
        "started": N_("Work started on site"),
        "put_on_hold": N_("Put on hold"),
        "resumed": N_("Resumed"),
        "submitted": N_("Submitted for verification"),
        "verified": N_("Verified"),
        "rework_ordered": N_("Sent back for rework"),
        "rated": N_("Rated"),
        "cancelled": N_("Cancelled"),
        "overdue_noted": N_("Deadline missed"),
        "escalated": N_("Escalated"),
        "commented": N_("Comment"),
    },
    "order_command": {
        "accept": N_("Accept"),
        "dispatch": N_("Dispatch"),
        "reassign": N_("Reassign"),
        "start": N_("Start work"),
        "hold": N_("Put on hold"),
        "resume": N_("Resume"),
        "submit": N_("Submit"),
        "verify": N_("Verify"),
        "rework": N_("Send back"),
        "rate": N_("Rate"),
        "cancel": N_("Cancel order"),
    },
    "clock": {"acknowledge": N_("Acknowledge"), "respond": N_("Respond"), "finish": N_("Finish")},
    "verdict": {
        "inside": N_("Normal"),
        "outside": N_("Outside limit"),
        "silent": N_("Silent"),
        "bad": N_("Bad quality"),
        "maintenance": N_("Maintenance"),
        "unknown": N_("No data yet"),
    },
    "tab": {"open": N_("Open"), "shelved": N_("Put aside"), "closed": N_("Closed, 24 h")},
    "filter": {
        "open": N_("All open"),
        "mine": N_("Mine"),
        "overdue": N_("Overdue"),
        "closed": N_("Closed, 7 days"),
    },
    "window": {"1h": N_("1 hour"), "6h": N_("6 hours"), "24h": N_("24 hours"), "7d": N_("7 days")},
    "quarantine": {
        "bad_topic": N_("Bad topic"),
        "bad_time": N_("Bad time"),
        "bad_id": N_("Bad event id"),
        "bad_payload": N_("Bad payload"),
        "contract": N_("Breaks the event contract"),
    },
    "role": {
        "guard": N_("Guard"),
        "engineer": N_("Equipment owner"),
        "supervisor": N_("Equipment supervisor"),
        "manager": N_("Manager"),
        "duty": N_("Duty desk"),
        "admin": N_("Administrator"),
        "program": N_("Program"),
    },
    "order_state": {
        "reported": N_("Reported"),
        "accepted": N_("Accepted"),
        "dispatched": N_("Dispatched"),
        "in_progress": N_("In progress"),
        "on_hold": N_("On hold"),
        "submitted": N_("Awaiting verification"),
        "verified": N_("Verified"),
        "closed": N_("Rated and closed"),
        "cancelled": N_("Cancelled"),
    },
    "order_step": {
        "accepted": N_("Accept"),
        "dispatched": N_("Dispatch"),
        "in_progress": N_("Carry out"),
        "verified": N_("Verify"),
        "closed": N_("Rate"),
    },
    "quality": {"good": N_("Good"), "uncertain": N_("Uncertain"), "bad": N_("Bad"), "silent": N_("Silent")},
    "decision": {"send": N_("Told"), "skip": N_("Not told"), "digest": N_("Merged")},
    "status": {
        "pending": N_("To be sent"),
        "sending": N_("Sending"),
        "sent": N_("Sent"),
        "failed": N_("Failed, will retry"),
        "dead": N_("Given up"),
        "skipped": N_("Not sent"),
        "merged": N_("Merged"),
    },
    "reason": {
        "addressed": N_("the channel serves this role and area"),
        "on_duty": N_("on duty"),
        "life_safety": N_("life safety: always told"),
        "not_in_role": N_("another role is addressed"),
        "off_duty": N_("off duty"),
        "already_closed": N_("already closed"),
        "flapping": N_("it keeps coming and going"),
        "low_severity": N_("low severity: in the digest"),
        "flood": N_("alarm flood: in the digest"),
        "digest": N_("digest"),
        "muted": N_("muted"),
        "duplicate": N_("already told about it"),
        "throttled": N_("channel limit reached"),
        "not_in_area": N_("not responsible for this area"),
        "below_channel_severity": N_("below the channel's severity"),
        "late_history": N_("it had already happened when it was heard"),
        "already_acknowledged": N_("already acknowledged"),
    },
    "channel": {"console": N_("Console"), "webhook": N_("Webhook"), "wecom": N_("WeCom robot")},
    "message_kind": {
        "alert.opened": N_("Alert opened"),
        "alert.escalated": N_("Escalated"),
        "alert.cleared": N_("Back to normal"),
        "work_order.dispatched": N_("Work order dispatched"),
        "work_order.overdue": N_("Work order overdue"),
        "system": N_("System"),
        **fire_words.MESSAGES,
    },
    "area_kind": {
        "building": N_("Building"),
        "garage": N_("Garage"),
        "pump_room": N_("Pump room"),
        "perimeter": N_("Perimeter"),
        "other": N_("Other"),
    },
    "heartbeat": {"ingest": N_("Ingest"), "worker": N_("Worker")},
    "scope": {"read": N_("read"), "publish": N_("publish"), "command": N_("give commands")},
}

COMMANDS = {
    "read": N_("read"),
    "publish": N_("publish"),
    "alert.acknowledge": N_("acknowledge an alert"),
    "alert.shelve": N_("shelve an alert"),
    "alert.unshelve": N_("end the shelving of an alert"),
    "alert.reset": N_("reset an alert"),
    "alert.comment": N_("comment on an alert"),
    "work_order.accept": N_("accept a work order"),
    "work_order.dispatch": N_("dispatch a work order"),
    "work_order.reassign": N_("reassign a work order"),
    "work_order.start": N_("start a work order"),
    "work_order.hold": N_("put a work order on hold"),
    "work_order.resume": N_("resume a work order"),
    "work_order.submit": N_("submit a work order"),
    "work_order.verify": N_("verify a work order"),
    "work_order.rework": N_("send a work order back"),
    "work_order.rate": N_("rate a work order"),
    "work_order.cancel": N_("cancel a work order"),
    "work_order.comment": N_("comment on a work order"),
    "maintenance.set": N_("switch the maintenance mode"),
    "patrol.close_anomaly": N_("answer for an anomaly"),
    "quarantine.dismiss": N_("dismiss a quarantined message"),
    "people.manage": N_("manage accounts"),
    "patrol.tap": N_("go on patrol"),
    "patrol.handover": N_("hand over a shift"),
    "fire.respond": N_("take part in the response to a fire"),
    "fire.grade": N_("grade a fire"),
    "fire.close": N_("close a fire incident"),
    "fire.command": N_("query a fire transmission device"),
    "fire.test_mode": N_("switch a fire panel's test mode"),
    "fire.ledger": N_("keep the fire ledgers"),
    "token.issue": N_("issue tokens"),
}

WEAKNESSES = {
    "too_short": N_("The new password needs at least 10 characters."),
    "too_long": N_("The new password is too long."),
    "contains_username": N_("The new password must not contain the username."),
    "too_simple": N_("The new password repeats too few characters."),
    "same": N_("The new password is the current one."),
}


def word(kind: str, value: str | None, _: Translate) -> str:
    """The word for a code; an unknown code is shown as it is."""
    if value is None:
        return "–"
    known = WORDS[kind].get(value)
    return _(known) if known else value


def command(name: str, _: Translate) -> str:
    """What a command does, as an infinitive."""
    return _(COMMANDS.get(name, name))


def weakness(code: str, _: Translate) -> str:
    """What is wrong with a new password."""
    return _(WEAKNESSES.get(code, code))

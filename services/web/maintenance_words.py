"""Words of maintenance for codes; the catalogue has the Chinese."""

from services.web.i18n import N_

WORDS: dict[str, dict[str, str]] = {
    "maintenance_view": {
        "tasks": N_("To do"),
        "calendar": N_("Year calendar"),
        "plans": N_("Plans"),
        "contracts": N_("Contracts"),
    },
    "task_state": {
        "planned": N_("To come"),
        "open": N_("To do"),
        "overdue": N_("Past due"),
        "done": N_("Done on time"),
        "done_late": N_("Done late"),
        "cancelled": N_("Cancelled"),
    },
    "period": {
        "day": N_("every day"),
        "week": N_("every week"),
        "month": N_("every month"),
        "quarter": N_("every quarter"),
        "half_year": N_("every half-year"),
        "year": N_("every year"),
    },
    "plan_why": {
        "disabled": N_("Switched off by the site"),
        "no_contract": N_("Needs a contract"),
        "not_reviewed": N_("Its contract awaits the legal review (APR-03)"),
    },
    "cancelled_why": {
        "retired": N_("The equipment is retired or no longer declared"),
        "plan_ended": N_("The plan no longer holds for it"),
        "plan_changed": N_("The plan recurs otherwise now"),
    },
    "plan_key": {
        "enabled": N_("switched off"),
        "every": N_("period"),
        "interval": N_("interval"),
        "meter": N_("meter"),
        "checklist": N_("checklist"),
        "window_from": N_("window"),
        "window_until": N_("window"),
        "days_off": N_("days off"),
        "owner_role": N_("who does it"),
        "contract": N_("contract"),
        "equipment": N_("more equipment"),
        "without": N_("not for some equipment"),
        "from_on": N_("first day"),
        "until_on": N_("last day"),
    },
    "item_kind": {
        "pass_fail": N_("pass or fail"),
        "number": N_("a number"),
        "choice": N_("a choice"),
        "text": N_("words"),
        "photo": N_("a photo"),
        "signature": N_("a signature"),
    },
}

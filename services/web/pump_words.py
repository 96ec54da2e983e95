"""Words of the pump room for the codes in the database."""

from services.web.i18n import N_

WORDS: dict[str, dict[str, str]] = {
    "pump_state": {
        "running": N_("Running"),
        "stopped": N_("Standing still"),
        "silent": N_("No data"),
        "maintenance": N_("Maintenance"),
    },
    "pump_role": {"jockey": N_("Jockey pump"), "main": N_("Main pump")},
    "run_cause": {"automatic": N_("Automatic"), "manual": N_("By hand"), "unknown": N_("Cause unknown")},
    "run_verdict": {
        "no_rise": N_("No pressure"),
        "dry_run": N_("Dry run"),
        "trip": N_("Tripped"),
        "doubtful": N_("Data missing"),
    },
    "pump_test": {
        "weekly_auto": N_("Weekly automatic start"),
        "monthly_manual": N_("Monthly manual start"),
        "quarterly_flow": N_("Quarterly flow test"),
    },
    "pump_test_state": {
        "passed": N_("Done in time"),
        "failed": N_("Failed"),
        "due": N_("Due"),
        "never": N_("Never seen"),
    },
}

"""Words of the ledger for the codes in the database."""

from services.web.i18n import N_

WORDS: dict[str, dict[str, str]] = {
    "equipment_status": {
        "in_use": N_("In use"),
        "stopped": N_("Stopped"),
        "repair": N_("In repair"),
        "scrapped": N_("Scrapped"),
        "live": N_("All in service"),
        "undeclared": N_("No longer in the site files"),
        "all": N_("All entries"),
    },
    "equipment_fact": {
        "nameplate": N_("Nameplate"),
        "place": N_("Place"),
        "owner": N_("Owner"),
        "plan": N_("Maintenance plan"),
        "file": N_("Technical file"),
    },
    "equipment_level": {
        "responsible": N_("Responsible person"),
        "supervisor": N_("Equipment supervisor"),
        "manager": N_("Manager"),
    },
    "equipment_event": {
        "registered": N_("Registered"),
        "changed": N_("Changed"),
        "status": N_("Status changed"),
        "person": N_("Responsibility changed"),
        "certificate": N_("Certificate"),
        "document": N_("Document added"),
        "inspected": N_("Inspected"),
        "repaired": N_("Repaired"),
        "undeclared": N_("No longer in the site files"),
        "declared": N_("Back in the site files"),
    },
    "equipment_origin": {
        "file": N_("Site files"),
        "fire_point": N_("Fire points"),
        "appliance": N_("Fire-fighting gear"),
        "entered": N_("Entered here"),
        "import": N_("Imported"),
    },
    "certificate_kind": {
        "elevator_inspection": N_("Lift inspection certificate"),
        "registration": N_("Registration of special equipment"),
        "calibration": N_("Calibration certificate"),
        "fire_test_report": N_("Fire test report"),
        "lightning_report": N_("Lightning protection report"),
        "water_quality": N_("Water quality report"),
        "parking_licence": N_("Parking licence"),
        "person": N_("Person's certificate"),
        "insurance": N_("Insurance"),
        "other": N_("Other certificate"),
    },
    "document_kind": {
        "manual": N_("Manual"),
        "drawing": N_("Drawing"),
        "acceptance": N_("Acceptance record"),
        "certificate": N_("Certificate"),
        "photo": N_("Photo"),
        "other": N_("Other"),
    },
}

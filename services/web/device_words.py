"""Words of the devices' page for the codes in the database."""

from services.web.i18n import N_

WORDS: dict[str, dict[str, str]] = {
    "presence": {
        "online": N_("Online"),
        "silent": N_("Lost contact"),
        "offline": N_("Offline"),
        "flapping": N_("Comes and goes"),
        "never": N_("Never heard"),
        "maintenance": N_("Maintenance"),
    },
    "device_kind": {
        "plc": N_("Pump-room unit"),
        "fire-panel": N_("Fire transmission device"),
        "recorder": N_("Recorder"),
        "gateway": N_("Gateway"),
        "handheld": N_("Hand-held instrument"),
        "patrol_app": N_("Patrol phone page"),
        "patrol_reader": N_("Badge reader"),
        "modbus": N_("Modbus sensor"),
        "zigbee": N_("Zigbee sensor"),
        "lorawan": N_("LoRaWAN sensor"),
        "wifi": N_("WiFi sensor"),
    },
}

REFUSED: dict[str, str] = {
    "missing": N_("Value missing"),
    "null": N_("No value"),
    "wrong_type": N_("Not a number"),
    "text_number": N_("Number sent as text"),
    "not_finite": N_("Not a finite number"),
    "too_large": N_("Impossibly large"),
    "below_minimum": N_("Below what it can measure"),
    "above_maximum": N_("Above what it can measure"),
    "unknown_word": N_("Unknown word"),
    "bad_unit": N_("Unknown unit"),
    "bad_json": N_("Not JSON"),
    "garbage": N_("Garbled answer"),
    "unknown_sensor": N_("Unknown device"),
}
"""Why a value of a ready-made device was refused, by the codes of gateway.decode."""

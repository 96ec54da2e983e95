"""Ready-made sensors of a site at work: Modbus buses and MQTT topics become events."""

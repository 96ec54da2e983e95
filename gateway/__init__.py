"""Device wire → event → MQTT → time-series store. Imports nothing from services."""

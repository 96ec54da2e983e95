"""A virtual site that speaks MQTT like real devices: for the demo, for tests and for benchmarks."""

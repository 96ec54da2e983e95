"""InfluxDB behind the time-series interface: lines, HTTP, the durable spool, its sender, reading and rollups."""

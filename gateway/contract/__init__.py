"""The one language between devices, gateway and services: events, topics, units, times."""

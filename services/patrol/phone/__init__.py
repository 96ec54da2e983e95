"""The guard's phone: what it is told, and what it delivers."""

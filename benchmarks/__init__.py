"""Repeatable measurements: each prints its figures next to a named baseline of the same run."""

"""Slice maintenance: six-level plans, their occurrences, inspections and contracts."""

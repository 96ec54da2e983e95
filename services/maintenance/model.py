"""Occurrences of plans without clock or database."""

"""Readings that people typed in: who measured what with which instrument, where."""

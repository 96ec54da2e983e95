"""Signed tags: signatures, keys, and who claimed which read."""

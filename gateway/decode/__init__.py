"""Payloads of other people's firmware, turned into what our drivers would have said."""

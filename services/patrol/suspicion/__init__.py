"""Detectors and what they look at: walks, clocks, floors."""

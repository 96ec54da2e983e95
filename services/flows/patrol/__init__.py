"""Patrol: what taps, people and time do to rounds, alerts and orders."""

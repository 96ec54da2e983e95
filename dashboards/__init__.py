"""Boards as code for Grafana; they only read."""

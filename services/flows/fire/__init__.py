"""Fire: what signals, people and time do to incidents, alerts, tests and commands."""

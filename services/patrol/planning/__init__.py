"""Plans of rounds: shifts, schedules, starts, and what they cover."""

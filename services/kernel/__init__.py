"""What every slice stands on: clock, ids, settings, database, timers, audit, errors."""

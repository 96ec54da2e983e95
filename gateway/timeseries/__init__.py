"""Every reading by series and time: one interface, an embedded SQLite store behind it."""

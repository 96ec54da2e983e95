"""Patrol: rounds planned, taps judged by true time, gaps found."""

"""Fire: what panels say, component by component; incidents and the graded response; tests, drills, outages."""

"""The only place that knows two slices: breach → alert → work order → message, and what timers make of them."""

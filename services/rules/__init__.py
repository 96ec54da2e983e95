"""Documented limits, and the pure step that judges an event against one of them."""

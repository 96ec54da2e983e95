"""The duty console and the JSON API: one FastAPI application over the slices' services."""

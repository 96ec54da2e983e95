"""One chapter of the report per file: its records, its figures and its section, pure."""

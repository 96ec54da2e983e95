"""The monthly report: figures from records, frozen as a snapshot, rendered to files, signed."""

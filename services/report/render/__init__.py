"""Files of a report: pdf, docx, xlsx and html, all from one frozen snapshot and in the same words."""

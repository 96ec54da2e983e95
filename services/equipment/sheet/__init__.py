"""The ledger as a spreadsheet: its columns, writing it, reading it, and what an import would do."""

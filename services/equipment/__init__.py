"""Slice equipment: the ledger 台账, its history, certificates, documents and meters."""

"""The ledger's rules without a database: status machine, completeness, names."""

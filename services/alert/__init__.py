"""报警: what is wrong, who has seen it, and everything that happened to it (ISA-18.2)."""

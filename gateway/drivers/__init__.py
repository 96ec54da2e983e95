"""Ready-made readers on a serial line: parsers without I/O, and the port that feeds them."""

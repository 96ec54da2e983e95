"""Modbus slaves: which registers to ask for, when, and what their answers hold. Reads only, never writes."""

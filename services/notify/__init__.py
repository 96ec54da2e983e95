"""Telling people: who is told what through which channel, why (not), and the delivery itself."""

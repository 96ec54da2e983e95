"""Signals that Gengfu works out of others: pump starts and runs, pressure decay, camera coverage."""

"""Reads what each chapter needs from the databases."""

"""Marks on Grafana boards: what each alert and excursion says there, and whether Grafana has it."""

"""Dagster sensors, one module per stage."""

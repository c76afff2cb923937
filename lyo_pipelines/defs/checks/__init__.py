"""Dagster checks, one module per stage."""

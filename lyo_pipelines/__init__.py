"""Dagster pipelines that turn tutor and assistant logs into better, evaluated adapters."""

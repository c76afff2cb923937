"""Intervals, paired tests and verdicts: one engine for evaluation, triggers and rollout. No models or metrics belong here."""

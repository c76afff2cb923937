"""Releases: who gets what, what they said of it, and what follows: assignment, history, evidence, guardrails and decisions."""

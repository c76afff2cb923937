"""Releases: who gets what, what they said of it, and what follows: assignment, history, evidence, brakes and decisions."""

"""Evaluation of an adapter against its base model and the adapter that serves now, on the same held-out items."""

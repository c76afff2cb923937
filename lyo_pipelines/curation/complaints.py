"""Which complaints are cultural ones: the one definition for curation, health and rollout. What follows from it stands there."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def is_cultural(category: pl.Expr, categories: Sequence[str]) -> pl.Expr:
    """Whether a complaint's category (a text, null where nobody complained) is one of `cultural_complaint_categories`; never null."""
    return category.fill_null("").str.strip_chars().str.to_lowercase().is_in([one.lower() for one in categories])

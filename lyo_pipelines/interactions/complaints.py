"""What a complaint is about: the one definition that curation, segment health and rollout share. Counting belongs to them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

_BETWEEN_WORDS = r"[\s_-]+"
_BETWEEN_CATEGORIES = "[,;/|:]"


def is_cultural(categories: Iterable[str], column: str = "complaint_category") -> pl.Expr:
    """Whether a row's complaint is of one of the cultural categories; never null.

    categories: as in curation.cultural_complaint_categories. Case, blanks, and how words are joined do not count
    (`Culturally inappropriate` is `culturally_inappropriate`), and of several categories in one field (`rude, caste`) one is enough.
    """
    names = sorted({_plain(name) for name in categories} - {""})
    if not names:
        return pl.lit(value=False)
    pattern = f"(?:^|{_BETWEEN_CATEGORIES})_?(?:{'|'.join(map(re.escape, names))})_?(?:$|{_BETWEEN_CATEGORIES})"
    told = pl.col(column).str.to_lowercase().str.replace_all(_BETWEEN_WORDS, "_")
    return told.str.contains(pattern).fill_null(value=False)


def _plain(name: str) -> str:
    return re.sub(_BETWEEN_WORDS, "_", name.strip().lower())

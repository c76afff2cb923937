"""Words beside a value that say what it is, by type and language, out of context.yaml.

The words are looked for in the characters shortly before and after a finding, not among the lemmas of a language model's tokens:
no model knows all of our languages.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import regex
import yaml

_PATH = Path(__file__).parent / "context.yaml"


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return yaml.safe_load(_PATH.read_text(encoding="utf-8"))


@cache
def context_words(*kinds: str) -> regex.Pattern[str]:
    """One pattern for the context words of some types in all languages, in any case. Raises KeyError for an unknown type."""
    options = [word for kind in kinds for words in _lists()[kind].values() for word in words]
    return regex.compile("|".join(options), regex.IGNORECASE)

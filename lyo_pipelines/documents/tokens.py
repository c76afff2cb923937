"""How many tokens a text has, roughly and rather too many than too few. No tokenizer is loaded: chunks must not depend on a model.

The weights stand in documents.yaml, with what they were fitted to.
"""

from __future__ import annotations

import re
from math import ceil

from lyo_pipelines.config.documents import TokenWeights

_DEVANAGARI, _TAMIL = "\u0900-\u097f", "\u0b80-\u0bff"
_KINDS = {
    "lower_word": re.compile(r"(?<![A-Za-z])[a-z]+"),
    "capital_word": re.compile(r"[A-Z][a-z]*"),
    "digit": re.compile(r"[0-9]"),
    "line": re.compile(r"\n[ \n]*"),
    "spaces": re.compile(r"  +"),
    "sign": re.compile(r"[!-/:-@\[-`{-~]"),
    "typographic": re.compile(r"[\u2010-\u2027]"),
    "devanagari": re.compile(rf"[{_DEVANAGARI}]"),
    "tamil": re.compile(rf"[{_TAMIL}]"),
    "indic_word": re.compile(rf"(?<![{_DEVANAGARI}{_TAMIL}])[{_DEVANAGARI}{_TAMIL}]"),
}
_OTHERS = re.compile(rf"[^\x00-\x7f\u2010-\u2027{_DEVANAGARI}{_TAMIL}]+")


def estimate_tokens(text: str, weights: TokenWeights) -> int:
    """Estimate the tokens of a text."""
    found = sum(getattr(weights, kind) * len(pattern.findall(text)) for kind, pattern in _KINDS.items())
    return ceil(found + sum(len(other.encode("utf-8", "replace")) for other in _OTHERS.findall(text)))

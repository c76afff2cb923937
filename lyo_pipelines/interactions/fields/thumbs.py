"""A thumb, as applications write it: +1 and -1, true and false, words, signs, or a number on a declared scale."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_number
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.arrow import pc

_UP = {
    *("up", "thumbsup", "thumbup", "positive", "like", "liked", "upvote", "upvoted", "good", "helpful", "useful"),
    *("correct", "yes", "true", "pass", "👍", "😀", "🙂", "😊"),
}
_DOWN = {
    *(
        "down",
        "thumbsdown",
        "thumbdown",
        "negative",
        "dislike",
        "disliked",
        "downvote",
        "downvoted",
        "bad",
        "unhelpful",
    ),
    *("nothelpful", "notuseful", "incorrect", "wrong", "no", "false", "fail", "👎", "🙁", "😞", "☹"),
}
_NEITHER = {"", "none", "neutral", "null", "skip", "skipped", "😐"}
_SKIN_TONES = str.maketrans("", "", "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff\ufe0f_- ")
SIGNED = (-1.0, 1.0)
"""The scale of our own column: 0 is neither."""
BINARY = (0.0, 1.0)
"""The scale of a named score: 0 is down, and so is -1."""
THUMBS_OF_ZERO = (
    "thumbs: 0 is neither, though only +1 stands beside it: where 0 means down, a mapping with the scale [0, 1] says so"
)


PAIRS = (
    *(("liked", "disliked"), ("like", "dislike"), ("is_liked", "is_disliked"), ("isLiked", "isDisliked")),
    *(("thumbs_up", "thumbs_down"), ("thumbsUp", "thumbsDown"), ("thumb_up", "thumb_down"), ("upvote", "downvote")),
    *(("upvoted", "downvoted"), ("helpful", "unhelpful"), ("is_helpful", "is_unhelpful")),
)
"""Two flags for one thumb: false in both says nothing."""
_FLAGS = frozenset(name for pair in PAIRS for name in pair)
_SET, _UNSET = ("true", "1", "yes", "t"), ("false", "0", "no", "f", "", "none", "null")


def paired_thumb(row: RawRow) -> tuple[int | None, frozenset[str]]:
    """The thumb that two flags of a row say together (None where neither is set, or both), and the names of such flags."""
    for pair in () if _FLAGS.isdisjoint(row) else PAIRS:
        if pair[0] in row and pair[1] in row:
            up, down = (str(row[name]).strip().lower() if row[name] is not None else "" for name in pair)
            if {up, down} <= {*_SET, *_UNSET}:
                return (None if (up in _SET) == (down in _SET) else 1 if up in _SET else -1), frozenset(pair)
    return None, frozenset()


def lone_zeros(thumbs: pa.Array) -> list[int]:
    """Places of noughts in a column of thumbs that holds ups and no down: perhaps they are the downs of another scale."""
    found = set(pc.unique(thumbs).to_pylist())
    return (
        pc.indices_nonzero(pc.equal(thumbs, 0).fill_null(False)).to_pylist()
        if {0, 1} <= found and -1 not in found
        else []
    )


def word_of_thumb(value: Any) -> int | None:
    """+1 or -1 of a word, 0 of one that says neither, None of any other value."""
    if not isinstance(value, str):
        return None
    word = value.strip().lower().translate(_SKIN_TONES)
    return 1 if word in _UP else -1 if word in _DOWN else 0 if word in _NEITHER else None


def parse_thumb(value: Any, name: str = "thumbs", scale: tuple[float, float] = SIGNED) -> int | None:
    """+1, -1, 0 (neither) or None (nothing said). Raises RowError when it is no thumb on that scale."""
    if value is None:
        return None
    if isinstance(value, bool):
        return 1 if value else -1
    if (word := word_of_thumb(value)) is not None:
        return word
    number = parse_number(value, name)
    if number is None:
        return None
    low, high = min(scale), max(scale)
    if number == -1 and low == 0:
        return -1
    if not low <= number <= high:
        raise RowError(f"{name}_out_of_range", f"found {number:g}, expected {low:g} to {high:g}")
    middle = (low + high) / 2
    side = 0 if number == middle else 1 if number > middle else -1
    return side if scale[0] < scale[1] else -side

"""Which pairs of * and _ are emphasis. `7**2 + 1**2`, `3*4*5` and `__init__` are none, though CommonMark takes them for such.

A pair is undone, and its signs stay, where it may be arithmetic or a name: when it touches a figure, a bracket or an operator outside,
or when it stands between two operands.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_BEFORE = frozenset("([{\"'“‘«‹—–/:;,>|~…।॥")  # > ends a tag
_BEHIND = frozenset(")]}\"'”’»›.,;:!?…—–/|&<।॥")  # < begins one
_WORD = re.compile(r"[^\W\d_]{2}|[^\W\d_\x00-\x7f]|\ufdd0")  # U+FDD0: a formula that was set aside
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_FAR = 60  # characters in which a neighbour is looked for
_BEGINS_NOTHING = frozenset(")]}=,;:.")
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True)
class _Plain:
    """The text of an inline token without its marks. words: where two letters stand together."""

    text: str
    words: list[int]

    def has_word(self, start: int, end: int) -> bool:
        place = bisect_left(self.words, start)
        return place < len(self.words) and self.words[place] < end


def undo_doubtful_emphasis(children: list[Token]) -> None:
    """Make plain text of each pair of emphasis marks that may be something else."""
    if not any(token.type in {"em_open", "strong_open"} for token in children):
        return
    starts, parts, length = [], [], 0
    for token in children:
        starts.append(length)
        said = "\n" if token.type in {"softbreak", "hardbreak"} else token.content if not token.nesting else ""
        parts.append(said)
        length += len(said)
    text = "".join(parts)
    plain = _Plain(text, [found.start() for found in _WORD.finditer(text)])
    opened: list[int] = []
    for place, token in enumerate(children):
        if token.type in {"em_open", "strong_open"}:
            opened.append(place)
        elif token.type in {"em_close", "strong_close"}:
            begin = opened.pop()
            if not _is_emphasis(plain, starts[begin], starts[place], token.markup):
                for one in (children[begin], token):
                    one.type, one.tag, one.nesting, one.content = "text", "", 0, one.markup


def _is_emphasis(plain: _Plain, start: int, end: int, mark: str) -> bool:
    text = plain.text
    if text[start : start + 1] in _BEGINS_NOTHING or text[end - 1 : end] in _OPENS:
        return False
    before, behind = text[max(0, start - _FAR) : start], text[end : end + _FAR]
    content = text[start:end] if end - start <= _FAR else ""
    if mark[0] == "_" and content and _NAME.fullmatch(content) and (mark == "__" or "_" in content):
        return False
    if before and behind and _foreign_letter(before[-1]) and _foreign_letter(behind[0]):
        return False  # दूरी*समय*दूरी: a stressed word has endings behind it, and a space before it
    begins = _free_before(before)
    free = begins and (_free_behind(behind) or _is_name_of_function(before, behind))
    if not free and not _part_of_word(before, content, behind):
        return False
    left, right = _ends_with_operand(before), _begins_with_operand(behind)
    if begins and not left and behind[:1] == "(" and content.isalpha():
        return True
    return not (left and right) if plain.has_word(start, end) else not (left or right)


def _free_before(text: str) -> bool:
    sign = text[-1:]
    return not sign or sign.isspace() or sign in _BEFORE or _foreign_letter(sign)


def _free_behind(text: str) -> bool:
    sign = text[:1]
    if sign == "-":  # *x*-axis
        return bool(_LETTERS.match(text, 1))
    return not sign or sign.isspace() or sign in _BEHIND or _foreign_letter(sign)


def _is_name_of_function(before: str, behind: str) -> bool:
    """*f*(x) and *x*²: with nothing on the left to multiply, the first mark is no operator."""
    return not _ends_with_operand(before) and (behind[:1] == "(" or unicodedata.category(behind[:1] or " ") == "No")


def _foreign_letter(sign: str) -> bool:
    """A letter or vowel sign of a script in which no formulas are written: endings follow a stressed word there (**மரம்**போல)."""
    return ord(sign) > 0x2AF and unicodedata.category(sign)[0] in "LM"


def _part_of_word(before: str, content: str, behind: str) -> bool:
    """Stressed letters of a word: play**ed**, **N**ational; the rest of the word is long enough to be none of a formula."""
    if not content.isalpha():
        return False
    stem = re.search(r"[A-Za-z]*$", before[-20:])
    ending = re.match(r"[A-Za-z]*", behind)
    first, last = len(stem[0]) if stem else 0, len(ending[0]) if ending else 0
    if first and not last:
        return first > 1 and len(content) > 1 and first + len(content) > 4 and _free_behind(behind)
    return not first and (last > 2 or (last > 0 and len(content) > 2)) and _free_before(before)


def _ends_with_operand(text: str) -> bool:
    text = text.rpartition("\n")[2].rstrip()
    last, before = text[-1:], text[-2:-1]
    return last.isdigit() or last in _CLOSES or (last.isascii() and last.isalpha() and not before.isalpha())


def _begins_with_operand(text: str) -> bool:
    text = text.partition("\n")[0].lstrip()
    first, behind = text[:1], text[1:2]
    return first.isdigit() or first in _OPENS or (first.isascii() and first.isalpha() and not behind.isalpha())

"""Words beside a value that say what it is, by type and language, out of context.yaml.

The words are looked for in the characters shortly before and after a finding, not among the lemmas of a language model's tokens:
no model knows all of our languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import regex

from lyo_pipelines.bounded_yaml import read_packaged_yaml
from lyo_pipelines.curation.privacy.lazy_patterns import lazy, lazy_regex

_PATH = Path(__file__).parent / "context.yaml"


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return read_packaged_yaml(_PATH)


@cache
def context_words(*kinds: str) -> regex.Pattern[str]:
    """One pattern for the context words of some types in all languages, in any case.

    Made at its first use, which raises KeyError for an unknown type.
    """
    return lazy(lambda: any_of(word for kind in kinds for words in _lists()[kind].values() for word in words))


def any_of(words: Iterable[str]) -> regex.Pattern[str]:
    """A pattern that finds what the words (regular expressions, in any case) joined by | would, several times as fast.

    It finds a match where they do; which of several that begin at one place is not kept.
    """
    options = list(dict.fromkeys(option for word in words for part in _options(word) for option in _opened(part)))
    bounded = [option.removeprefix(_EDGE) for option in options if option.startswith(_EDGE)]
    free = [option for option in options if not option.startswith(_EDGE)]
    parts = [rf"{_EDGE}(?:{_by_first_letter(bounded)})"] if bounded else []
    return regex.compile("|".join([*parts, _by_first_letter(free)] if free else parts), regex.IGNORECASE)


# The package `regex` tries the options of a pattern one after the other at every character: a hundred words cost a hundred tries.
# So the words are sorted by their first letter, and a letter that begins none costs one look.
_EDGE = r"\b"
_REPEATS = ("?", "*", "+", "{")


def _by_first_letter(options: list[str]) -> str:
    groups: dict[str, list[str]] = {}
    others = []
    for option in options:
        if option[0].isalpha() and not option[1:].startswith(_REPEATS):
            groups.setdefault(option[0], []).append(option[1:])
        else:
            others.append(option)
    if len(groups) < 2:
        return "|".join(options)
    sorted_words = "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in groups.items())
    return "|".join([f"(?=[{''.join(groups)}])(?:{sorted_words})", *others])


def by_first_letter(words: str) -> str:
    """The options of a pattern (words joined by |), sorted by their first letters; case counts."""
    return _by_first_letter(_options(words))


def _opened(option: str) -> list[str]:
    """An option that begins with a group, as one option for each word of the group."""
    edge = _EDGE if option.startswith(_EDGE) else ""
    body = option.removeprefix(_EDGE)
    if not body.startswith("(?:"):
        return [option]
    end = _end_of_group(body)
    inner, rest = _options(body[3:end]), body[end + 1 :]
    if rest.startswith("?"):
        inner, rest = [*inner, ""], rest[1:]
    return [option] if rest.startswith(_REPEATS) else [f"{edge}{word}{rest}" for word in inner]


def _end_of_group(pattern: str) -> int:
    """Where the group with which a pattern begins is closed."""
    return next(place for place, sign, depth in _signs(pattern) if sign == ")" and depth == 0)


def _options(pattern: str) -> list[str]:
    """A pattern's options, split at each | outside of groups and sets."""
    bars = [place for place, sign, depth in _signs(pattern) if sign == "|" and depth == 0]
    return [pattern[start + 1 : end] for start, end in pairwise([-1, *bars, len(pattern)])]


def _signs(pattern: str) -> Iterator[tuple[int, str, int]]:
    """Each sign outside of sets that no backslash escapes: its place, and the depth of groups after it."""
    depth, in_set = 0, False
    for match in _SIGN.finditer(pattern):
        sign = match.group()
        in_set = sign != "]" if in_set else sign == "["
        if not in_set and sign != "]":
            depth += {"(": 1, ")": -1}.get(sign, 0)
            yield match.start(), sign, depth


_SIGN = lazy_regex(r"(?s)\\.|.")

"""Patterns that are compiled when they are first asked. The finders have about two hundred: to compile them costs a second, and
most texts need few of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import regex


class LazyPattern:
    """Stands for a compiled pattern; makes it at the first search and has its methods as its own from then on."""

    _OWN = ("search", "match", "fullmatch", "finditer", "findall", "sub", "pattern", "flags")

    def __init__(self, make: Callable[[], regex.Pattern[str] | re.Pattern[str]]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        if name not in self._OWN:
            raise AttributeError(name)
        made = self._make()
        # kept in the instance: from the second time on there is no detour over this method
        self.__dict__.update({own: getattr(made, own) for own in self._OWN})
        return getattr(made, name)


def lazy(make: Callable[[], regex.Pattern[str]]) -> regex.Pattern[str]:
    """The pattern that a function makes, made at its first use."""
    return cast("regex.Pattern[str]", LazyPattern(make))


def lazy_regex(source: str, flags: int = 0) -> regex.Pattern[str]:
    """regex.compile at the first use: an error in the source shows there, and so in every test that tries all patterns."""
    return lazy(lambda: regex.compile(source, flags))


def lazy_re(source: str, flags: int = 0) -> re.Pattern[str]:
    """re.compile at the first use."""
    return cast("re.Pattern[str]", LazyPattern(lambda: re.compile(source, flags)))

"""Every pattern and every finder of curation/privacy costs time in proportion to the text's length, whatever the text is."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import regex

import lyo_pipelines.curation.privacy as room
from lyo_pipelines.curation.privacy import phones
from lyo_pipelines.curation.privacy.engine import all_finders, find_personal_data
from lyo_pipelines.curation.privacy.lazy_patterns import LazyPattern
from lyo_pipelines_tests.curation.interaction_rows import CONFIG
from lyo_pipelines_tests.growth import faster_than_linear

_PATTERNS = (re.Pattern, regex.Pattern, LazyPattern)


def _inside(value: Any) -> Iterator[Any]:
    """The patterns in a module's value: itself, or in a tuple, a list, a dictionary or a dataclass."""
    if isinstance(value, _PATTERNS):
        yield value
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _inside(one)
    elif isinstance(value, dict):
        yield from _inside(list(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _inside([getattr(value, field.name) for field in fields(value)])


def _patterns() -> list[tuple[str, Any]]:
    """All compiled patterns of the package, by module and name; a new one is there without being listed."""
    found: dict[int, tuple[str, Any]] = {}
    for module in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for number, pattern in enumerate(_inside(value)):
                found.setdefault(id(pattern), (f"{module.name.rsplit('.', 1)[1]}.{name}[{number}]", pattern))
    return list(found.values())


_SIGNS = (
    "'", "-", "–", "1", "1 ", "1-", "1.", "1,", "1/", "a", "a ", "A", "A ", "A. ", "A'Aa", "a-", "@", "a@", "@a.", "a.", ".", "a.b@", " ", "\n", "\t", ": ", "=",  # noqa: E501
    "(", ")", "+", "+1", "00", "0 ", "/", "_", "__", "*", "**1", "%", "<", "[at]", " at ", " dot ", "a at a dot ", "x'x", "''a", "9 8 ", "one ", "नौ ", "क", "क ", "है ", "த",  # noqa: E501
    "1:", "ab:", "::", "://", "a://", "?a=", "?", "!", "।", ", ", "\n\n", "a\n", "1\n", "Aa Aa, ", "14, Aa ", "Road ", "1 Road, ", "625001 ",  # noqa: E501
)  # fmt: skip


def _pieces(pattern: str) -> list[str]:
    """Words that a pattern's own text holds: what it begins with is where an attack on it begins."""
    words = dict.fromkeys(re.findall(r"[^\W\d_]{2,}(?: [^\W\d_]{2,}){0,2}", pattern))
    return list(words)[:4]


def _attacks(pattern: str) -> Iterator[str]:
    """What is repeated to make a text: signs, the pattern's own words, and its words among signs."""
    yield from _SIGNS
    for word in _pieces(pattern):
        yield from (f"{word} ", f"{word} A", f"{word}: 1")


def _scan(pattern: Any) -> Callable[[str], object]:
    return lambda text: sum(1 for _ in pattern.finditer(text))


@pytest.mark.parametrize(("name", "pattern"), _patterns(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_pattern_costs_linear_time(name, pattern):
    scan = _scan(pattern)
    assert not faster_than_linear(scan, _attacks(pattern.pattern), size=700, floor=0.02), name


@pytest.mark.parametrize("finder", all_finders(titled_names=True), ids=lambda finder: finder.find.__name__)
def test_every_finder_costs_linear_time(finder):
    def run(text: str) -> None:
        for _ in finder.find(text):
            pass

    assert not faster_than_linear(run, (*_SIGNS, *_FINDS), size=1_300, floor=0.04)


_FINDS = (
    "a@b.co ", "asha at example dot org ", "call 9840123456 ", "9840123456, ", "+919840123456 ", "phone 9 8 4 0 1 2 3 4 5 6 ", "my name is Asha. ", "Hi Asha, ",  # noqa: E501
    "मेरा नाम आशा है। ", "नाम: आशा\n", "Name: Asha\n", "password: a1b2 ", "otp 1234 ", "8.8.4.4 ", "14, Gandhi Road, Pune 411001 ", "account no 123456789012 ",  # noqa: E501
    "1 Road, ", "Name: A\n", "नाम - आशा\n", "9840123456\n", "9840123456 / ", "my address 1 Road, ", "Road, 625001 ", "- 1 item\n",
    "x@upi ", "KA01AB1234 ", "ABCPE1234F ", "234567890124 ", "https://x.org/?token=1 ",
)  # fmt: skip


def test_merging_many_findings_costs_linear_time():
    def run(text: str) -> None:
        find_personal_data(text, threshold=CONFIG.personal_data_threshold)

    run("a@b.co")  # the engine is built once
    assert not faster_than_linear(run, ("a@b.co ", "call 9840123456 ", "Hi Asha, "), size=600, floor=0.04)


def test_a_text_asks_the_national_plans_a_bounded_number_of_times(monkeypatch):
    asked: list[str] = []

    def look(digits: str, possible: bool) -> bool:
        asked.append(digits)
        return False

    monkeypatch.setattr(phones, "_international", look)
    equal = "+91 9840123456, " * 50
    list(phones.find_phones(equal))
    assert asked == ["919840123456"]
    asked.clear()
    different = "; ".join(f"+44 20 {number:08d}" for number in range(2_000))
    found = list(phones.find_phones(different))
    assert len(asked) == phones._MOST_CHECKED
    assert len(found) >= 2_000 - phones._MOST_CHECKED  # what is not asked about counts as a telephone number

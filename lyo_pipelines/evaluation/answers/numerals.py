"""Reading the number and the unit out of a short stated result, exactly. Whether it is right does not belong here."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from lyo_pipelines.evaluation.answers.text import ascii_digits

_DIGITS = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?!\d))?"
_SIGNED = rf"[-+]?\s?{_DIGITS}"
_NUMBER = re.compile(rf"(?:(?<![\d)\w])[-+]\s?)?{_DIGITS}")
_SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_UNIT_POWER = re.compile(r"(?<=[^\W\d_])(?<!\d[eE])\^?\{?-?\d+\}?")  # the 2 of "cm^2", "m2" or "H2O" is no result
_UNORDERED = re.compile(r"\b(?:and|or|aur|ya)\b|और|या|மற்றும்|அல்லது", re.IGNORECASE)
_SEVERAL = re.compile(r"[,;]\s|\b(?:and|or)\b|और|या|மற்றும்|அல்லது")

_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Fraction]], ...] = (
    (
        re.compile(rf"(-?)\s*\\[dt]?frac\s*\{{\s*({_SIGNED})\s*\}}\s*\{{\s*({_SIGNED})\s*\}}"),
        lambda m: (-1 if m[1] else 1) * _exact(m[2]) / _exact(m[3]),
    ),
    (
        re.compile(rf"({_SIGNED})\s*(?:×|x|\*|\\times|\\cdot)\s*10\s*\^\s*\{{?\s*([-+]?\d{{1,3}})\s*\}}?"),
        lambda m: _exact(m[1]) * Fraction(10) ** int(m[2]),
    ),
    (
        re.compile(r"(-?)\s*(\d+)\s+(\d+)\s*/\s*(\d+)"),
        lambda m: (-1 if m[1] else 1) * (int(m[2]) + Fraction(int(m[3]), int(m[4]))),
    ),
    (re.compile(rf"({_SIGNED})\s*/\s*({_SIGNED})"), lambda m: _exact(m[1]) / _exact(m[2])),
)

LONGEST = 400
"""Characters looked at, from the end: a model that repeats a digit for ever must not cost time."""

UNITS = {
    alias: name
    for name, aliases in {
        "mm": "mm millimetre millimeter millimetres millimeters मिमी மிமீ",
        "cm": "cm centimetre centimeter centimetres centimeters सेमी செமீ",
        "m": "m metre meter metres meters मीटर மீட்டர்",
        "km": "km kilometre kilometer kilometres kilometers किमी கிமீ",
        "g": "g gram grams ग्राम கிராம்",
        "kg": "kg kilogram kilograms किग्रा கிலோகிராம்",
        "s": "s sec second seconds सेकंड வினாடி",
        "min": "min minute minutes मिनट நிமிடம்",
        "h": "h hr hour hours घंटे மணிநேரம்",
        "N": "n newton newtons न्यूटन நியூட்டன்",
        "J": "j joule joules जूल ஜூல்",
        "W": "w watt watts वाट வாட்",
        "V": "v volt volts वोल्ट வோல்ட்",
        "A": "a amp ampere amperes एम्पियर ஆம்பியர்",
        "m/s": "m/s मीटर/सेकंड",
        "km/h": "km/h kmph किमी/घंटा",
    }.items()
    for alias in aliases.split()
}
"""Units that can contradict each other; any other word after a number is not compared."""


def number_in(text: str) -> Fraction | None:
    """The one number that a short result states; None where there is none, or several different ones.

    Knows other scripts' digits, thousands commas (1,000 and 1,00,000), fractions, mixed numbers, LaTeX \\frac, powers
    of ten; a percent sign is a unit. In "x = 6/2 = 3" what follows the last "=" counts; "x = 1, y = 3" are two results.
    """
    plain = _plain(text)
    if plain.count("=") > 1 and _SEVERAL.search(plain):
        return None
    plain = plain.rsplit("=", 1)[-1]
    for pattern, value in _FORMS:
        if found := pattern.search(plain):
            rest = _UNIT_POWER.sub("", plain[: found.start()] + " " + plain[found.end() :])
            try:
                return None if _NUMBER.search(rest) else value(found)
            except (ZeroDivisionError, ValueError):
                return None
    numbers = {_exact(match) for match in _NUMBER.findall(_UNIT_POWER.sub("", plain))}
    return numbers.pop() if len(numbers) == 1 else None


def alternatives_in(text: str) -> frozenset[Fraction]:
    """The numbers of a result with several parts in no order ("5 and 9", "x = 5 or x = 9"); empty where it is not one."""
    plain = _plain(text)
    if not _UNORDERED.search(plain) or "(" in plain:
        return frozenset()
    return frozenset(_exact(match) for match in _NUMBER.findall(_UNIT_POWER.sub("", plain)))


def last_number(text: str) -> Fraction | None:
    """The last number of a longer text, for an answer that states no result in so many words."""
    found = _NUMBER.findall(_UNIT_POWER.sub("", _plain(text)))
    return _exact(found[-1]) if found else None


def unit_in(text: str) -> str | None:
    """The known unit right after the last number ("12 cm" -> cm), else None."""
    found = re.search(r"[\d})]\s*([^\d\s.,;)=]+)[\s.,;)]*$", _plain(text))
    return UNITS.get(found[1].lower().strip("*_`$")) if found else None


def equal(stated: Fraction, expected: Fraction, *, relative: float = 0.005) -> bool:
    """Whole numbers must be hit exactly; others within the relative tolerance (a rounded decimal is not wrong)."""
    if stated == expected:
        return True
    if expected.denominator == 1:
        return abs(stated - expected) <= Fraction(1, 10**6)
    return abs(stated - expected) <= Fraction(relative) * abs(expected)


def _plain(text: str) -> str:
    text = text[-LONGEST:]
    text = _SUPERSCRIPT.sub(lambda m: "^" + m[0].translate(_PLAIN), ascii_digits(text))
    return text.replace("−", "-").replace("\u00a0", " ").replace("\\%", "%")


def _exact(text: str) -> Fraction:
    return Fraction(re.sub(r"[,\s+]", "", text))

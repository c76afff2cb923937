"""Official numbers with letters in them: IBAN, PAN, GSTIN, voter id, passport, vehicle registration."""

from __future__ import annotations

from collections.abc import Iterator

from lyo_pipelines.curation.privacy.arithmetic import in_arithmetic
from lyo_pipelines.curation.privacy.checksums import gstin, mod97
from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, beside, preceded_by

_IBAN = lazy_re(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[A-Za-z0-9]{11,30}|(?: [A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,4})?)(?![A-Za-z0-9])"
)


def find_ibans(text: str) -> Iterator[PersonalDataSpan]:
    """International bank account numbers with right check digits, bare or in groups of four."""
    for match in _IBAN.finditer(text):
        candidate = match.group()
        while candidate:  # in groups, a following word may have been taken along
            compact = candidate.replace(" ", "").upper()
            if 15 <= len(compact) <= 34 and mod97(compact):
                yield PersonalDataSpan(match.start(), match.start() + len(candidate), "IBAN")
                break
            candidate = candidate.rpartition(" ")[0]


_PAN = lazy_re(
    r"(?<![A-Za-z0-9])[A-Za-z]{3}[ABCFGHJLPTabcfghjlpt][A-Za-z](?P<mark>[ -]?)\d{4}(?P=mark)[A-Za-z](?![A-Za-z0-9])"
)
_PAN_WORDS = context_words("pan")


def find_pans(text: str) -> Iterator[PersonalDataSpan]:
    """Indian tax numbers (five letters, the fourth a holder type, four digits, a letter); spaced or in lower case only after "PAN"."""
    for match in _PAN.finditer(text):
        compact = match.group().isupper() and not match["mark"]
        if compact or preceded_by(_PAN_WORDS, text, match.start(), 40):
            yield PersonalDataSpan(*match.span(), "PAN")


_GSTIN = lazy_re(r"(?<![A-Za-z0-9])[0-3]\d ?[A-Za-z]{5} ?\d{4} ?[A-Za-z] ?[1-9A-Za-z][Zz][0-9A-Za-z](?![A-Za-z0-9])")
_GSTIN_WORDS = context_words("gstin")


def find_gstins(text: str) -> Iterator[PersonalDataSpan]:
    """Indian tax numbers of shops (state, PAN, entity, Z, check digit): with the right check digit, or after "GST"."""
    for match in _GSTIN.finditer(text):
        if gstin(match.group().replace(" ", "").upper()) or preceded_by(_GSTIN_WORDS, text, match.start(), 40):
            yield PersonalDataSpan(*match.span(), "GSTIN")


_VOTER = lazy_re(r"(?<![A-Za-z0-9])[A-Za-z]{3}/?\d{7}(?![A-Za-z0-9^]|[.,]\d)")
_VOTER_WORDS = context_words("voter")


def find_voter_ids(text: str) -> Iterator[PersonalDataSpan]:
    """Indian voter ids (three letters, seven digits); in lower case only after "voter"."""
    for match in _VOTER.finditer(text):
        named = preceded_by(_VOTER_WORDS, text, match.start(), 50)
        if named or (match.group().isupper() and not in_arithmetic(text, *match.span())):
            yield PersonalDataSpan(*match.span(), "VOTER_ID")


_PASSPORT = lazy_re(r"(?<![A-Za-z0-9])[A-Za-z] ?-?\d{2} ?\d{5}(?![A-Za-z0-9^]|[.,]\d)")
_USUAL_PASSPORT = lazy_re(r"[A-HJ-NPR-Z][1-9]\d{5}[1-9]")
_PASSPORT_WORDS = context_words("passport")


def find_passports(text: str) -> Iterator[PersonalDataSpan]:
    """Indian passport numbers (a letter, seven digits, first and last not 0); in another form only after "passport"."""
    for match in _PASSPORT.finditer(text):
        named = preceded_by(_PASSPORT_WORDS, text, match.start(), 60)
        if named or (_USUAL_PASSPORT.fullmatch(match.group()) and not in_arithmetic(text, *match.span())):
            yield PersonalDataSpan(*match.span(), "PASSPORT")


_STATES = "AN|AP|AR|AS|BR|CG|CH|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TN|TR|TS|TG|UA|UK|UP|WB"
_VEHICLE = lazy_re(
    rf"(?<![A-Za-z0-9])(?:(?:{_STATES})[ -]?\d{{1,2}}[ -]?(?!\d)[A-Z]{{1,3}}(?:[ -][A-Z]{{1,2}})?[ -]?\d{{4}}"
    r"|\d{2}[ -]?BH[ -]?\d{4}[ -]?[A-Z]{1,2})(?![A-Za-z0-9])"
)
_LOWER_VEHICLE = lazy_re(
    rf"(?<![A-Za-z0-9])(?:{_STATES.lower()})(?P<mark>[ -]?)\d{{1,2}}(?P=mark)?"
    rf"[a-z]{{1,3}}(?P=mark)(?:[a-z]{{1,2}}(?P=mark))?\d{{4}}(?![A-Za-z0-9])"
)
_VEHICLE_WORDS = context_words("vehicle")


def find_vehicles(text: str) -> Iterator[PersonalDataSpan]:
    """Indian vehicle registrations (state, district, series, four digits) and the BH series.

    In small letters and spaced only beside a word for vehicles.
    """
    for match in _VEHICLE.finditer(text):
        yield PersonalDataSpan(*match.span(), "VEHICLE")
    for match in _LOWER_VEHICLE.finditer(text):
        if not match["mark"] or beside(_VEHICLE_WORDS, text, *match.span(), 30):
            yield PersonalDataSpan(*match.span(), "VEHICLE", 0.7)


FINDERS = (
    Finder("IBAN", r"[A-Za-z]{2}\p{Nd}{2}\p{Zs}?[A-Za-z0-9\p{Nd}]{4}\p{Zs}?[A-Za-z0-9\p{Nd}]{4}", find_ibans),
    Finder("PAN", r"[A-Za-z]{5}[\p{Zs}\p{Pd}]?\p{Nd}{4}[\p{Zs}\p{Pd}]?[A-Za-z]", find_pans),
    Finder(
        "GSTIN",
        r"\p{Nd}{2}\p{Zs}?[A-Za-z]{5}\p{Zs}?\p{Nd}{4}\p{Zs}?[A-Za-z]\p{Zs}?[A-Za-z\p{Nd}][Zz]",
        find_gstins,
    ),
    Finder("VOTER_ID", r"[A-Za-z]{3}/?\p{Nd}{7}", find_voter_ids),
    Finder("PASSPORT", r"[A-Za-z]\p{Zs}?\p{Pd}?\p{Nd}{2}\p{Zs}?\p{Nd}{5}", find_passports),
    Finder(
        "VEHICLE",
        r"[A-Za-z]{2}[\p{Zs}\p{Pd}]?\p{Nd}{1,2}[\p{Zs}\p{Pd}]?[A-Za-z]{1,3}(?:[\p{Zs}\p{Pd}][A-Za-z]{1,2})?[\p{Zs}\p{Pd}]?\p{Nd}{4}|\p{Nd}{2}[\p{Zs}\p{Pd}]?BH[\p{Zs}\p{Pd}]?\p{Nd}{4}",
        find_vehicles,
    ),
)

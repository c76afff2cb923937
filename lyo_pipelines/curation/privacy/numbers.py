"""Aadhaar, cards, bank accounts and other numbers of papers: a check digit, a form, or a word before it says what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lyo_pipelines.curation.privacy.arithmetic import counted, in_arithmetic, in_sequence
from lyo_pipelines.curation.privacy.checksums import luhn, verhoeff
from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, preceded_by

_NOT_DIGIT = lazy_re(r"\D")
_CARD_WORDS = context_words("card")
_AADHAAR_WORDS = context_words("aadhaar")

_AADHAAR = lazy_re(r"(?<![\w.,/^*=×÷-])[2-9]\d{3}([ -]?)\d{4}\1\d{4}(?![\w^]|[.,]\d|[ -]\d{4})")


def find_aadhaar(text: str) -> Iterator[PersonalDataSpan]:
    """Twelve digits (bare or 4-4-4) with the right Verhoeff check digit; after the word Aadhaar also with a mistyped one."""
    for match in _AADHAAR.finditer(text):
        named = preceded_by(_AADHAAR_WORDS, text, match.start())
        if named or (
            verhoeff(_NOT_DIGIT.sub("", match.group()))
            and not in_arithmetic(text, *match.span())
            and not in_sequence(text, *match.span())
            and not preceded_by(_CARD_WORDS, text, match.start())
        ):
            yield PersonalDataSpan(*match.span(), "AADHAAR", 1.0 if named else 0.85)


_CARD = lazy_re(
    r"(?<![\w.,/^*=×÷+])(?:\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}[ -]\d{6}[ -]\d{4,5})(?![\w^]|[.,]\d|[ -]\d)"
)
# first digits of the issuers (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover, JCB, RuPay, UnionPay, Maestro
_ISSUER = lazy_re(r"4|5[0-9]|6|3[0-9]|2(?:2[2-9]|[3-6]|7[01]|720)|2131|1800|8[1-2]")


_OWN_CARD = lazy_re(
    r"\b(?:(?:my|our|his|her|dad'?s|papa'?s|mom'?s|mummy'?s|father'?s|mother'?s) (?:\w{1,10} ){0,2}cards?"
    r"|(?:debit|credit|atm|rupay|visa|master) ?cards?)\b",
    re.IGNORECASE,
)
_CHECKED = lazy_re(r"\b(?:luhn|check ?(?:digit|sum)s?|valid|invalid|format)\b", re.IGNORECASE)


def _own_card(text: str, start: int, end: int) -> bool:
    return bool(_OWN_CARD.search(text, max(0, start - 40), start)) and not (
        _CHECKED.search(text, max(0, start - 80), start) or _CHECKED.search(text, end, end + 80)
    )


def find_cards(text: str) -> Iterator[PersonalDataSpan]:
    """12 to 19 digits with a known issuer and the right Luhn digit; 12 digits only after a word like "card".

    After "my card" four groups of four count with a wrong Luhn digit, too, where the text does not speak of check digits.
    """
    for match in _CARD.finditer(text):
        digits = _NOT_DIGIT.sub("", match.group())
        if len(set(digits)) < 2:
            continue
        if not luhn(digits):  # mistyped, or no card's
            if match[1] and len(digits) == 16 and _own_card(text, *match.span()):
                yield PersonalDataSpan(*match.span(), "CARD", 0.8)
            continue
        if preceded_by(_CARD_WORDS, text, match.start(), 60):
            yield PersonalDataSpan(*match.span(), "CARD", 1.0)
        elif (
            _ISSUER.match(digits)
            and len(digits) >= 13
            and len(set(digits)) >= 3
            and not in_arithmetic(text, *match.span())
            and not in_sequence(text, *match.span())
        ):
            yield PersonalDataSpan(*match.span(), "CARD", 0.8)


_ID_WORDS = context_words("id_number")
_ID = lazy_re(
    r"(?<![\w.,])(?=[A-Za-z0-9/-]{0,24}\d{3})(?:[A-Za-z0-9]{1,6}\d{0,20}|(?=[A-Za-z]{0,6}\d)(?:[A-Za-z]{0,6}\d{1,6}){2,4})"
    r"(?:[ /-]\d{2,20}){0,6}(?![\w]|[.,]\d)"
)


def find_ids(text: str) -> Iterator[PersonalDataSpan]:
    """Numbers of six or more digits (four with letters among them) after the name of a document or account."""
    if not _ID_WORDS.search(text):
        return
    for match in _ID.finditer(text):
        digits = len(_NOT_DIGIT.sub("", match.group()))
        # "20IT107": a college's number has letters inside, and so fewer digits
        lettered = digits >= 4 and any(map(str.isalpha, match.group()))
        if (digits >= 6 or lettered) and preceded_by(_ID_WORDS, text, match.start(), 40):
            yield PersonalDataSpan(*match.span(), "ID_NUMBER", 0.75)


# "account", then what may stand between it and the number; "the account earns 5% on 50000000" names no account
_ACCOUNT = lazy_re(
    r"(?:\b(?:account|acct|acc|a/c|ac)\.?|खाता|खाते|वங்கिக் கணக்கு|கணக்கு)"
    r"(?:[ ](?:with|in|at|of)(?: \w{1,15}){1,4}?(?= (?:is|no|number)\b))?"
    r"(?:[ ]?(?:number|num|no|id|संख्या|नंबर|क्रमांक|எண்)\.?)?"
    r"(?:\s{0,2}(?:is|:|=|-|#|है)){0,2}\s{0,2}(?P<number>\d(?:[ -]?\d){8,17})(?![\w^]|[.,]\d)",
    re.IGNORECASE,
)
_IFSC_WORDS = context_words("ifsc")
_IFSC = lazy_re(r"(?<![A-Za-z0-9])[A-Za-z]{4}0[A-Za-z0-9]{6}(?![A-Za-z0-9])")


def find_accounts(text: str) -> Iterator[PersonalDataSpan]:
    """Nine to eighteen digits right after the word "account", and the bank's code (IFSC: four letters, 0, six signs) beside them."""
    for match in _ACCOUNT.finditer(text):
        if not counted(text, *match.span("number")):
            yield PersonalDataSpan(*match.span("number"), "ID_NUMBER", 0.8)
    for match in _IFSC.finditer(text):
        if any(sign.isdigit() for sign in match.group()[5:]) and preceded_by(_IFSC_WORDS, text, match.start()):
            yield PersonalDataSpan(*match.span(), "ID_NUMBER", 0.8)


FINDERS = (
    # letters among the first six signs may stand between its digits
    Finder(
        "ID_NUMBER", r"\p{Nd}(?:[A-Za-z]{0,4}[\s/\p{Pd}]?\p{Nd}){5}|[A-Za-z]\p{Nd}(?:[A-Za-z]{0,4}\p{Nd}){2}", find_ids
    ),
    Finder("ID_NUMBER", r"\p{Nd}(?:[ \p{Zs}\p{Pd}]?\p{Nd}){8}|[A-Za-z]{4}[0\p{Nd}][A-Za-z0-9\p{Nd}]{6}", find_accounts),
    Finder("AADHAAR", r"\p{Nd}{4}[\p{Zs}\p{Pd}]?\p{Nd}{4}[\p{Zs}\p{Pd}]?\p{Nd}{4}", find_aadhaar),
    Finder("CARD", r"\p{Nd}{4}[\p{Zs}\p{Pd}]?\p{Nd}{4}[\p{Zs}\p{Pd}]?\p{Nd}{2,4}[\p{Zs}\p{Pd}]?\p{Nd}", find_cards),
)

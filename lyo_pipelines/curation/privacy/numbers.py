"""Personal data that is mostly digits: phones, Aadhaar, cards, account numbers.

Numbers of arithmetic must survive, so each finding needs a form, a check digit, or a word before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.checksums import luhn, verhoeff
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, in_arithmetic, in_sequence, preceded_by

_NOT_DIGIT = re.compile(r"\D")
_FREE_LEFT = r"(?<![\w.,/^*=×÷√\\-])"
_FREE_RIGHT = r"(?![\w^]|[.,]\d)"

# "the number is 1234567" and "let us call it 1000000" are mathematics, so neither "number is" nor "call" alone is here
PHONE_WORDS = regex.compile(
    r"\bphone|\btele?phone|\btel\b|\bmobile|\bcell(?:phone| phone| no| number|:)"
    r"|\bcall(?:ing)? (?:me|us|him|her|my|our|at|on|from)\b|\bcalling\b"
    r"|\bdial|whats ?app|\bcontact|\bfax\b|\bring me|\bsms\b|\btext me|\breach (?:me|us|him|her)|\bhelpline"
    r"|\bph\.?(?= ?:| ?no)|\banswering (?:at|on)|\bmessages? (?:to|on|from)\b|\bmy registered|\bdesk:|\boffice:"
    r"|फ़ोन|फोन|मोबाइल|व्हाट्स|कॉल|संपर्क|मेरा नंबर|मेरा नम्बर|தொலைபேசி|கைபேசி|அலைபேசி|மொபைல்|போன்|ஃபோன்|வாட்ஸ்|அழை|நம்பர்|தொடர்பு",
    regex.IGNORECASE,
)
_CARD_WORDS = regex.compile(
    r"\bcards?\b|\bcredit\b|\bdebit\b|\bvisa\b|master ?card|\bamex\b|maestro|rupay|discover|\bcc\b|कार्ड|கார்டு|அட்டை",
    regex.IGNORECASE,
)
_AADHAAR_WORDS = regex.compile(r"\bau?a?dh?a?a?r\b|\buid(?:ai)?\b|आधार|ஆதார்", regex.IGNORECASE)

_INTERNATIONAL = re.compile(
    rf"(?<![\w.+])(?:\+|00)[1-9]\d{{0,3}}[\s().-]{{0,2}}\d(?:[\s().-]{{0,2}}\d){{5,12}}{_FREE_RIGHT}"
)
_INDIAN = re.compile(
    rf"{_FREE_LEFT}(?:\(?(?:91|0)\)?[\s-]?)?[6-9](?:\d{{9}}|\d{{4}}[\s-]\d{{5}}|\d{{2}}[\s-]\d{{3}}[\s-]\d{{4}}|\d{{3}}[\s-]\d{{3}}[\s-]\d{{3}}"
    rf"|\d{{2}}[\s-]\d{{4}}[\s-]\d{{3}}){_FREE_RIGHT}"
)
_LANDLINE = re.compile(rf"{_FREE_LEFT}(?:\(0\d{{2,4}}\)\s?|0\d{{2,4}}[\s-])\d{{3,4}}[\s-]?\d{{3,4}}{_FREE_RIGHT}")
_AMERICAN = re.compile(
    rf"{_FREE_LEFT}(?:\+?1[-.\s])?(?:\([2-9]\d{{2}}\)\s?|[2-9]\d{{2}}(?P<mark>[-.]))\d{{3}}(?(mark)(?P=mark)|[-.\s])\d{{4}}(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?{_FREE_RIGHT}"
)
_ANY_FORM = re.compile(
    rf"(?<![\w.,/^*=×÷√\\])\(?\+?\d(?:[\s()./-]{{0,2}}\d){{6,13}}(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?{_FREE_RIGHT}"
)
_DATE = re.compile(
    r"(?:(?:19|20)\d\d[-/.][01]?\d[-/.][0-3]?\d|[0-3]?\d[-/.][0-3]?\d[-/.](?:\d\d|(?:19|20)\d\d))(?:\s.*)?"
)
_PHONE_WORDS_AFTER = re.compile(
    r"[\s\-–(]{0,3}(?:office|fax|mobile|home|desk|cell|work|landline|whatsapp|फ़ोन|मोबाइल)\b", re.IGNORECASE
)


_AFTER_ANYWHERE = re.compile(rf"\d{_PHONE_WORDS_AFTER.pattern}", re.IGNORECASE)


def find_phones(text: str) -> Iterator[PersonalDataSpan]:
    """International, Indian and 3-3-4 forms, and after a word like "call" any number as long as a phone's."""
    for match in _INTERNATIONAL.finditer(text):
        named = preceded_by(PHONE_WORDS, text, match.start())
        # 0010110101 is a binary number as well
        formed = match.group().startswith("+") and not _operator_beside(text, *match.span())
        if (named or formed) and _international(match.group(), possible=named):
            yield PersonalDataSpan(*match.span(), "PHONE", 0.9)
    for pattern in (_INDIAN, _LANDLINE, _AMERICAN):
        for match in pattern.finditer(text):
            digits = _NOT_DIGIT.sub("", match.group())
            if pattern is _LANDLINE and len(digits) != 11:
                continue
            if preceded_by(PHONE_WORDS, text, match.start()):
                yield PersonalDataSpan(*match.span(), "PHONE", 0.9)
            elif not in_arithmetic(text, *match.span()) and not in_sequence(text, *match.span()):
                yield PersonalDataSpan(*match.span(), "PHONE", 0.6)
    if PHONE_WORDS.search(text) or _AFTER_ANYWHERE.search(text):
        for match in _ANY_FORM.finditer(text):
            named = preceded_by(PHONE_WORDS, text, match.start()) or _PHONE_WORDS_AFTER.match(text, match.end())
            if not named or not _as_long_as_a_phone(match.group()) or _operator_beside(text, *match.span()):
                continue
            if not match.group().isdigit() or not in_arithmetic(text, *match.span()):
                yield PersonalDataSpan(*match.span(), "PHONE", 0.7)


def _as_long_as_a_phone(number: str) -> bool:
    """Seven to fourteen digits that are no date, no round number and no row of single digits ("1 2 3 4 5 6 7")."""
    digits = _NOT_DIGIT.sub("", number)
    single = " " in number and all(len(group) == 1 for group in re.findall(r"\d+", number))
    return 7 <= len(digits) <= 14 and not digits.endswith("000") and not single and not _DATE.fullmatch(number)


def _operator_beside(text: str, start: int, end: int) -> bool:
    return text[:start].rstrip(" ")[-1:] in set("+*×÷=^<>√₹$") or text[end:].lstrip(" ")[:1] in set("+*×÷=^<>%")


def _international(number: str, *, possible: bool) -> bool:
    """Whether an international number is valid, or at least of a possible length, by the national plans in phonenumbers."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse("+" + _NOT_DIGIT.sub("", number).removeprefix("00"))
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) if possible else phonenumbers.is_valid_number(parsed)


_AADHAAR = re.compile(r"(?<![\w.,/^*=×÷-])[2-9]\d{3}([ -]?)\d{4}\1\d{4}(?![\w^]|[.,]\d|[ -]\d{4})")


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


_CARD = re.compile(
    r"(?<![\w.,/^*=×÷+])(?:\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}[ -]\d{6}[ -]\d{4,5})(?![\w^]|[.,]\d|[ -]\d)"
)
# first digits of the issuers (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover, JCB, RuPay, UnionPay, Maestro
_ISSUER = re.compile(r"4|5[0-9]|6|3[0-9]|2(?:2[2-9]|[3-6]|7[01]|720)|2131|1800|8[1-2]")


def find_cards(text: str) -> Iterator[PersonalDataSpan]:
    """12 to 19 digits with a known issuer and the right Luhn digit; 12 digits only after a word like "card"."""
    for match in _CARD.finditer(text):
        digits = _NOT_DIGIT.sub("", match.group())
        if not luhn(digits) or len(set(digits)) < 3:
            continue
        if preceded_by(_CARD_WORDS, text, match.start(), 60):
            yield PersonalDataSpan(*match.span(), "CARD", 1.0)
        elif (
            _ISSUER.match(digits)
            and len(digits) >= 13
            and not in_arithmetic(text, *match.span())
            and not in_sequence(text, *match.span())
        ):
            yield PersonalDataSpan(*match.span(), "CARD", 0.8)


_ID_WORDS = regex.compile(
    r"social security|\bssn\b|\bdriv(?:er(?:'|’)?s?|ing) licen[cs]e|\blicen[cs]e (?:no|num)|\baccount (?:no|num)|\ba/c\b"
    r"|\bcustomer id|\bemployee id|\bpolicy (?:no|num)"
    r"|\bration card|\buan\b|\babha\b|\benrol?ment (?:no|num)|खाता (?:संख्या|नंबर)|லைசென்ஸ்|வங்கிக் கணக்கு",
    regex.IGNORECASE,
)
_ID = re.compile(r"(?<![\w.,])(?=[A-Za-z0-9/-]*\d{4})[A-Za-z0-9]{1,6}(?:[ /-]?\d{2,})+(?![\w]|[.,]\d)")


def find_ids(text: str) -> Iterator[PersonalDataSpan]:
    """Numbers of six or more digits right after the name of a personal document or account that has no finder of its own."""
    if not _ID_WORDS.search(text):
        return
    for match in _ID.finditer(text):
        if len(_NOT_DIGIT.sub("", match.group())) >= 6 and preceded_by(_ID_WORDS, text, match.start(), 40):
            yield PersonalDataSpan(*match.span(), "ID_NUMBER", 0.75)


# seven digits, each with at most three signs in between that a phone may have
_SEVEN_DIGITS = r"\p{Nd}(?:[\s().\-/]{0,3}\p{Nd}){6}"

FINDERS = (
    Finder("PHONE", _SEVEN_DIGITS, find_phones),
    # letters among the first six signs may stand between its digits
    Finder("ID_NUMBER", r"\p{Nd}(?:[A-Za-z]{0,4}[\s/\-]?\p{Nd}){5}", find_ids),
    Finder("AADHAAR", r"\p{Nd}{4}[ \-]?\p{Nd}{4}[ \-]?\p{Nd}{4}", find_aadhaar),
    Finder("CARD", r"\p{Nd}{4}[ \-]?\p{Nd}{4}[ \-]?\p{Nd}{2,4}[ \-]?\p{Nd}", find_cards),
)

"""Telephone numbers in the forms people write: grouped, in lists, digit by digit, in words, as links.

A number of arithmetic must survive. So a bare number of ten digits counts only beside a word such as "call", in a list that
began with such a word, or as a message that is nothing but a number; a form that only telephones have (+91 …, 98765 43210)
counts unless arithmetic stands around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import regex

from lyo_pipelines.curation.privacy.arithmetic import (
    counted,
    counts_things,
    in_arithmetic,
    in_sequence,
    is_message_about,
    operator_beside,
    talks_of_numbers,
)
from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy, lazy_re, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, followed_by, preceded_by

_NOT_DIGIT = lazy_re(r"\D")
# in "9840123456,9840123457" the comma stands between two telephone numbers
_FREE_LEFT = r"(?<![\w^=×÷√\\-])(?<!\d\.)(?<!(?<!\d{10}),)"
_FREE_RIGHT = r"(?![\w^]|\.\d|,(?!\d{10}(?!\d))\d)"

PHONE_WORDS = context_words("phone", "phone_things")
_CONTACT_WORDS = context_words("phone")
_ANY_WORDS = context_words("phone", "phone_things", "own_number")
_WORDS_AFTER = context_words("phone_after")
_WORDS_BESIDE = lazy(
    lambda: regex.compile(
        rf"(?:{_ANY_WORDS.pattern})(?:['’]s|[^\w\n]|is|at|on|no|nos|number|numbers|नंबर|नम्बर|है){{0,6}}$",
        regex.IGNORECASE,
    )
)
"""A word for telephones right before the number: stronger than a word of arithmetic nearby."""

_INTERNATIONAL = lazy_re(
    rf"(?<![\w.+])(?:\+|00)[1-9]\d{{0,3}}[\s().-]{{0,2}}\d(?:[\s().-]{{0,2}}\d){{5,12}}{_FREE_RIGHT}"
)
_INDIAN = lazy_re(
    rf"{_FREE_LEFT}(?:\(?\+?(?:91|0)\)?[ -]?)?[6-9](?:\d{{9}}|\d{{4}}(?:[ -]| ?— ?)\d{{5}}|\d{{2}}[ -]\d{{3}}[ -]\d{{4}}"
    rf"|\d{{3}}[ -]\d{{3}}[ -]\d{{3}}"
    rf"|\d{{2}}[ -]\d{{4}}[ -]\d{{3}}){_FREE_RIGHT}"
)
_PAIRS = lazy_re(rf"{_FREE_LEFT}(?<!\d[ .-])[6-9]\d(?:[ .-]\d\d){{4}}(?![ .-]\d){_FREE_RIGHT}")
"""Five pairs are figures of a table as well, and a long dash subtracts: they count beside a word alone."""
_LANDLINE = lazy_re(rf"{_FREE_LEFT}(?:\(0\d{{2,4}}\) ?|0\d{{2,4}}[ -])\d{{3,4}}[ -]?\d{{3,4}}{_FREE_RIGHT}")
_AMERICAN = lazy_re(
    rf"{_FREE_LEFT}(?:\+?1[-. ])?(?:\([2-9]\d{{2}}\) ?|[2-9]\d{{2}}(?P<mark>[-.]))\d{{3}}(?(mark)(?P=mark)"
    rf"|[-. ])\d{{4}}(?: ?(?:x|ext\.?) ?\d{{1,5}})?{_FREE_RIGHT}"
)
_ANY_FORM = lazy_re(
    rf"(?<![\w,/^=×÷√\\])(?<!\d[.*])\(?\+?\d(?:[\s()./-]{{0,2}}\d){{6,13}}(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?{_FREE_RIGHT}"
)
_DATE = lazy_re(
    r"(?:(?:19|20)\d\d[-/.][01]?\d[-/.][0-3]?\d|[0-3]?\d[-/.][0-3]?\d[-/.](?:\d\d|(?:19|20)\d\d))(?:\s.{0,20})?"
)
_LINK = lazy_re(
    r"(?:https?://)?(?:www\.)?(?:wa\.me/|(?:api|web|chat)\.whatsapp\.com/(?:send/?)?\?phone=|(?<![A-Za-z])(?:tel|sms|callto):)\+?\d(?:-?\d){7,14}(?:[?&][\w=%&+.-]{0,200})?",
    re.IGNORECASE,
)
_GAP = 24
_LIST_GAP = lazy_re(r"[^\d.?!\n+×÷=^%<>]{0,24}|\s{0,3}\n[^\d.?!\n+×÷=^%<>]{0,20}")
_SHORTER_SIGNS = r"/\d{2,4}(?![\w.])"
_SHORTER = lazy_re(_SHORTER_SIGNS)
"""The last digits of a second number: "98450 12345/46"."""
_ANOTHER = lazy_re(rf" ?[/|] ?(?:\+?91[ -]?)?[6-9]\d{{4}}[ -]?\d{{5}}(?!\d)|{_SHORTER_SIGNS}")


def find_phones(text: str) -> Iterator[PersonalDataSpan]:
    """International, Indian and 3-3-4 forms, and after a word like "call" any number as long as a phone's.

    A number that is somebody's in one place is so in every place of the text, even where it is calculated with.
    """
    spans = list(_formed_phones(text))
    yield from spans
    known = {phone_digits(text[span.start : span.end]) for span in spans}
    if known:
        for match in _INDIAN.finditer(text):
            if phone_digits(match.group()) in known:
                yield PersonalDataSpan(*match.span(), "PHONE", 0.9)


def phone_digits(number: str) -> str:
    """The last ten digits of a number: what is the same with and without a prefix and in every grouping."""
    return _NOT_DIGIT.sub("", number)[-10:]


def _formed_phones(text: str) -> Iterator[PersonalDataSpan]:
    for match in _LINK.finditer(text):
        yield PersonalDataSpan(*match.span(), "PHONE", 0.95)
    checked: dict[tuple[str, bool], bool] = {}
    for match in _INTERNATIONAL.finditer(text):
        named = preceded_by(PHONE_WORDS, text, match.start())
        # 0010110101 is a binary number as well
        formed = match.group().startswith(("+", "0091")) and not operator_beside(text, *match.span())
        if (named or formed) and _checked(match.group(), checked, possible=named):
            yield PersonalDataSpan(*match.span(), "PHONE", 0.9)
    found: set[tuple[int, int]] = set()
    for pattern in (_INDIAN, _LANDLINE, _AMERICAN, _PAIRS):
        listed = -_GAP - 1
        # a list's numbers so far, where the word for telephones may stand after the last
        waiting: list[re.Match[str]] = []
        for match in pattern.finditer(text):
            if pattern is _LANDLINE and len(_NOT_DIGIT.sub("", match.group())) != 11:
                continue
            if (pattern is _PAIRS or "—" in match.group()) and not preceded_by(
                _ANY_WORDS, text, match.start(), _BESIDE
            ):
                continue
            in_list = listed >= 0 and _follows(text, listed, match.start())
            score = 0.9 if in_list and not counted(text, *match.span()) else _score(text, match)
            if waiting and not _follows(text, waiting[-1].end(), match.start()):
                waiting = []
            if not score:
                waiting.append(match)
                continue
            shorter = _SHORTER.match(text, match.end()) if score >= _NAMED else None
            yield PersonalDataSpan(match.start(), shorter.end() if shorter else match.end(), "PHONE", score)
            if score >= _NAMED:
                found.add(match.span())
                for before in waiting:
                    if not in_arithmetic(text, *before.span()):
                        yield PersonalDataSpan(*before.span(), "PHONE", score)
                waiting = []
            listed = match.end() if score > _UNNAMED else listed
    yield from _named_of_any_form(text, found)


def _follows(text: str, end: int, start: int) -> bool:
    """Whether two numbers stand in one list: a few signs or words between them, and no end of a sentence."""
    return start - end <= _GAP and _LIST_GAP.fullmatch(text, end, start) is not None


_UNNAMED, _NAMED = 0.6, 0.9


def _score(text: str, match: re.Match[str]) -> float:
    """How sure it is that a number of an Indian or 3-3-4 form is a telephone's; 0: it is not."""
    start, end = match.span()
    if counted(text, start, end):
        return 0.0
    near = preceded_by(_ANY_WORDS, text, start, _BESIDE)
    if near and _ABOUT_IT.match(text, end) and not preceded_by(PHONE_WORDS, text, start, _BESIDE):
        # "My number is 9876543210. Is it divisible by 5?"
        near = not talks_of_numbers(text, start, end)
    if near and _WORDS_BESIDE.search(text, max(0, start - _BESIDE), start):
        return _NAMED
    calculated = not _ANOTHER.match(text, end) and operator_beside(text, start, end)
    contact = near and preceded_by(_CONTACT_WORDS, text, start, _BESIDE)
    shorter = _SHORTER.match(text, end)
    if not calculated and (contact or followed_by(_WORDS_AFTER, text, shorter.end() if shorter else end)):
        return _NAMED
    if calculated or talks_of_numbers(text, start, end) or counts_things(text, end):
        return 0.0
    if near:
        return _NAMED
    told = is_message_about(text, start, end) if match.group().isdigit() else not in_sequence(text, start, end)
    return _UNNAMED if told else 0.0


_BESIDE = 50
_ABOUT_IT = lazy_re(r"[.,;:]?\s{0,2}[^.?!\n\d]{0,25}\b(?:it|its|this)\b")


def _named_of_any_form(text: str, found: set[tuple[int, int]]) -> Iterator[PersonalDataSpan]:
    for match in _ANY_FORM.finditer(text):
        start, end = match.span()
        if (start, end) in found:
            continue
        if not (preceded_by(PHONE_WORDS, text, start) or followed_by(_WORDS_AFTER, text, end)):
            continue
        if not _as_long_as_a_phone(match.group()) or operator_beside(text, start, end):
            continue
        if not match.group().isdigit() or not (in_arithmetic(text, start, end) or counts_things(text, end)):
            yield PersonalDataSpan(start, end, "PHONE", 0.7)


def _as_long_as_a_phone(number: str) -> bool:
    """Seven to fourteen digits that are no date, no round number and no row of single digits ("1 2 3 4 5 6 7")."""
    digits = _NOT_DIGIT.sub("", number)
    single = " " in number and all(len(group) == 1 for group in re.findall(r"\d+", number))
    return 7 <= len(digits) <= 14 and not digits.endswith("000") and not single and not _DATE.fullmatch(number)


_MOST_CHECKED = 500
"""Different numbers of one text that are looked up in the national plans. A look costs about 0.1 ms, so that a text of a megabyte
of them would cost many seconds; further ones of that text count by their form alone, as a list so long is a list of contacts."""


def _checked(number: str, checked: dict[tuple[str, bool], bool], *, possible: bool) -> bool:
    """What _international says, asked once for each number of a text and for no more than _MOST_CHECKED of them."""
    key = (_NOT_DIGIT.sub("", number).removeprefix("00"), possible)
    if key not in checked:
        if len(checked) >= _MOST_CHECKED:
            return True
        checked[key] = _international(*key)
    return checked[key]


def _international(digits: str, possible: bool) -> bool:
    """Whether an international number is valid, or at least of a possible length, by the national plans in phonenumbers."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) if possible else phonenumbers.is_valid_number(parsed)


# -- digit by digit, and in words -------------------------------------------------------------------------------------
_SPELT = lazy_re(r"(?<![\w.,+*/=-])(?<!\d )(?:\+?9[ -]1[ -]|0[ -])?[6-9](?:[ .-]{1,2}\d){9}(?![\w^]|[ .,-]{1,2}\d)")
# with a sign between its digits, or with the letters that look like one: only right after a word for telephones, or near it
_MARKED = lazy_re(
    r"(?<![\w.,])(?<!\d\*)(?:\+?91[ *_-]?)?[6-9](?=\d{0,8}[*_|~•·.\\])(?:[*_|~•·.\\]?\d){9}(?!\w|[*.,]\d|\^)"
)
_LETTERED = lazy_re(
    r"(?<![\w.,-])(?:\+?91[ -]?)?(?=\d{0,9}[ -]?\d{0,9}[OoIl])[6-9][\dOoIl]{4}[ -]?[\dOoIl]{5}(?!\w|[.,]\d)"
)
_DIGIT_WORDS = (
    r"zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|treble"
    r"|शून्य|सुन्ना|जीरो|ज़ीरो|एक|दो|तीन|चार|पाँच|पांच|पाच|छह|छः|छ:|छे|छ|सात|आठ|नौ|डबल|ट्रिपल"
    r"|shunya|ek|do|teen|chaar|char|paanch|panch|chhah|chhe|chhai|chah|saat|aath|ath|nau"
    r"|பூஜ்ஜியம்|பூஜ்யம்|சுழியம்|சைபர்|ஒன்று|ஒண்ணு|இரண்டு|ரெண்டு|மூன்று|மூணு|நான்கு|நாலு|ஐந்து|அஞ்சு|ஆறு|ஏழு|எட்டு|ஒன்பது"
    r"|సున్నా|ఒకటి|రెండు|మూడు|నాలుగు|ఐదు|ఆరు|ఏడు|ఎనిమిది|తొమ్మిది|ಸೊನ್ನೆ|ಒಂದು|ಎರಡು|ಮೂರು|ನಾಲ್ಕು|ಐದು|ಆರು|ಏಳು|ಎಂಟು|ಒಂಬತ್ತು"
    r"|പൂജ്യം|ഒന്ന്|രണ്ട്|മൂന്ന്|നാല്|അഞ്ച്|ആറ്|ഏഴ്|എട്ട്|ഒമ്പത്|ഒൻപത്|শূন্য|এক|দুই|তিন|চার|পাঁচ|ছয়|ছয়|সাত|আট|নয়|নয়|दोन|सहा|नऊ"
    r"|શૂન્ય|એક|બે|ત્રણ|ચાર|પાંચ|છ|સાત|આઠ|નવ|ਸਿਫ਼ਰ|ਸਿਫਰ|ਜ਼ੀਰੋ|ਜ਼ੀਰੋ|ਇੱਕ|ਇਕ|ਦੋ|ਤਿੰਨ|ਚਾਰ|ਪੰਜ|ਛੇ|ਸੱਤ|ਅੱਠ|ਨੌਂ|ਨੌ|صفر|زیرو|ایک|دو|تین|چار"
    r"|پانچ|چھ|سات|آٹھ|نو|ଶୂନ୍ୟ|ଶୂନ|ଏକ|ଦୁଇ|ତିନି|ଚାରି|ପାଞ୍ଚ|ଛଅ|ସାତ|ଆଠ|ନଅ"
    r"|poojyam|ondru|onnu|rendu|irandu|moonu|moondru|naalu|naangu|anju|aindhu|aaru|ezhu|ettu|onbadhu|ombadhu"
)
_TOKEN = lazy_regex(r"[\w\p{M}]{1,40}+")
_SPOKEN_DIGITS = frozenset(_DIGIT_WORDS.split("|")) | frozenset("0123456789")
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "डबल": 2, "ट्रिपल": 3}
_SPELT_WINDOW = 60


def find_marked_phones(text: str) -> Iterator[PersonalDataSpan]:
    """Ten digits with signs between them ("98*450*12345") right after a word for telephones, or with an O for a zero near it."""
    for match in _MARKED.finditer(text):
        if _WORDS_BESIDE.search(text, max(0, match.start() - _BESIDE), match.start()):
            yield PersonalDataSpan(*match.span(), "PHONE", 0.8)
    for match in _LETTERED.finditer(text):
        if sum(map(str.isdigit, match.group())) < _MOSTLY:
            continue
        if preceded_by(_ANY_WORDS, text, match.start()) or followed_by(_WORDS_AFTER, text, match.end()):
            yield PersonalDataSpan(*match.span(), "PHONE", 0.8)


_MOSTLY = 6


def find_spelt_phones(text: str) -> Iterator[PersonalDataSpan]:
    """Numbers given digit by digit ("9 8 4 …") or in words ("nine eight …") near a word such as "call"."""
    for match in _SPELT.finditer(text):
        if preceded_by(_ANY_WORDS, text, match.start(), _SPELT_WINDOW) or followed_by(_WORDS_AFTER, text, match.end()):
            yield PersonalDataSpan(*match.span(), "PHONE", 0.85)
    for start, end, count in _spoken_runs(text):
        if 10 <= count <= 13 and preceded_by(_ANY_WORDS, text, start, _SPELT_WINDOW):
            yield PersonalDataSpan(start, end, "PHONE", 0.85)


def _spoken_runs(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of digits of each run of digits in words ("nine eight double four …")."""
    start = end = count = words = 0
    pending = 1
    for token in _TOKEN.finditer(text):
        word = token.group().lower()
        # "nine eight 45": between words, a few digits may stand as they are
        several = len(word) if 1 < len(word) <= _SEVERAL and word.isdecimal() else 0
        spoken = several or word in _SPOKEN_DIGITS
        if count and (not spoken or token.start() - end > _SPOKEN_GAP):
            yield start, end, count if words else 0
            count, pending, words = 0, 1, 0
        if not spoken:
            continue
        words += not word.isdecimal()
        if not count and pending == 1:
            start = token.start()
        if word in _REPEATS:
            pending = _REPEATS[word]
        else:
            count, pending = count + (several or pending), 1
        end = token.end()
    if count:
        yield start, end, count if words else 0


_SPOKEN_GAP, _SEVERAL = 3, 4


# seven digits, each with at most three signs in between that a phone may have
_SEVEN_DIGITS = r"\p{Nd}(?:[\s\p{Pd}().\-/\x{FE0F}\x{20E3}]{0,3}\p{Nd}){6}"
_TWO_WORDS = rf"(?i)(?:{_DIGIT_WORDS})[\s,.\-\p{{Pd}}]{{1,3}}(?:{_DIGIT_WORDS}|\p{{Nd}})"

FINDERS = (
    Finder("PHONE", _SEVEN_DIGITS, find_phones),
    Finder("PHONE", rf"{_SEVEN_DIGITS}|{_TWO_WORDS}", find_spelt_phones),
    Finder(
        "PHONE",
        r"\p{Nd}[*_|~•·\\]\p{Nd}|\p{Nd}{2}\.\p{Nd}{2}|\p{Nd}[OoIl]|[OoIl]\p{Nd}",
        find_marked_phones,
    ),
)


def known_phone_pattern(digits: Iterable[str]) -> regex.Pattern[str]:
    """One pattern for telephone numbers (ten digits each) that are known already, in any grouping."""
    numbers = "|".join(r"[ -]?".join(one) for one in sorted(digits))
    return regex.compile(rf"(?<![\d.,])(?:\+?(?:91|0)[ -]?)?(?:{numbers})(?![\d]|[.,]\d)")

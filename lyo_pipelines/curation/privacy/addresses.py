"""Postal addresses of India: a house number, a word for a street or quarter, and a postal code (PIN) or a word such as "I live at"."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.arithmetic import counted
from lyo_pipelines.curation.privacy.context import any_of, by_first_letter
from lyo_pipelines.curation.privacy.lazy_patterns import lazy, lazy_re, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, Upcoming

_STREETS = (
    r"Road|Rd|Street|St|Str|Nagar|Nagara|Lane|Salai|Marg|Colony|Layout|Apartments?|Apts?|Towers?|Sector|Block|Cross|Main|Avenue|Ave|Phase|Vihar|Enclave|Society|Chowk"
    r"|Bazaa?r|Gali|Mohalla|Puram|Palayam|Pet|Peta|Theru|Veedhi|Bagh|Ganj|Path|Extension|Extn|Residency|Heights|Villa|Complex|Compound|Chawl|Wadi"
)
_INDIC_STREETS = (
    "मार्ग|नगर|गली|रोड|सड़क|सड़क|मोहल्ला|कॉलोनी|कालोनी|चौक|विहार|सेक्टर|पथ|रस्ता|தெரு|சாலை|நகர்|வீதி|சந்து|రోడ్డు"
    "|వీధి|నగర్|রোড|সড়ক|লেন|রাস্তা|ರಸ್ತೆ|ನಗರ|ബീച്ച് റോഡ്|റോഡ്|રોડ|નગર|સોસાયટી|ਰੋਡ|ਗਲੀ|ନଗର"
)
_FIRST_OF_LISTED = "".join(sorted({letter for word in _STREETS.split("|") for letter in (word[0].lower(), word[0])}))
_ANY_STREET = rf"{_STREETS}|(?:{_STREETS.lower()}|{_STREETS.upper()}),"
_STREET = lazy(
    lambda: regex.compile(
        rf"(?<![\p{{L}}\p{{M}}])(?:{by_first_letter(f'{_STREETS}|{_INDIC_STREETS}')}|(?=[{_FIRST_OF_LISTED}])"
        rf"(?:{_STREETS.lower()}|{_STREETS.upper()}),)(?![\p{{L}}\p{{M}}])"
    )
)
# house number, then words with a capital, ordinals and Indian words, with commas between: no verb of English fits in
_NUMBER = (
    r"\d{1,4}(?:-?[A-Za-z](?![A-Za-z]))?"
    r"(?:[/-](?:\d{1,4}[A-Za-z]?|[A-Za-z](?![A-Za-z])|(?![\p{Latin}])\p{L}\p{M}?(?![\p{L}\p{M}]))){0,3}"
)
# atomic: a row of numbers can be read in one way only, so a failure costs no second try
_TOKEN = (
    rf"(?>P\.? ?O\.?(?![\p{{L}}\p{{M}}])|\p{{Lu}}[\p{{L}}\p{{M}}'’]{{0,24}}\.?(?:-\d{{6}})?"
    rf"|\d{{1,4}}(?:st|nd|rd|th|(?![\p{{Latin}}])\p{{L}}[\p{{L}}\p{{M}}]{{0,5}})"
    rf"|(?i:pin)(?: ?code)?[ :-]{{1,2}}(?=\d)|\d{{5,6}}|{_NUMBER}"
    rf"|(?![\p{{Latin}}])\p{{L}}[\p{{L}}\p{{M}}]{{0,24}}\.?(?:-\d{{6}})?|of|near|opp\.?|behind|[#&])"
)
_SEPARATOR = r"(?>, ?\n?|\n|[ ](?:- ?)?)"
_HOUSE_WORDS = (
    r"(?i:h\.? ?no|house no|door no|d\.? ?no|flat no|flat|plot no|plot|no|room no|quarter|block|new no|old no)"
    r"|मकान (?:नंबर|नं|संख्या)|मकान|घर (?:नंबर|नं)|फ्लैट|प्लॉट"
    r"|கதவு எண்|வீட்டு எண்|எண்"
)
_FIRST = "hdfprqbnoHDFPRQBNOमघफपகவஎ"
"""The letters that the words for a house begin with: at any other place nothing is tried."""
_HOUSE = rf"(?:\d{{1,2}}(?:st|nd|rd|th) (?i:floor)|(?:(?:{_HOUSE_WORDS})\.?[ :#-]{{0,2}}|#[ ]?)?(?<![\d.,]){_NUMBER}(?![\d.]))"
_LEFT = lazy_regex(
    rf"(?<![\p{{L}}\p{{M}}\d])(?=[\d#{_FIRST}])(?P<house>{_HOUSE})(?:{_SEPARATOR}{_TOKEN}){{0,8}}{_SEPARATOR}$"
)
# "H.No. 12-3, …" or "Village Rampur, …" says itself that it begins an address: the PIN is enough, no street needs a name
_VILLAGE_WORDS = r"(?:Village|Vill|VPO|At[ /-]?Post|At[ ]?(?:&|and)[ ]?Post|Gram|ग्राम|गाँव|गांव|கிராமம்)"
_NUMBERED = lazy_regex(
    rf"(?<![\p{{L}}\p{{M}}\d])(?:{_VILLAGE_WORDS}\.?[ :-]{{1,2}}{_TOKEN}|(?:(?i:h\.? ?no|house no|door no|d\.no|flat no|plot no)"
    rf"|मकान (?:नंबर|नं|संख्या)|கதவு எண்|வீட்டு எண்)\.?[ :#-]{{0,2}}{_NUMBER})(?:{_SEPARATOR}{_TOKEN}){{1,12}}"
)
_RIGHT = lazy_regex(rf"(?:\.?{_SEPARATOR}{_TOKEN}){{0,10}}")
_PIN = lazy_regex(r"(?<!\d)[1-9]\d{2} ?\d{3}(?!\d)")
_ANY_CUE = lazy(
    lambda: any_of(
        [
            r"\b(?:i|we|i am|i'm) (?:\w{1,10} )?(?:live|living|stay|staying|reside|residing)(?: \w{2,10})? ?(?:at|in)?",
            r"\bmy (?:\w{1,12} ){0,2}(?:address|house|home|flat|place|ghar)(?: is)?(?: at| in)?",
            r"\b(?:home |postal |residential |full |delivery )?address(?: is)?",
            r"\b(?:send|deliver|post|courier|ship) (?:it |them |the \w{1,12} |this )?to",
            r"\bmera (?:pata|ghar)|\bresiding at|\bs/o|\bd/o",
            r"मेरा (?:पता|घर)|पत्ता|पता|मैं|हम|(?:என்|எங்கள்) (?:முகவரி|வீடு)|முகவரி|నా చిరునామా|చిరునామా|আমার ঠিকানা|ঠিকানা",
            r"എന്റെ വിലാസം|വിലാസം|ನನ್ನ ವಿಳಾಸ|ವಿಳಾಸ|મારું સરનામું|સરનામું|ਮੇਰਾ ਪਤਾ|ਪਤਾ|میرا پتہ|پتہ|ମୋ ଠିକଣା|ଠିକଣା",
        ]
    )
)
_CUE = lazy(lambda: regex.compile(rf"(?:{_ANY_CUE.pattern})[\s:=-]{{0,4}}$", regex.IGNORECASE))
# every house has one
_SHORT_NUMBER = lazy_re(r"(?<!\d)\d{1,4}(?!\d)")
_BEFORE, _AFTER, _CUE_WINDOW = 90, 110, 60


_AFTER_CUE = lazy_regex(rf"[\s:=-]{{0,4}}(?P<place>{_TOKEN}(?:{_SEPARATOR}{_TOKEN}){{0,12}})")


def find_addresses(text: str) -> Iterator[PersonalDataSpan]:
    """House number, street and what follows up to the PIN; without a PIN only right after "I live at", "my address is", ….

    After such words anything written like an address counts up to its PIN ("I live at Shanti Towers, Thane 400601").
    """
    done = 0
    cues, pins = Upcoming(_ANY_CUE, text), Upcoming(_PIN, text)
    for street in _STREET.finditer(text):
        if street.start() < done:
            continue
        named = cues.within(max(0, street.start() - _BEFORE - _CUE_WINDOW), _BEFORE + _CUE_WINDOW)
        if not named and not pins.within(street.end(), _AFTER):
            continue
        if _SHORT_NUMBER.search(text, max(done, street.start() - _BEFORE), street.start()) is None:
            continue
        left = _LEFT.search(text, max(done, street.start() - _BEFORE), street.start())
        if left is None:
            continue
        begin = left.start("house")
        right = _RIGHT.match(text, street.end(), min(len(text), street.end() + _AFTER))
        end = right.end() if right else street.end()
        pin = _last_pin(text, street.end(), end)
        if not pin and not _CUE.search(text, max(0, begin - _CUE_WINDOW), begin):
            continue
        end = pin or begin + len(text[begin:end].rstrip(" ,.\n-"))
        yield PersonalDataSpan(begin, end, "ADDRESS", 0.75)
        done = end
    if _PIN.search(text):
        for cue in _ANY_CUE.finditer(text):
            place = _AFTER_CUE.match(text, cue.end(), min(len(text), cue.end() + _AFTER))
            pin = _last_pin(text, *place.span("place")) if place else 0
            if place and pin and "," in text[place.start("place") : pin] and not counted(text, pin - 6, pin):
                yield PersonalDataSpan(place.start("place"), pin, "ADDRESS", 0.75)
    for numbered in _NUMBERED.finditer(text):
        pin = _last_pin(text, *numbered.span())
        if pin:
            yield PersonalDataSpan(numbered.start(), pin, "ADDRESS", 0.75)


def _last_pin(text: str, start: int, end: int) -> int:
    """Where the last postal code of a piece ends; 0 where it has none."""
    return max((match.end() for match in _PIN.finditer(text, start, end)), default=0)


FINDERS = (
    Finder(
        "ADDRESS",
        rf"(?:^|[^A-Za-z])(?:{_ANY_STREET})(?:$|[^A-Za-z])|{_INDIC_STREETS}|(?i)(?:h\.? ?no|house no|door no|d\.no"
        rf"|flat no|plot no)|(?-u:\b)(?:Vill|VPO|At[ /-]?Post|At ?(?:&|and) ?Post|Gram)|ग्राम|गाँव|गांव|கிராமம்|मकान|கதவு எண்|வீட்டு எண்"
        r"|(?-u:\b)[1-9]\p{Nd}{2} ?\p{Nd}{3}(?-u:\b)|[\p{Nd}--[0-9]]{3} ?[\p{Nd}--[0-9]]{3}",
        find_addresses,
    ),
)

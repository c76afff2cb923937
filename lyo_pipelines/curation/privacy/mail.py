"""Addresses with an @ or with its name: e-mail, e-mail spelt in words ("asha at example dot org"), UPI ids."""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, preceded_by

# the local part has at most 64 signs (RFC 5321); marks are the vowel signs of Indian scripts
_EMAIL = lazy_regex(
    r"(?<![\w\p{M}.+%-])[\w\p{M}.+%'-]{0,63}[\w\p{M}]@(?:[^\W_](?:[\w\p{M}-]{0,61}[\w\p{M}])?\.){1,8}[\p{L}\p{M}]{2,24}(?![\w\p{M}(@])"
)
# "sunita.devi@gmail": what everybody reads as an address
_PROVIDER = lazy_regex(
    r"(?<![\w\p{M}.+%-])[\w.+%-]{2,64}@(?:gmail|yahoo|hotmail|outlook|rediffmail|icloud|protonmail)(?![\w@-]|\.\w)",
    regex.IGNORECASE,
)
# matrix products and decorators look like addresses: w@x.shape, a@b.sum
_ATTRIBUTES = frozenset(
    [
        "array",
        "shape",
        "sum",
        "mean",
        "transpose",
        "inv",
        "reshape",
        "flatten",
        "copy",
        "real",
        "imag",
        "dot",
        "conj",
        "astype",
        "detach",
        "numpy",
        "data",
        "grad",
    ]
)


# user@example.com: a part of a lesson's address that stands for anybody, at a domain for examples (RFC 2606)
_MADE_UP = lazy_regex(
    r"(?:user(?:_?name)?|name|your[._-]?name|first[._-]?name(?:[._-]?last[._-]?name)?|someone|somebody|anyone|person|you|me|student|teacher|email|mail|info|contact|hello"
    r"|admin|support|sales|office|webmaster|test|example|abc|xyz|local(?:[._-]?part)?|(?:john|jane)[._-]?doe)\d?"
    r"@(?:[\w-]{1,40}\.){0,2}example(?:\.(?:com|org|net|edu|in))?",
    regex.IGNORECASE,
)


def find_emails(text: str) -> Iterator[PersonalDataSpan]:
    """Addresses local@domain.tld, in any script, and local@ a well-known provider; not products of matrices, nor user@example.com."""
    for match in _EMAIL.finditer(text):
        address = match.group()
        if address.rsplit(".", 1)[-1] not in _ATTRIBUTES and not _MADE_UP.fullmatch(address):
            yield PersonalDataSpan(*match.span(), "EMAIL")
    for match in _PROVIDER.finditer(text):
        yield PersonalDataSpan(*match.span(), "EMAIL", 0.85)


# "at" and "dot" are words of mathematics and of everyday, so the ending must be one that addresses have
_ENDINGS = "com|org|net|edu|gov|info|io|me|ac|co|uk|us|email|school|app|dev|xyz|biz|bharat"
_AT = (
    r"(?:[ ]{0,2}[\[({<][ ]?(?:at(?:[ -]the[ -]rate)?|a|@)[ ]?[\])}>][ ]{0,2}"
    r"|[ ]{1,2}(?:at|@)(?:[ -]the[ -]rate(?:[ -]of)?)?[ ]{1,2}|[ ]{0,2}@[ ]{1,2}"
    r"|[ ]{1,2}@[ ]{0,2}|@)"
)
_DOT = (
    r"(?:[ ]{0,2}[\[({<][ ]?(?:dot|\.)[ ]?[\])}>][ ]{0,2}|[ ]{1,2}dot[ ]{1,2}|\."
    r"|(?:[ ]{1,2}\.[ ]{0,2}|\.[ ]{1,2})(?=(?:com|org|net|edu|in)\b)|, ?(?=(?:com|org|net)\b))"
)
_JOINED = rf"(?:{_DOT}|[ ]{{1,2}}(?:underscore|hyphen|dash)[ ]{{1,2}})"
_SPELT = lazy_regex(
    rf"(?<![\w\p{{M}}.+-])(?<local>[\w+-]{{1,64}}(?:{_JOINED}[\w+-]{{1,64}}){{0,3}})(?<at>{_AT})"
    rf"(?<domain>(?!(?:the|a|an|this|that|my|our|your|every|each)[ ])[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,3}}?)"
    rf"(?<dot>{_DOT})(?<end>(?:{_ENDINGS})(?![\w-])"
    rf"|in(?=[ ]?(?:[.,;:!?)\]\n]|$)))(?:{_DOT}in(?![\w-]))?",
    regex.IGNORECASE,
)


# the same in the letters of Indian scripts: "आशा एट जीमेल डॉट कॉम", "asha एट gmail डॉट com"
_INDIC_AT = (
    "एट|ऐट|ऍट|अॅट|ॲट|एट द रेट|ऐट द रेट|अट|அட்|ஆட்|ஏட்|எட்|அட் தி ரேட்|ఎట్|అట్|ఎట్ ది రేట్|অ্যাট|এট|এট দ্য রেট|അറ്റ്|ആറ്റ്|അറ്റ് ദ റേറ്റ്"
    "|ಅಟ್|ಎಟ್|ಆಟ್|ಅಟ್ ದ ರೇಟ್|એટ|ઍટ|એટ ધ રેટ|ਐਟ|ਐਟ ਦਾ ਰੇਟ|ایٹ|ایٹ دی ریٹ|ଆଟ୍|ଏଟ୍"
)
_INDIC_DOT = "डॉट|डाट|डोट|டாட்|டொட்|డాట్|ডট|ডট্|ഡോട്ട്|ഡോട്|ಡಾಟ್|ડોટ|ડૉટ|ਡਾਟ|ਡੌਟ|ڈاٹ|ଡଟ୍|ଡଟ"
_ONE = r"[\w\p{M}+-]{1,40}"
_INDIC_SPELT = lazy_regex(
    rf"(?<![\w\p{{M}}.+-]){_ONE}(?:(?: (?:{_INDIC_DOT}|dot) |\.){_ONE}){{0,2}}(?: (?:{_INDIC_AT}) |@| ?@ ?){_ONE}"
    rf"(?: (?:{_INDIC_DOT}) {_ONE}){{1,3}}"
    rf"|(?<![\w\p{{M}}.+-]){_ONE}(?:\.{_ONE}){{0,2}} (?:{_INDIC_AT}) {_ONE}"
    rf"(?:\.| dot )(?:{_ENDINGS}|in)(?!\w)",
    regex.IGNORECASE,
)
# "sunita dot devi at gmail": the provider is known, so the ending is not said
_ENDLESS = lazy_regex(
    rf"(?<![\w\p{{M}}.+-])(?<local>[\w+-]{{2,64}}(?:{_JOINED}[\w+-]{{1,64}}){{0,3}}){_AT}"
    r"(?:g ?mail|yahoo|hotmail|outlook|rediff(?:mail)?|icloud|proton(?:mail)?"
    r"|जीमेल|याहू|ஜிமெயில்|జీమెయిల్|জিমেইল|ജിമെയിൽ|ಜಿಮೇಲ್|જીમેલ|ਜੀਮੇਲ)(?![\w@-])",
    regex.IGNORECASE,
)
# each spelt address has one of these
_AT_SIGN = lazy_re(r"@| at[ -]|[\[({<] ?at?[ \])}>-]", re.IGNORECASE)
# without these, a text is not searched for the forms above
_INDIC_WORDS = lazy_regex(rf" (?:{_INDIC_AT}|{_INDIC_DOT}) ")
_PROVIDERS = lazy_regex(
    r"g ?mail|yahoo|hotmail|outlook|rediff|icloud|proton|जीमेल|याहू|ஜிமெயில்|జీమెయిల్|জিমেইল|ജിമെയിൽ|ಜಿಮೇಲ್|જીમેલ|ਜੀਮੇਲ",
    regex.IGNORECASE,
)
_MAIL_BESIDE = lazy_regex(
    r"(?:\be?-?mail|\bgmail|\bid|\bwrite to|\breach me|ईमेल|ई-मेल|मेल|மின்னஞ்சல்|ஈமெயில்)"
    r"(?: (?:id|address|me|आईडी))?(?:[ :=-]{0,3}(?:is|at|on|to|hai|है)?)[ :]{0,2}$",
    regex.IGNORECASE,
)
_MAIL_WINDOW = 30


def find_spelt_emails(text: str) -> Iterator[PersonalDataSpan]:
    """Addresses whose @ or dots are words, in brackets, or stand apart; the ending must be a usual one."""
    for match in _SPELT.finditer(text) if _AT_SIGN.search(text) else ():
        if not _MADE_UP.fullmatch(match.group()):
            yield PersonalDataSpan(*match.span(), "EMAIL", 0.85)
    for match in _INDIC_SPELT.finditer(text) if _INDIC_WORDS.search(text) else ():
        yield PersonalDataSpan(*match.span(), "EMAIL", 0.85)
    for match in _ENDLESS.finditer(text) if _PROVIDERS.search(text) else ():
        local = match["local"]
        if not local.isalpha() or _MAIL_BESIDE.search(text, max(0, match.start() - _MAIL_WINDOW), match.start()):
            yield PersonalDataSpan(*match.span(), "EMAIL", 0.8)


# handles of Indian payment banks and apps (NPCI's list of UPI handles); others count beside a word for payments
_HANDLES = (
    "ok(?:axis|sbi|icici|hdfcbank|bizaxis)|ybl|ibl|axl|yapl|rapl|apl|pt(?:axis|yes|sbi|hdfc)|paytm|upi|icici|sbi|hdfcbank|hdfc|axisbank|axisb|axis|kotak|kbl"
    "|yesbank|yesg|yespay|idfcbank|idfcfirst|indus|induspay|federal|fbl|pnb|barodampay|cnrb|unionbank|uboi|boi|mahb|iob|indianbank|allbank|rbl|jupiteraxis|fam"
    "|freecharge|ikwik|airtel|jio|postbank|naviaxis|slc|timecosmos|superyes|amazonpay|waaxis|wasbi|waicici|wahdfcbank|mbk|freoicici|pingpay|goaxb|tapicici|kotak811|yescred|yesfam|axb|dbs|jsb|equitas|dlb|utbi|indbank|abdm|sbx"
)
_UPI = lazy_regex(
    r"(?<![\w.+%-])(?<user>[A-Za-z0-9][A-Za-z0-9._-]{1,63})@(?<handle>[A-Za-z][A-Za-z0-9]{1,19})(?![\w@-]|\.\w)",
    regex.IGNORECASE,
)
_HANDLE = lazy_regex(_HANDLES, regex.IGNORECASE)
_UPI_WORDS = context_words("upi")


def find_upi_ids(text: str) -> Iterator[PersonalDataSpan]:
    """Payment addresses user@handle: known handles, and any beside a word such as UPI; no dot after the @."""
    for match in _UPI.finditer(text):
        if _HANDLE.fullmatch(match["handle"]) or preceded_by(_UPI_WORDS, text, match.start(), 30):
            yield PersonalDataSpan(*match.span(), "UPI", 0.85)


FINDERS = (
    Finder("EMAIL", r"[\w\p{M}][@＠]\w", find_emails),
    # the word "dot", an @ or "at" in brackets or apart, or a plain ending after a spelt "at"
    Finder(
        "EMAIL",
        rf"(?i)(?: |@)(?:{_INDIC_AT}) |[@＠][^\n]{{1,60}} (?:{_INDIC_DOT}) "
        rf"|(?:at|@|[aA]\)|[\])}}>]|rate(?: of)?) ?(?:g ?mail|yahoo|hotmail|outlook|rediff|icloud|proton)"
        rf"|at[ -]the[ -]rate|[ \[({{<]dot[ \])}}>]|[\[({{<] ?(?:at?|[@＠])[ \])}}>-]|[@＠][ \[({{<\w]|\.(?:{_ENDINGS}|in)(?-u:\b)",
        find_spelt_emails,
    ),
    Finder("UPI", r"[A-Za-z0-9._\-\p{Nd}][@＠][A-Za-z]", find_upi_ids),
)

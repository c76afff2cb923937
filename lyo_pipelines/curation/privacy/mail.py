"""Addresses with an @ or with its name: e-mail, e-mail spelt in words ("asha at example dot org"), UPI ids."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, preceded_by

# the local part has at most 64 signs (RFC 5321); marks are the vowel signs of Indian scripts
_EMAIL = regex.compile(
    r"(?<![\w\p{M}.+%-])[\w\p{M}.+%'-]{0,63}[\w\p{M}]@(?:[^\W_](?:[\w\p{M}-]{0,61}[\w\p{M}])?\.){1,8}[\p{L}\p{M}]{2,24}(?![\w\p{M}(@])"
)
# "sunita.devi@gmail": what everybody reads as an address
_PROVIDER = regex.compile(
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


def find_emails(text: str) -> Iterator[PersonalDataSpan]:
    """Addresses local@domain.tld, in any script, and local@ a well-known provider; not products of matrices."""
    for match in _EMAIL.finditer(text):
        if match.group().rsplit(".", 1)[-1] not in _ATTRIBUTES:
            yield PersonalDataSpan(*match.span(), "EMAIL")
    for match in _PROVIDER.finditer(text):
        yield PersonalDataSpan(*match.span(), "EMAIL", 0.85)


# "at" and "dot" are words of mathematics and of everyday, so the ending must be one that addresses have
_ENDINGS = "com|org|net|edu|gov|info|io|me|ac|co|uk|us|email|school|app|dev|xyz|biz|bharat"
_AT = (
    r"(?:[ ]{0,2}[\[({<][ ]?(?:at|@)[ ]?[\])}>][ ]{0,2}|[ ]{1,2}at(?: the rate(?: of)?)?[ ]{1,2}|[ ]{0,2}@[ ]{1,2}"
    r"|[ ]{1,2}@[ ]{0,2}|@)"
)
_DOT = (
    r"(?:[ ]{0,2}[\[({<][ ]?(?:dot|\.)[ ]?[\])}>][ ]{0,2}|[ ]{1,2}dot[ ]{1,2}|\."
    r"|(?:[ ]{1,2}\.[ ]{0,2}|\.[ ]{1,2})(?=(?:com|org|net|edu|in)\b)|, ?(?=(?:com|org|net)\b))"
)
_JOINED = rf"(?:{_DOT}|[ ]{{1,2}}(?:underscore|hyphen|dash)[ ]{{1,2}})"
_SPELT = regex.compile(
    rf"(?<![\w\p{{M}}.+-])(?<local>[\w+-]{{1,64}}(?:{_JOINED}[\w+-]{{1,64}}){{0,3}})(?<at>{_AT})"
    rf"(?<domain>[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,3}}?)(?<dot>{_DOT})(?<end>(?:{_ENDINGS})(?![\w-])"
    rf"|in(?=[ ]?(?:[.,;:!?)\]\n]|$)))(?:{_DOT}in(?![\w-]))?",
    regex.IGNORECASE,
)


def find_spelt_emails(text: str) -> Iterator[PersonalDataSpan]:
    """Addresses whose @ or dots are words, in brackets, or stand apart; the ending must be a usual one."""
    for match in _SPELT.finditer(text):
        yield PersonalDataSpan(*match.span(), "EMAIL", 0.85)


# handles of Indian payment banks and apps (NPCI's list of UPI handles); others count beside a word for payments
_HANDLES = (
    "ok(?:axis|sbi|icici|hdfcbank|bizaxis)|ybl|ibl|axl|yapl|rapl|apl|pt(?:axis|yes|sbi|hdfc)|paytm|upi|icici|sbi|hdfcbank|hdfc|axisbank|axisb|axis|kotak|kbl"
    "|yesbank|yesg|yespay|idfcbank|idfcfirst|indus|induspay|federal|fbl|pnb|barodampay|cnrb|unionbank|uboi|boi|mahb|iob|indianbank|allbank|rbl|jupiteraxis|fam"
    "|freecharge|ikwik|airtel|jio|postbank|naviaxis|slc|timecosmos|superyes|amazonpay|waaxis|wasbi|waicici|wahdfcbank|mbk|freoicici|pingpay|goaxb|tapicici|kotak811|yescred|yesfam|axb|dbs|jsb|equitas|dlb|utbi|indbank"
)
_UPI = regex.compile(
    r"(?<![\w.+%-])(?<user>[A-Za-z0-9][A-Za-z0-9._-]{1,63})@(?<handle>[A-Za-z][A-Za-z0-9]{1,19})(?![\w@-]|\.\w)",
    regex.IGNORECASE,
)
_HANDLE = regex.compile(_HANDLES, regex.IGNORECASE)
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
        rf"(?i)[ \[({{<]dot[ \])}}>]|[\[({{<] ?(?:at|[@＠])|[@＠][ \[({{<\w]|\.(?:{_ENDINGS}|in)(?-u:\b)",
        find_spelt_emails,
    ),
    Finder("UPI", r"[A-Za-z0-9._\-\p{Nd}][@＠][A-Za-z]", find_upi_ids),
)

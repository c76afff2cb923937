"""What opens an account: access keys, links with a key in them, passwords and one-time codes after their word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import regex

from lyo_pipelines.curation.privacy.lazy_patterns import lazy_re, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan

_URL = lazy_re(r"(?<![\w])[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s<>\"'`\\^{}|]{1,2000}")
_SECRET_KEYS = lazy_re(
    r"(?:^|[_-])(?:token|access_?token|id_?token|refresh_?token|api_?key|apikey|key|auth|authorization|password|passwd|pwd|pass|secret|sig|signature"
    r"|session|sessionid|sid|jwt|otp|credential|email|phone|mobile|aadhaar|invite)$",
    re.IGNORECASE,
)


def find_secret_urls(text: str) -> Iterator[PersonalDataSpan]:
    """Links with a user name in them, or with a query value that is a key, token, password or address."""
    for match in _URL.finditer(text):
        link = match.group().rstrip(").,;:!?]।")
        try:
            parts = urlsplit(link)
        except ValueError:  # a bracket that begins no IPv6 address
            continue
        pairs = parse_qsl(parts.query, keep_blank_values=False) + parse_qsl(parts.fragment, keep_blank_values=False)
        if "@" in parts.netloc or any(_SECRET_KEYS.search(key) for key, _ in pairs):
            yield PersonalDataSpan(match.start(), match.start() + len(link), "URL")


_KEY = lazy_re(
    r"(?<![\w-])(?:sk-[A-Za-z0-9_-]{20,}|(?:ghp|gho|ghs|ghu)_[A-Za-z0-9]{30,}|github_pat_\w{30,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abp]-[\w-]{10,}"
    r"|hf_[A-Za-z0-9]{30,}|eyJ[\w-]{10,500}\.[\w-]{10,2000}\.[\w-]{10,1000})(?![\w-])"
)


def find_access_keys(text: str) -> Iterator[PersonalDataSpan]:
    """Access keys and signed tokens of well-known shape."""
    for match in _KEY.finditer(text):
        yield PersonalDataSpan(*match.span(), "SECRET")


_IS = r"(?:\s{0,2}(?:is|was|:|=|-|->|no\.?|है|हैं|था|hai|என்பது))?\s{0,2}[\"'“`]?"
_PASSWORD = lazy_regex(
    rf"(?<!\b(?:a|an|any|strong|weak|good|bad|better|safe|example|the word) )(?:\bpass ?(?:word|code|phrase|key)"
    rf"|\bpasswd|\bpwd|(?P<bare>\bpass(?= ?:))|\bwi-?fi key|पासवर्ड|கடவுச்சொல்|பாஸ்வேர்ட்|పాస్‌?వర్డ్|পাসওয়ার্ড|পাসওয়ার্ড|പാസ്‌?വേഡ്"
    rf"|ಪಾಸ್‌?ವರ್ಡ್|પાસવર્ડ|ਪਾਸਵਰਡ|پاس ورڈ|ପାସୱାର୍ଡ)"
    rf"(?: (?:for|of|to)(?: \w{{1,15}}){{1,4}}?(?= (?:is|was)\b|:))?{_IS}(?P<value>[^\s\"'“”`<>]{{4,64}})",
    regex.IGNORECASE,
)
# "user asha pass asha#99": the word alone says nothing ("pass mark"), a name before it and a sign inside do
_LOGIN = lazy_regex(
    r"\b(?:user(?: ?name| ?id)?|login(?: ?id)?|id|e-?mail)[ :=-]{1,3}(?:is )?[^\s,;]{2,64}[ ,;/&|-]{1,3}(?:and |my )?"
    r"(?:pass|pw|pswd)(?: is)?[ :=-]{1,3}(?P<value>[^\s\"'“”`<>]{4,64})",
    regex.IGNORECASE,
)
_CODE_NAMES = (
    r"\botp|\bone[- ]time (?:password|passcode|pin|code)|\b(?:verification|security|login|sign-?in|confirmation"
    r"|activation) code|\bcvv|\bcvc|\bm?pin (?:number|no\.?)"
    r"|\b(?:atm|upi|debit card|credit card|card|phone|sim|login|bank|gpay|phonepe) ?m?pin|\bmpin"
    r"|\bmy (?:\w{1,10} )?pin(?= is\b|:)|ओटीपी|ओ\.टी\.पी"
    r"|எ(?:ண்)?ஓடிபி|ஓடிபி|ஒடிபி|ఓటీపీ|ওটিপি|ഒടിപി|ಒಟಿಪಿ|ઓટીપી|ਓਟੀਪੀ|او ٹی پی|ଓଟିପି"
)
_CODE = lazy_regex(
    rf"(?:{_CODE_NAMES})(?:[^\w\n]|is|was|for|my|you|i|sent|got|received|login|came|as|code|no|number|है|है:|आया|வந்தது|என்பது|hai|aaya|:"
    rf"|-){{0,9}}(?<![\w])(?P<value>\d{{2,4}}[ -]\d{{2,4}}|\d{{3,8}})(?![\w]|[.,-]\d)",
    regex.IGNORECASE,
)
_CODE_BEFORE = lazy_regex(
    rf"(?<![\w.,])(?P<value>\d{{4,8}})(?:,? (?:it(?:'|’)?s|this is)| (?:is|was)) (?:your |my |the |our )?"
    rf"(?:\w{{1,12}} )?(?:{_CODE_NAMES})",
    regex.IGNORECASE,
)
_EXPIRY = lazy_re(
    r"\b(?:exp(?:iry|ires|iration)?|valid (?:thru|till|upto|up to))(?: date)?\.?[ :=-]{0,3}"
    r"(?P<value>(?:0[1-9]|1[0-2]) ?/ ?(?:20)?[2-4]\d)(?![\d/-])",
    re.IGNORECASE,
)
_CARD_BESIDE = lazy_re(r"\bcards?\b|<CARD>|\bcvv\b|\b(?:debit|credit)\b", re.IGNORECASE)
_CARD_WINDOW = 80
_MARKS = frozenset("@#$!%&*^_+=?~")


def find_passwords(text: str) -> Iterator[PersonalDataSpan]:
    """What follows "password is" and looks like one: digits and letters, or a sign such as @ inside; not "password is wrong"."""
    for match in _LOGIN.finditer(text):
        value = match["value"].rstrip(".,;:!?)]।")
        if any(map(str.isdigit, value)) or _MARKS & set(value):
            yield PersonalDataSpan(match.start("value"), match.start("value") + len(value), "SECRET", 0.8)
    for match in _PASSWORD.finditer(text):
        value = match["value"].rstrip(".,;:!?)]।")
        letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
        marked = bool(_MARKS & set(value[:-1] if value == match["value"] else value))
        called = "(" in value and ")" in match["value"]  # password = input("…") is code
        if match["bare"] and not (marked and digits and letters):  # "Pass: Route12" is a ticket's
            continue
        if len(value) >= 4 and not called and ((letters and (digits or marked)) or (digits and len(value) >= 4)):
            yield PersonalDataSpan(match.start("value"), match.start("value") + len(value), "SECRET", 0.8)


def find_codes(text: str) -> Iterator[PersonalDataSpan]:
    """One-time codes and PINs right after (or before) their name, and when a card expires."""
    for pattern in (_CODE, _CODE_BEFORE):
        for match in pattern.finditer(text):
            yield PersonalDataSpan(*match.span("value"), "SECRET", 0.8)
    for match in _EXPIRY.finditer(text):
        if _CARD_BESIDE.search(text, max(0, match.start() - _CARD_WINDOW), match.end() + _CARD_WINDOW):
            yield PersonalDataSpan(*match.span("value"), "SECRET", 0.8)


FINDERS = (
    Finder("URL", r"[a-zA-Z0-9]://", find_secret_urls),
    Finder("SECRET", r"sk-\w|gh[posu]_\w|github_pat_|AKIA|AIza|xox[abp]-|hf_\w|eyJ", find_access_keys),
    Finder(
        "SECRET",
        r"(?i)pass ?(?:word|code|phrase|key|[ :=-])|(?:pw|pswd)[ :=-]|passwd|pwd|wi-?fi key|पासवर्ड"
        r"|கடவுச்சொல்|பாஸ்வேர்ட்|పాస్|পাসওয|পাসওয়|പാസ്"
        r"|ಪಾಸ್|પાસવર્ડ|ਪਾਸਵਰਡ|پاس ورڈ|ପାସୱାର୍ଡ",
        find_passwords,
    ),
    Finder(
        "SECRET",
        r"(?i)(?:exp[a-z]{0,7}|valid [a-z ]{4,6})(?: date)?\.?[ :=-]{0,3}\p{Nd}{2} ?/"
        r"|otp|one[- ]time|code|cv[vc]|pin|ओटीपी|ओ\.टी|ஓடிபி|ஒடிபி|ఓటీపీ|ওটিপি|ഒടിപി|ಒಟಿಪಿ|ઓટીપી|ਓਟੀਪੀ|او ٹی پی|ଓଟିପି",
        find_codes,
    ),
)

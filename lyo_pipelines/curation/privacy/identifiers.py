"""Personal data with letters in it: e-mail, links with secrets, keys, IP, IBAN, PAN, voter id, passport, vehicle registration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import regex

from lyo_pipelines.curation.privacy.checksums import mod97
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, in_arithmetic, preceded_by

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]*\w@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}(?![\w(@])")
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
    """Addresses local@domain.tld, in any script; not products of matrices."""
    for match in _EMAIL.finditer(text):
        if match.group().rsplit(".", 1)[-1] not in _ATTRIBUTES:
            yield PersonalDataSpan(*match.span(), "EMAIL")


_URL = re.compile(r"(?<![\w])[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s<>\"'`\\^{}|]+")
_SECRET_KEYS = re.compile(
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


_SECRET = re.compile(
    r"(?<![\w-])(?:sk-[A-Za-z0-9_-]{20,}|(?:ghp|gho|ghs|ghu)_[A-Za-z0-9]{30,}|github_pat_\w{30,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abp]-[\w-]{10,}"
    r"|hf_[A-Za-z0-9]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})(?![\w-])"
)


def find_secrets(text: str) -> Iterator[PersonalDataSpan]:
    """Access keys and signed tokens of well-known shape."""
    for match in _SECRET.finditer(text):
        yield PersonalDataSpan(*match.span(), "SECRET")


_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d|/\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")
_IP_WORDS = regex.compile(
    r"\bips?\b|\bipv[46]\b|\baddress|\bserver|\bhost|\bping\b|\blogin|\blogged|\brouter|पता|முகவரி", regex.IGNORECASE
)


def find_ips(text: str) -> Iterator[PersonalDataSpan]:
    """IPv4 and IPv6 addresses; not loopback, netmasks, networks (1.2.3.0/24), nor section numbers (1.2.3.4)."""
    for match in _IPV4.finditer(text):
        octets = match.group().split(".")
        if any(int(octet) > 255 or (len(octet) > 1 and octet[0] == "0") for octet in octets):
            continue
        if octets[0] in {"0", "127", "255"} or octets == ["0", "0", "0", "0"]:
            continue
        if all(int(octet) < 20 for octet in octets) and not preceded_by(_IP_WORDS, text, match.start(), 30):
            continue
        yield PersonalDataSpan(*match.span(), "IP")
    for match in _IPV6.finditer(text):
        groups = [group for group in match.group().split(":") if group]
        if len(groups) < 3 or max(map(len, groups)) < 3:
            continue
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        if not address.is_loopback and (
            not match.group().replace(":", "").isdigit() or preceded_by(_IP_WORDS, text, match.start(), 30)
        ):
            yield PersonalDataSpan(*match.span(), "IP")


_IBAN = re.compile(
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


_PAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{3}[ABCFGHJLPTabcfghjlpt][A-Za-z]\d{4}[A-Za-z](?![A-Za-z0-9])")
_PAN_WORDS = regex.compile(r"\bpan\b|पैन|பான்", regex.IGNORECASE)


def find_pans(text: str) -> Iterator[PersonalDataSpan]:
    """Indian tax numbers (five letters, the fourth a holder type, four digits, a letter); in lower case only after "PAN"."""
    for match in _PAN.finditer(text):
        if match.group().isupper() or preceded_by(_PAN_WORDS, text, match.start(), 40):
            yield PersonalDataSpan(*match.span(), "PAN")


_VOTER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{3}/?\d{7}(?![A-Za-z0-9^]|[.,]\d)")
_VOTER_WORDS = regex.compile(r"\bvoter|\bepic\b|\belection|मतदाता|वोटर|வாக்காளர்", regex.IGNORECASE)


def find_voter_ids(text: str) -> Iterator[PersonalDataSpan]:
    """Indian voter ids (three letters, seven digits); in lower case only after "voter"."""
    for match in _VOTER.finditer(text):
        named = preceded_by(_VOTER_WORDS, text, match.start(), 50)
        if named or (match.group().isupper() and not in_arithmetic(text, *match.span())):
            yield PersonalDataSpan(*match.span(), "VOTER_ID")


_PASSPORT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z] ?-?\d{2} ?\d{5}(?![A-Za-z0-9^]|[.,]\d)")
_USUAL_PASSPORT = re.compile(r"[A-HJ-NPR-Z][1-9]\d{5}[1-9]")
_PASSPORT_WORDS = regex.compile(r"passport|पासपोर्ट|பாஸ்போர்ட்|பாஸ்போர்ட|கடவுச்சீட்டு", regex.IGNORECASE)


def find_passports(text: str) -> Iterator[PersonalDataSpan]:
    """Indian passport numbers (a letter, seven digits, first and last not 0); in another form only after "passport"."""
    for match in _PASSPORT.finditer(text):
        named = preceded_by(_PASSPORT_WORDS, text, match.start(), 60)
        if named or (_USUAL_PASSPORT.fullmatch(match.group()) and not in_arithmetic(text, *match.span())):
            yield PersonalDataSpan(*match.span(), "PASSPORT")


_STATES = "AN|AP|AR|AS|BR|CG|CH|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TN|TR|TS|TG|UA|UK|UP|WB"
_VEHICLE = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?:{_STATES})[ -]?\d{{1,2}}[ -]?(?!\d)[A-Z]{{1,3}}[ -]?\d{{4}}"
    r"|\d{2}[ -]?BH[ -]?\d{4}[ -]?[A-Z]{1,2})(?![A-Za-z0-9])"
)


def find_vehicles(text: str) -> Iterator[PersonalDataSpan]:
    """Indian vehicle registrations (state, district, series, four digits) and the BH series."""
    for match in _VEHICLE.finditer(text):
        yield PersonalDataSpan(*match.span(), "VEHICLE")


FINDERS = (
    Finder("EMAIL", r"\w@\w", find_emails),
    Finder("URL", r"[a-zA-Z0-9]://", find_secret_urls),
    Finder("SECRET", r"sk-\w|gh[posu]_\w|github_pat_|AKIA|AIza|xox[abp]-|hf_\w|eyJ", find_secrets),
    Finder("IP", r"\p{Nd}\.\p{Nd}{1,3}\.\p{Nd}{1,3}\.\p{Nd}|(?:[0-9A-Fa-f\p{Nd}]{0,4}:){3}", find_ips),
    Finder("IBAN", r"[A-Za-z]{2}\p{Nd}{2} ?[A-Za-z0-9\p{Nd}]{4} ?[A-Za-z0-9\p{Nd}]{4}", find_ibans),
    Finder("PAN", r"[A-Za-z]{5}\p{Nd}{4}[A-Za-z]", find_pans),
    Finder("VOTER_ID", r"[A-Za-z]{3}/?\p{Nd}{7}", find_voter_ids),
    Finder("PASSPORT", r"[A-Za-z] ?-?\p{Nd}{2} ?\p{Nd}{5}", find_passports),
    Finder(
        "VEHICLE",
        r"[A-Z]{2}[ \-]?\p{Nd}{1,2}[ \-]?[A-Z]{1,3}[ \-]?\p{Nd}{4}|\p{Nd}{2}[ \-]?BH[ \-]?\p{Nd}{4}",
        find_vehicles,
    ),
)

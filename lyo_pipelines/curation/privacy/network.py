"""Addresses of computers: IPv4 and IPv6, where they are somebody's and not a lesson's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.context import context_words
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, beside, followed_by, preceded_by

_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d|/\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")
_WORDS = context_words("ip")
_OWN = context_words("ip_own")
_LESSON = context_words("ip_lesson")
_NUMBERING = context_words("numbering")
# networks for examples: RFC 5737 and RFC 3849
_MADE_UP = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
_SMALL = 20
_NEAR = 30
_LESSON_NEAR = 80

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def find_ips(text: str) -> Iterator[PersonalDataSpan]:
    """Addresses that can be a person's; not private, multicast or example networks of a lesson, masks, sections, versions."""
    for match in _IPV4.finditer(text):
        octets = match.group().split(".")
        if any(int(octet) > 255 or (len(octet) > 1 and octet[0] == "0") for octet in octets):
            continue
        if octets[0] in {"0", "127", "255"}:
            continue
        if all(int(octet) < _SMALL for octet in octets) and not preceded_by(_WORDS, text, match.start(), _NEAR):
            continue
        if _last(_NUMBERING, text, match.start()) > _last(_WORDS, text, match.start()):
            continue
        if followed_by(_NUMBERING, text, match.end(), 12):
            continue
        if _is_somebodys(ipaddress.IPv4Address(match.group()), text, *match.span()):
            yield PersonalDataSpan(*match.span(), "IP")
    for match in _IPV6.finditer(text):
        groups = [group for group in match.group().split(":") if group]
        if len(groups) < 3 or max(map(len, groups)) < 3:
            continue
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        named = preceded_by(_WORDS, text, match.start(), _NEAR)
        if (named or not match.group().replace(":", "").isdigit()) and _is_somebodys(address, text, *match.span()):
            yield PersonalDataSpan(*match.span(), "IP")


def _last(words: regex.Pattern[str], text: str, start: int) -> int:
    """Where the last of the words before a position begins; -1 where none stands near it."""
    return max((match.start() for match in words.finditer(text, max(0, start - 40), start)), default=-1)


def _is_somebodys(address: Address, text: str, start: int, end: int) -> bool:
    """Whether an address may lead to a person: never a private one, an example's only where somebody says "my IP"."""
    made_up = any(address in network for network in _MADE_UP if network.version == address.version)
    if address.is_multicast or not (address.is_global or made_up):
        return False
    own, lesson = preceded_by(_OWN, text, start), beside(_LESSON, text, start, end, _LESSON_NEAR)
    return own and not lesson if made_up else own or not lesson


FINDERS = (Finder("IP", r"\p{Nd}\.\p{Nd}{1,3}\.\p{Nd}{1,3}\.\p{Nd}|(?:[0-9A-Fa-f\p{Nd}]{0,4}:){3}", find_ips),)

"""Names of people in social networks: right after the network's name ("my insta is …"), and in links to their pages."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.lazy_patterns import lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan

_LATIN_NETWORKS = r"insta(?:gram)?|snap ?chat|telegram|twitter|discord|facebook"
_OTHER_NETWORKS = (
    r"g ?mail|ig|snap|fb|messenger|reddit|youtube|linkedin|tik ?tok|skype|roblox|steam|free ?fire|bgmi|pubg"
)
"""Words with another meaning, too: only before "id", "is" or a colon."""
_INDIC_NETWORKS = (
    "इंस्टाग्राम|इंस्टा|फेसबुक|फ़ेसबुक|टेलीग्राम|स्नैपचैट|இன்ஸ்டா(?:கிராம்)?|பேஸ்புக்|டெலிகிராம்|ఇన్‌?స్టా(?:గ్రామ్)?"
    "|ইনস্টা(?:গ্রাম)?|ফেসবুক|ഇൻസ്റ്റ(?:ഗ്രാം)?|ಇನ್‌?ಸ್ಟಾ(?:ಗ್ರಾಂ)?|ઇન્સ્ટા(?:ગ્રામ)?|ਇੰਸਟਾ(?:ਗ੍ਰਾਮ)?"
)
_NETWORKS = rf"{_LATIN_NETWORKS}|{_INDIC_NETWORKS}"
_HANDLE = lazy_regex(
    rf"(?<![\w])(?:(?:{_NETWORKS})(?![A-Za-z.])|(?:{_OTHER_NETWORKS})(?= ?[:=-]| (?:id|uid|handle|user ?name|account|is|hai)\b))"
    r"(?: (?:my|me|on|at|par|pe))?(?: (?:follow|add)(?: (?:me|karo|kro|kar lo|kar do))?)?"
    r"(?: (?:id|uid|handle|user ?name|account|profile|page|channel|tag|name|आईडी))?(?: (?:is|hai|है|पर))?"
    r"[ ]?[:=-]?[ ]{0,2}(?P<name>[A-Za-z][\w.]{1,30}#\d{4}(?!\d)|@[A-Za-z0-9_][\w.]{2,29}"
    r"|(?=[A-Za-z]{0,29}[\d_.][\w])[A-Za-z_][A-Za-z0-9_.]{2,29})(?![\w@/])",
    regex.IGNORECASE,
)
_PROFILE = lazy_regex(
    r"(?<![\w.-])(?:https?://)?(?:www\.|m\.)?(?:(?:instagram|facebook|fb|snapchat|twitter|x|linkedin|tiktok|youtube|reddit)\.com|t(?:elegram)?\.me|threads\.net|instagr\.am|discord\.gg)/(?:in/|add/|u/|user/|channel/|c/)?@?"
    r"(?P<name>[A-Za-z][\w.-]{2,40})",
    regex.IGNORECASE,
)
_NUMBERED_PROFILE = lazy_regex(r"(?:https?://)?(?:www\.|m\.)?facebook\.com/profile\.php\?id=\d{6,20}", regex.IGNORECASE)
# "username: asha.std8": a name for logging in, where it is told and not assigned in a program
_LOGIN_NAME = lazy_regex(
    r"\b(?:user ?name|user ?id|login(?: ?id| name)?)(?: is|[ ]?:|[ ]?-)[ ]{1,2}"
    r"(?!(?:user|admin|test|example|your|guest|student)[\d_.]{0,4}(?:name)?\b)(?P<name>(?=[A-Za-z]{1,29}[\d_.][A-Za-z\d_])[A-Za-z][\w.-]{3,39})(?![\w@/(\[=])",
    regex.IGNORECASE,
)
_PAGE = lazy_regex(r"\.(?:php|html?|aspx?|pdf)$", regex.IGNORECASE)


def find_handles(text: str) -> Iterator[PersonalDataSpan]:
    """A name with an @, a digit, "_", "." or "#1234" right after a network's name, and links to such a page; not "Instagram is"."""
    for match in _HANDLE.finditer(text):
        value = match["name"].rstrip(".")
        if _is_made_up(value):
            yield PersonalDataSpan(match.start("name"), match.start("name") + len(value), "ID_NUMBER", 0.75)
    for match in _LOGIN_NAME.finditer(text):
        value = match["name"].rstrip(".-")
        yield PersonalDataSpan(match.start("name"), match.start("name") + len(value), "ID_NUMBER", 0.75)
    for match in _NUMBERED_PROFILE.finditer(text):
        yield PersonalDataSpan(*match.span(), "URL", 0.75)
    for match in _PROFILE.finditer(text):
        value = match["name"].rstrip(".-")
        if _is_made_up(value) and not _PAGE.search(value):
            yield PersonalDataSpan(match.start(), match.start("name") + len(value), "URL", 0.75)


def _is_made_up(name: str) -> bool:
    """Whether it is no word: words follow the name of a network as well."""
    return name.startswith("@") or any(sign.isdigit() or sign in "_." for sign in name)


FINDERS = (
    Finder(
        "ID_NUMBER",
        rf"(?i)(?-u:\b)(?:{_LATIN_NETWORKS}|{_OTHER_NETWORKS})|{_INDIC_NETWORKS}|user ?name|user ?id|login|\.(?:com|me|net|gg)/",
        find_handles,
    ),
)

"""Names of people in social networks: right after the network's name ("my insta is …"), and in links to their pages."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan

_NETWORKS = r"insta(?:gram)?|snap ?chat|telegram|twitter|discord|facebook|इंस्टाग्राम|इंस्टा|இன்ஸ்டா(?:கிராம்)?"
_HANDLE = regex.compile(
    rf"(?<![\w])(?:{_NETWORKS})(?![A-Za-z.])(?: (?:id|handle|user ?name|account|profile|name|आईडी))?(?: (?:is|hai))?"
    r"[ ]?[:=-]?[ ]{0,2}(?P<name>[A-Za-z][\w.]{1,30}#\d{4}(?!\d)|@[A-Za-z0-9][\w.]{2,29}"
    r"|(?=[A-Za-z]{0,29}[\d_.][\w])[A-Za-z][A-Za-z0-9_.]{2,29})(?![\w@])",
    regex.IGNORECASE,
)
_PROFILE = regex.compile(
    r"(?<![\w.-])(?:https?://)?(?:www\.|m\.)?(?:instagram|facebook|fb|snapchat|twitter|linkedin)\.com/(?:in/|add/|@)?"
    r"(?P<name>[A-Za-z][\w.-]{2,40})",
    regex.IGNORECASE,
)
_PAGE = regex.compile(r"\.(?:php|html?|aspx?|pdf)$", regex.IGNORECASE)


def find_handles(text: str) -> Iterator[PersonalDataSpan]:
    """A name with an @, a digit, "_", "." or "#1234" right after a network's name, and links to such a page; not "Instagram is"."""
    for match in _HANDLE.finditer(text):
        value = match["name"].rstrip(".")
        if _is_made_up(value):
            yield PersonalDataSpan(match.start("name"), match.start("name") + len(value), "ID_NUMBER", 0.75)
    for match in _PROFILE.finditer(text):
        value = match["name"].rstrip(".-")
        if _is_made_up(value) and not _PAGE.search(value):
            yield PersonalDataSpan(match.start(), match.start("name") + len(value), "URL", 0.75)


def _is_made_up(name: str) -> bool:
    """Whether it is no word: words follow the name of a network as well."""
    return name.startswith("@") or any(sign.isdigit() or sign in "_." for sign in name)


FINDERS = (
    Finder(
        "ID_NUMBER", r"(?i)insta|snap ?chat|telegram|twitter|discord|facebook|linkedin|fb\.com|इंस्टा|இன்ஸ்டா", find_handles
    ),
)

"""Names of people, by what is said around them ("my name is", "मेरा नाम … है", "என் பெயர் …"). No model, no list of first names.

The cues stand in names.yaml, those of relatives in family.yaml, the words that are no names (or names
and words at once) in name_words.yaml.
The people of word problems ("Ravi has 5 apples") are nobody and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from lyo_pipelines.bounded_yaml import read_packaged_yaml
from lyo_pipelines.curation.privacy.context import any_of
from lyo_pipelines.curation.privacy.lazy_patterns import lazy, lazy_regex
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, Upcoming, beside

# one part of a name: a capital, then letters, apostrophes, hyphens; the bounds keep every pattern linear
_WORD = r"\p{Lu}[\p{L}\p{M}]{0,30}(?:['’\-]\p{L}[\p{L}\p{M}]{1,30}){0,3}"
_INITIALS = r"(?:(?:\p{Lu}|Md|Mohd|Sk|Kr|Km)\.[ ]?){1,4}"
_LETTERS = {
    "HI": "Devanagari", "TA": "Tamil", "TE": "Telugu", "BN": "Bengali", "ML": "Malayalam", "KN": "Kannada", "GU": "Gujarati",
    "PA": "Gurmukhi", "UR": "Arabic", "OR": "Oriya",
}  # fmt: skip
# a word of one script: letters and vowel signs, and the joiners that some words need
_SCRIPTS = {
    name: rf"(?:[\p{{{script}}}--\p{{P}}--\p{{Nd}}]|[\u200c\u200d]){{2,24}}" for name, script in _LETTERS.items()
}
_INDIC_WORD = "(?:" + "|".join(_SCRIPTS.values()) + ")"
_INITIALED = rf"{_INITIALS}{_WORD}(?:[ ]{_WORD}){{0,2}}"
_PART = rf"(?:{_INITIALS}{_WORD}|{_WORD})"
_NAME = rf"(?:{_INITIALS})?{_WORD}(?:[ ]{_PART}){{0,3}}"
_PIECES = {
    "{NAME}": _NAME,
    "{PART}": _PART,
    "{TWO}": rf"{_PART} {_PART}(?: {_PART})?",
    "{INITIALED}": _INITIALED,
    "{LOWER}": r"\p{Ll}[\p{L}\p{M}]{2,30}(?: \p{Ll}[\p{L}\p{M}]{2,30})?",
    "{LATIN}": r"[\p{Latin}]{3,30}",
    **{f"{{{name}}}": pattern for name, pattern in _SCRIPTS.items()},
    "{INDIC_WORD}": _INDIC_WORD,
    "{INDIC}": rf"{_INDIC_WORD}(?: {_INDIC_WORD})?(?=\s*[,.!?;।\n]|$)|{_INDIC_WORD}",
    "{KIN}": (
        r"kid|child|son|daughter|brother|sister|friend|wife|husband|uncle|aunt|cousin|classmate|neighbou?r|mother|father|mom|mum|dad"
        r"|grandmother|grandfather|grandson|granddaughter|niece|nephew|roommate|teacher|tutor|principal"
    ),
    "{HI_KIN}": (
        r"दोस्त|भाई|भैया|पिता|पिताजी|पापा|बेटे|बहन|दीदी|माँ|मां|माता|मम्मी|बेटी|सहेली|टीचर|मैडम|सर|शिक्षक|अध्यापक|चाचा|चाची|दादा|दादी|नाना|नानी|मामा|मामी|मौसी|बुआ|फूफा|मित्र|बेटा|भतीजे|भतीजी|पड़ोसी|पड़ोसी|पति|पत्नी|पुत्र|पुत्री"
    ),
    "{TA_KIN}": r"தம்பி|தங்கை|அண்ணன்|அக்கா|அப்பா|அம்மா|அப்பாவின்|அம்மாவின்|ஆசிரியர்|ஆசிரியரின்|நண்பன்|நண்பனின்|தோழி|தோழியின்|தம்பியின்|தங்கையின்|அண்ணனின்|அக்காவின்"
    r"|மகள்|மகளின்|மகன்|மகனின்|மாமா|மாமாவின்|அத்தை|அத்தையின்|தாத்தா|தாத்தாவின்|பாட்டி|பாட்டியின்|கணவர்|கணவரின்|மனைவி|மனைவியின்|தோழன்|தோழனின்",
    "{TE_KIN}": r"అమ్మ|నాన్న|అన్న|అక్క|తమ్ముడు|చెల్లి|స్నేహితుడి|టీచర్",
    "{BN_KIN}": r"বাবা|মায়ে|মা|ভাইয়ে|ভাই|বোনে|বন্ধু|দিদি|শিক্ষকে",
    "{UR_KIN}": r"دوست|بھائی|والد|ابو|بیٹے|بہن|امی|والدہ|بیٹی|استاد",
    # an initial or two of a name in an Indian script: "के. मीनाक्षी", "எஸ். ராமன்"
    "{INITIAL}": r"(?:[\p{L}\p{M}]{1,4}\.[ ]?){0,3}",
    "{TITLE}": r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Shri|Smt|Sri)\.? )?",
    "{END}": r"(?=\s*(?:[,.!?;)\n]|$))",
    "{W}": r"(?-u:\b)",
}


def _with_pieces(pattern: str) -> str:
    for name, piece in _PIECES.items():
        pattern = pattern.replace(name, piece)
    # unbounded white space before or after a cue would cost the square of a long run of it
    return pattern.replace(r"\s*", r"\s{0,4}").replace(r"\s+", r"\s{1,4}")


@dataclass(frozen=True)
class _Cue:
    """A pattern with the group `name`; score: how sure it is; in_code: whether it counts beside the words of a program, too.

    full: the name has two parts at least ("Contact Asha Rao"; "Contact Lens" says nothing). in_form: other fields of a form
    stand beside it. letters: the pattern holds a letter of one of these Indian scripts, and so does what it matches; None:
    Latin. words: a text with none of them (in small letters) is passed by; none given: no text is.
    """

    pattern: regex.Pattern[str]
    score: float
    in_code: bool
    full: bool
    in_form: bool
    letters: re.Pattern[str] | None
    words: tuple[str, ...]
    kin: tuple[str, ...] = ()
    """Of these, too, the text must hold one."""


def _words(lists: dict[str, str]) -> frozenset[str]:
    return frozenset(word for words in lists.values() for word in words.split())


_HERE = Path(__file__).parent
_LISTS, _FAMILY = read_packaged_yaml(_HERE / "names.yaml"), read_packaged_yaml(_HERE / "family.yaml")
_WORD_LISTS = read_packaged_yaml(_HERE / "name_words.yaml")
_NEVER = _words(_WORD_LISTS["never"])
_NOT_NAMES = _NEVER | _words(_WORD_LISTS["not_after_weak_cues"])
_ALSO_WORDS = _words(_WORD_LISTS["also_words"])
_BLOCK = 0x80
"""The size of the blocks of Unicode in which the scripts of India stand, one after the other."""


def _letters(pattern: str) -> re.Pattern[str] | None:
    """A letter of one of the Indian scripts (or of Arabic) in which a pattern's own words are written."""
    blocks = sorted(
        {ord(sign) // _BLOCK * _BLOCK for sign in pattern if "\u0600" <= sign <= "\u0dff" and sign not in "।॥"}
    )
    return re.compile("[" + "".join(f"{chr(at)}-{chr(at + _BLOCK - 1)}" for at in blocks) + "]") if blocks else None


def _cue(cue: dict[str, Any], *, indic: bool) -> _Cue:
    source = cue["pattern"]
    return _Cue(
        lazy(lambda: regex.compile(_with_pieces(source), regex.VERSION1)),
        float(cue["score"]),
        cue.get("code", True),
        "{TWO}" in source,
        cue.get("form", False),
        _letters(source) if indic else None,
        tuple(cue.get("words", ())),
        tuple(cue.get("kin", ())),
    )


def _kin(of: str) -> list[str]:
    """The words for relatives in a list of them; what follows the list ("का") is none of them."""
    words = re.findall(r"[^\W\d_][^\s()|?:\[\]]+", of[: of.rfind(")")])
    return list(dict.fromkeys(word for word in words if word != "ka"))


def _family_cues() -> Iterator[tuple[dict[str, Any], bool]]:
    """The cues of family.yaml for each of its languages, and whether the language has an Indian script."""
    for language in _FAMILY["languages"].values():
        for cue in _FAMILY["cues"]:
            pattern = cue["pattern"]
            for key in ("my", "of", "bare", "named", "is", "word"):
                # a whole word: "व" (and) ends a name, and "वर्मा" goes on with it
                whole = rf"(?:{language[key]})(?![\p{{L}}\p{{M}}])" if key == "is" else language[key]
                pattern = pattern.replace(f"{{{key.upper()}}}", whole)
            yield (
                {**cue, "pattern": pattern, "words": language["words"], "kin": _kin(language["of"])},
                not language["of"].isascii(),
            )


_FAMILY_CUES = tuple(_cue(cue, indic=indic) for cue, indic in _family_cues())
_CUES = (*(_cue(cue, indic=False) for cue in _LISTS["cues"]), *(cue for cue in _FAMILY_CUES if cue.letters is None))
_INDIC_CUES = (
    *(_cue(cue, indic=True) for cue in _LISTS["indic_cues"]),
    *(cue for cue in _FAMILY_CUES if cue.letters is not None),
)
_STRONG = 0.9
"""From this score on ("my name is") only words that are never a name stop one."""
NEEDS = "|".join(_with_pieces(pattern) for pattern in _LISTS["needs"])
"""A text that does not match this (Rust) pattern holds no name for the cues (tested on random texts)."""

_TITLED = lazy_regex(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Shri|Smt|Sri)\.? (?P<name>{_NAME})")
_CODE = lazy(
    lambda: any_of(
        [
            r"\bprints?\b|\bprint(?:f|ln)?\(|\bprogram|\becho\b|\bconsole\b|\boutputs?\b|\bdisplay|\bstrings?\b|\bcode\b|\bpython\b|\bjava|\bhtml\b|\bcout\b|[`<>{}]"
        ]
    )
)
_CODE_WINDOW = 50
# what only a form says beside a name; "Name: Sodium Chloride" stands alone
_FORM = lazy_regex(
    r"\b(?:(?:phone|mobile|e-?mail|address|dob|date of birth|age|roll(?: no)?|city|gender|school)\b\s{0,4}[:=-]"
    r"|(?:roll|admission|registration|register|enrol?ment) (?:no|number)\b\.?\s{0,4}[:=-]?\s?[\dA-Z]"
    r"|(?:class|grade|std|standard|kaksha|vaguppu)\s{0,4}[:=-]?\s{0,4}(?:\d|[IVX]{1,4}\b))"
    r"|(?:कक्षा|क्लास|उम्र|आयु|पता|स्कूल|विद्यालय|रोल|फ़ोन|मोबाइल|इयत्ता|வகுப்பு|வயது|பள்ளி|முகவரி|తరగతి|పాఠశాల|ক্লাস|শ্রেণি|শ্রেণী|বয়স|ക്ലാസ|സ്കൂൾ|ತರಗತಿ|ಶಾಲೆ"
    r"|ધોરણ|શાળા|ਜਮਾਤ|ਸਕੂਲ|جماعت|اسکول|ଶ୍ରେଣୀ)\s{0,4}[:=-]?\s{0,4}[\p{L}\p{N}+]",
    regex.IGNORECASE,
)
_FORM_WINDOW, _FORM_BEFORE = 200, 60
_GRAMMAR = lazy(
    lambda: any_of(
        [
            r"\b(?:nouns?|pronouns?|verbs?|adjectives?|subject and predicate|parts? of speech|(?:in|the|this) sentence"
            r"|translate|sangya|sarvanam|vakya)\b"
            r"|संज्ञा|सर्वनाम|वाक्य|अनुवाद|வாக்கிய|பெயர்ச்சொல்|மொழிபெயர்|எழுவாய்"
        ]
    )
)
# what goes on about the words that were just said: "… translate this", "… is a proper noun", "… में संज्ञा"
_ABOUT_IT = lazy_regex(
    r"\s?(?:है|हैं|आहे|hai|h|aahe|ahe)?[.।!,]?[\"'”’]?\s{0,2}"
    r"(?:(?:(?:please |how do (?:i|you|we) )?(?:translate|change|rewrite|correct|make)\b"
    r"|(?:which|what|identify|find|pick|underline|name|state)\b.{0,20}\b(?:in|of) (?:this|the|that|it)\b"
    r"|(?:in|into) (?:this|the|hindi|english|tamil)|is (?:a|an|the|my)?\b.{0,10}\b(?:noun|sentence)"
    r"|(?:ko|ka|mein|isko|iska|is vakya)\b)|(?:में|को|का|इस वाक्य|इसमें|इसका|इसको|என்பத|என்ற|இந்த|இதில்|இதை))",
    regex.IGNORECASE,
)
_OPEN_QUOTE = lazy_regex(r"(?:^|[\s(:])[\"'“‘«][^\"'”’»]{0,40}$")
# "शेर बोला, मेरा नाम …": a story lets somebody speak
_TOLD = lazy_regex(r"(?:(?<!मैं)(?:ने कहा|ने पूछा)|बोला|बोली|म्हणाला|म्हणाली|বলল|বললেন)\s?[,:।-]?\s?[\"“'‘]?$")
_CLAUSE = 100
# plurals and honorifics of address, and endings of verbs: "बच्चों", "ஆசிரியரே", "குழந்தைகளே", "வருகிறேன்"
_ADDRESSED = lazy_regex(
    r"\p{Devanagari}{1,30}(?:ों|ओं|ियो|ओ)|\p{Tamil}{1,30}(?:ரே|களே|க்கு|ர்கள்|மரமே|றேன்|னது|றது)", regex.VERSION1
)


def find_names(text: str) -> Iterator[PersonalDataSpan]:
    """Names after (or before) a cue; capitalised words that are none ("I am Indian", "Hello World") are left."""
    fields, code, lowered = Upcoming(_FORM, text), Upcoming(_CODE, text), text.lower()
    for cue in _CUES if text.isascii() else (*_CUES, *_INDIC_CUES):
        if cue.words and not any(word in lowered for word in cue.words):
            continue
        if cue.letters is not None and not cue.letters.search(text):
            continue
        if cue.kin and not any(word in lowered for word in cue.kin):
            continue
        for match in cue.pattern.finditer(text):
            start, end = match.span("name")
            if text[end - 1].isalpha() and text[end : end + 1].isalpha():
                continue  # the rest of a word is no end of a name: "naam English" holds no "naam Englis h" (hai)
            name = _trimmed(text[start:end], _NEVER if cue.score >= _STRONG else _NOT_NAMES)
            if (
                name
                and not (cue.letters and _TOLD.search(text, max(0, match.start() - 30), match.start()))
                and _introduces(cue, text, start, end, name, fields, code)
            ):
                yield PersonalDataSpan(start, start + len(name), "PERSON", cue.score)


def _introduces(cue: _Cue, text: str, start: int, end: int, name: str, fields: Upcoming, code: Upcoming) -> bool:
    """Whether what stands around a possible name lets it be one."""
    if cue.full and " " not in name and "." not in name:
        return False
    first = max(0, start - _CODE_WINDOW)
    if not cue.in_code and code.within(first, end + _CODE_WINDOW - first):
        return False
    if (
        cue.in_form
        and not fields.within(end, _FORM_WINDOW)
        and not _FORM.search(text, max(0, start - _FORM_BEFORE), start)
    ):
        return False
    if cue.score < _STRONG:
        # "मैं उलझन में हूँ": a particle inside says that the words before it are no name
        return cue.letters is None or end - start == len(name)
    asked = cue.letters is not None and text[end : end + 2].lstrip().startswith("?")
    return not asked and not _is_example(text, start, end)


def _is_example(text: str, start: int, end: int) -> bool:
    """Whether the words of an introduction are a lesson's example: "find the noun in 'My name is Ravi'", "is my name a noun?".

    "My name is Asha. What is a noun?" is none: there the grammar is another sentence's.
    """
    if not beside(_GRAMMAR, text, start, end):
        return False
    if _GRAMMAR.fullmatch(text, start, end) or _ABOUT_IT.match(text, end):
        return True
    first = max(0, start - _CLAUSE)
    before = text[max(first, *(text.rfind(stop, first, start) + 1 for stop in ".?!।\n")) : start]
    return _GRAMMAR.search(before) is not None or _OPEN_QUOTE.search(before) is not None


def find_titled_names(text: str) -> Iterator[PersonalDataSpan]:
    """Names after Mr., Mrs., Dr. …; off by default, see `redact_titled_names`."""
    for match in _TITLED.finditer(text):
        name = _trimmed(match.group("name"), _NOT_NAMES)
        if name:
            yield PersonalDataSpan(match.start("name"), match.start("name") + len(name), "PERSON", 0.6)


@lru_cache(maxsize=1024)
def _trimmed(name: str, no_names: frozenset[str]) -> str:
    """The name up to the first word that is no name; "" when nothing is left."""
    kept: list[str] = []
    for word in name.split(" "):
        bare = word.strip(".'’-").lower()
        initial = word.endswith(".") and len(bare) <= (1 if bare.isascii() else 3)
        if (bare in no_names and not initial) or (no_names is not _NEVER and _ADDRESSED.fullmatch(bare)):
            break
        kept.append(word)
    found = " ".join(kept)
    return found if len(found.replace(".", "")) >= 2 else ""


# -- names that are known already: found in another text of the row, or told by its metadata -----------------------------
_OPENERS = (
    r"yes|no|well|good|right|okay|ok|sure|correct|exactly|great|nice|excellent|perfect|thanks|thank you|sorry|hi"
    r"|hello|hey|dear|well done|bravo"
    r"|हाँ|हां|नहीं|अच्छा|ठीक|सही|शाबाश|धन्यवाद|नमस्ते|नमस्कार|प्रिय|वाह|ஆம்|சரி|நன்று|நல்லது|சபாஷ்|நன்றி|வணக்கம்|அருமை|haan|accha|shabash"
)
_HONORIFICS = r"जी|भाई|बेटा|बेटी|दीदी|भैया|ji|bhai|beta|beti|அவர்களே|தம்பி|தங்கை"
_EDGE_LEFT, _EDGE_RIGHT = r"(?<![\w\u0900-\u0DFF])", r"(?![\w\u093A-\u094F\u0BBE-\u0BCD])"
"""Python's \\w knows no vowel signs, so an Indic name must not be followed by one."""
_REPEATED = 3
_OPENED = rf"(?<=\b(?i:{_OPENERS}),? )"


def known_name_pattern(names: list[str], texts: Sequence[str] = ()) -> regex.Pattern[str] | None:
    """One pattern for names that are known already (from the metadata, or from another text of the row).

    Full names in any case; a single part of three or more letters only as written, so that "Rose" does not eat "rose". A part
    that is a word of the row as well counts only where somebody is spoken to ("Well done, Mark!"; not "Mark the point A"): one
    of name_words.yaml, one that the row's texts also write in small letters or begin an order with ("Plot the point"), or one
    of an Indian script (which has no capitals) that stands in the texts three times or more.
    """
    full = {name.strip() for name in names if len(name.strip()) >= 2}
    parts = {part for name in full for part in name.split() if len(part) >= 3 and part.lower() not in _NOT_NAMES}
    words = {part for part in parts if _is_word(part, texts)}
    options = [f"(?i:{re.escape(name)})" for name in sorted(full, key=len, reverse=True) if " " in name]
    options += [re.escape(part) for part in sorted(parts - words, key=len, reverse=True)]
    patterns = [rf"{_EDGE_LEFT}(?:{'|'.join(options)}){_EDGE_RIGHT}"] if options else []
    if words:
        own = rf"{_EDGE_LEFT}(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))}){_EDGE_RIGHT}"
        patterns += [rf"{_OPENED}{own}(?= ?[,.!?।])", rf"{own}(?= (?i:{_HONORIFICS})(?![\w\u0900-\u0DFF]))"]
    return regex.compile("|".join(patterns)) if patterns else None


_OBJECTS = (
    "the|a|an|this|these|those|each|every|all|both|your|its|it|any|along|off|out|up|down|on|into|means|began|begins"
)


def _is_word(part: str, texts: Sequence[str]) -> bool:
    if part.lower() in _ALSO_WORDS:
        return True
    cased = part.lower() != part
    # "Mark the point A. Plot your graph": an order begins with it
    order = regex.compile(rf"(?:^|[\n.!?:]\s{{0,3}}){re.escape(part)} (?:{_OBJECTS})(?!\w)")
    if cased and any(order.search(text) for text in texts):
        return True
    standing = regex.compile(rf"{_EDGE_LEFT}{re.escape(part.lower() if cased else part)}{_EDGE_RIGHT}")
    least = 1 if cased else _REPEATED
    return sum(len(standing.findall(text)) for text in texts) >= least


FINDERS = (Finder("PERSON", NEEDS, find_names),)
TITLED = Finder("PERSON", r"(?-u:\b)(?:Mr|Mrs|Ms|Miss|Dr|Prof|Shri|Smt|Sri)\.? \p{Lu}", find_titled_names)

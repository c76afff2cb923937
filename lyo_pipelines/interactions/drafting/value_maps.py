"""Values whose meaning is sure from the values themselves, as the `values` of a mapping: "4/5", "★★★", "Class VIII", "Very poor"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lyo_pipelines.interactions.drafting.names import plain_name
from lyo_pipelines.interactions.fields.thumbs import word_of_thumb
from lyo_pipelines.languages.codes import LANGUAGES, language_code

_OF_FIVE = re.compile(
    r"([1-5])(?:\.0)? ?(?:/|out of|of|von|sur|de) ?5(?: ?stars?)?"  # 4/5, 4 out of 5 stars
    r"|([1-5]) ?(?:stars?|★|⭐)",
    re.IGNORECASE,
)
_WITH_WORD = re.compile(r"([1-5]) ?[-–:=.(] ?([^\d\W][\w ]*)\)?")
"""4 - Good: only with a word that stands in that place, for 1 may be the best."""
_STARS = re.compile(r"([★⭐🌟\ufe0f]{1,10})([☆✩]{0,5})")
_LIKERT = (
    "terrible awful verypoor verybad verydissatisfied veryunsatisfied stronglydisagree extremelydissatisfied worst useless "
    "notatallhelpful",
    "poor bad dissatisfied unsatisfied disagree belowaverage unhelpful nothelpful needsimprovement",
    "average ok okay fair neutral neither satisfactory moderate somewhathelpful neithersatisfiednordissatisfied",
    "good satisfied agree helpful aboveaverage",
    "excellent verygood great verysatisfied stronglyagree outstanding extremelysatisfied veryhelpful amazing best",
)
_RANKS = {word: rank for rank, words in enumerate(_LIKERT, 1) for word in words.split()}
_FOR = (
    "y yes hoch gut ja si sim oui satisfied verysatisfied happy veryhappy solved resolved great excellent useful "
    "हाँ हां जीहाँ ஆம் అవును ಹೌದು হ্যাঁ હા"
)
_AGAINST = (
    "n no runter schlecht nein nao non dissatisfied unsatisfied verydissatisfied unhappy sad angry notsolved unsolved unresolved poor "
    "useless नहीं இல்லை కాదు ಇಲ್ಲ না ના"
)
_THUMBS = {plain_name(word): thumb for words, thumb in ((_FOR, 1), (_AGAINST, -1)) for word in words.split()}
_SIGNS = {"😍": 1, "😃": 1, "😄": 1, "😁": 1, "👌": 1, "❤": 1, "😡": -1, "😠": -1, "😢": -1, "😭": -1, "☹": -1}
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
    "xii": 12,
}
_AROUND_GRADE = re.compile(r"class|standard|std|grade|klasse|classe|year|th|nd|rd|st|कक्षा|வகுப்பு|वीं|आम|ம்")
_ZEROS = "०০੦૦୦௦౦೦൦"
_INDIC_DIGITS = {ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)}


def thumb_of(word: str) -> int:
    """+1, -1, or 0 where a word says neither."""
    sign = _SIGNS.get(word.strip().rstrip("\ufe0f"), 0)
    return word_of_thumb(word) or _THUMBS.get(plain_name(word), 0) or sign


def are_thumbs(words: Sequence[str]) -> bool:
    """Whether these words speak for and against an answer: one of them for or against, and each for, against or neither."""
    said = [thumb_of(word) or (0 if word_of_thumb(word) == 0 else None) for word in words]
    return bool(said) and None not in said and bool({1, -1} & set(said))


def ratings_of(words: Sequence[str]) -> dict[str, object]:
    """Word -> rating of 1 to 5, where each word tells one, by its number, its stars or its place in a scale of five words; else {}."""
    by_number = {word: _number(word) for word in words}
    if by_number and all(by_number.values()):
        return {word: str(rating) for word, rating in by_number.items()}
    ranks = {word: _RANKS.get(plain_name(word)) for word in words}
    if len(ranks) >= 3 and all(ranks.values()) and len(set(ranks.values())) == len(ranks):
        return {word: str(rank) for word, rank in ranks.items()}
    return {}


def _number(word: str) -> int | None:
    text = word.strip()
    if stars := _STARS.fullmatch(text):
        lit, empty = len(stars[1].replace("\ufe0f", "")), len(stars[2])
        return lit if lit <= 5 and lit + empty in (lit, 5) else None
    if (found := _WITH_WORD.fullmatch(text)) is not None:
        return int(found[1]) if _RANKS.get(plain_name(found[2])) == int(found[1]) else None
    found = _OF_FIVE.fullmatch(text)
    return None if found is None else int(next(group for group in found.groups() if group))


def grade_of(word: str) -> int | None:
    """The school year of a word: "Class VIII", "8th", "कक्षा ८" -> a number from 1 to 12; None where it tells none."""
    lower = word.translate(_INDIC_DIGITS).strip().lower()
    bare = plain_name(_AROUND_GRADE.sub("", lower)) if lower not in _ROMAN else lower
    number = int(bare) if bare.isascii() and bare.isdecimal() and len(bare) <= 2 else _ROMAN.get(bare, 0)
    return number if 1 <= number <= 12 else None


def are_languages(words: Sequence[str]) -> bool:
    """Whether these words name languages that we know."""
    return bool(words) and all(language_code(word) in LANGUAGES for word in words)

"""Language codes as applications write them ("English", "hin", "hi-IN", "Hinglish") -> ours ("en", "hi", "hi_latn")."""

from __future__ import annotations

import re
import unicodedata

_NAMES = {
    "english": "en", "eng": "en", "hindi": "hi", "hin": "hi", "tamil": "ta", "tam": "ta", "marathi": "mr", "mar": "mr",
    "telugu": "te", "tel": "te", "bengali": "bn", "bangla": "bn", "ben": "bn", "gujarati": "gu", "guj": "gu", "kannada": "kn",
    "kan": "kn", "malayalam": "ml", "mal": "ml", "punjabi": "pa", "pan": "pa", "odia": "or", "oriya": "or", "ori": "or",
    "assamese": "as", "asm": "as", "urdu": "ur", "urd": "ur", "nepali": "ne", "nep": "ne", "sanskrit": "sa", "san": "sa",
    "hinglish": "hi_latn", "hi_romanised": "hi_latn", "hi_romanized": "hi_latn", "romanised_hindi": "hi_latn",
    "romanized_hindi": "hi_latn", "hi_roman": "hi_latn", "hindi_latn": "hi_latn", "hindi_latin": "hi_latn", "hi_latin": "hi_latn",
    "tanglish": "ta_latn", "ta_romanised": "ta_latn", "ta_romanized": "ta_latn", "romanised_tamil": "ta_latn",
    "romanized_tamil": "ta_latn", "ta_roman": "ta_latn", "tamil_latn": "ta_latn", "tamil_latin": "ta_latn", "ta_latin": "ta_latn",
    "french": "fr", "german": "de", "spanish": "es", "portuguese": "pt", "italian": "it", "russian": "ru", "arabic": "ar",
    "chinese": "zh", "japanese": "ja", "korean": "ko",
    "हिन्दी": "hi", "हिंदी": "hi", "தமிழ்": "ta", "मराठी": "mr", "తెలుగు": "te", "বাংলা": "bn", "ગુજરાતી": "gu", "ಕನ್ನಡ": "kn",
    "മലയാളം": "ml", "ਪੰਜਾਬੀ": "pa", "ଓଡ଼ିଆ": "or", "অসমীয়া": "as", "اردو": "ur", "नेपाली": "ne", "संस्कृतम्": "sa",
}  # fmt: skip

_MORE = re.compile(r"[@,;]")
"""What follows is a modifier of a locale, or the next choice of an Accept-Language header."""
_OTHER = re.compile(r"[\s\-_./(),;:+]+")

_UNDECLARED = frozenset({"und", "unknown", "undefined", "auto", "none", "null", "mul", "xx", "n_a", "na"})


LANGUAGES = frozenset(_NAMES.values())
"""Codes of the languages that have a name here."""


def language_code(declared: str | None) -> str:
    """Our code for a declared language; an unknown one is returned clean, an absent one as "".

    "en-IN" -> "en"; "hi-Latn" -> "hi_latn"; "hi-Deva-IN" -> "hi"; "en_IN.UTF-8" -> "en"; "hi,en;q=0.8" -> "hi"; "தமிழ்" -> "ta".
    """
    first_choice = _MORE.split(unicodedata.normalize("NFC", declared or "").strip().lower(), maxsplit=1)[0]
    clean = _OTHER.sub("_", first_choice).strip("_").removesuffix("_utf_8").removesuffix("_utf8")
    if clean in _UNDECLARED:
        return ""
    if clean in _NAMES:
        return _NAMES[clean]
    first, *rest = clean.split("_")
    first = _NAMES.get(first, first)
    if "latn" in rest and first in {"hi", "ta"}:
        return f"{first}_latn"
    if first.isalpha() and len(first) in {2, 3} and all(2 <= len(part) <= 4 or part == "india" for part in rest):
        return first
    return clean

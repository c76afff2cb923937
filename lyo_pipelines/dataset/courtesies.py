"""What people say around a question ("please tell me", "नमस्ते सर", "thank you"): it says nothing about which exercise it is.

Parts that a whole dataset shares are found by frequency (common_parts.py); these are too various for it.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from lyo_pipelines.dataset.comparable_texts import comparable_words
from lyo_pipelines.storage.arrow import pc

_BEFORE = (
    "hello", "hi", "hey", "dear", "good morning", "good afternoon", "good evening", "sir", "madam", "mam", "maam", "teacher", "lyo",
    "please", "pls", "plz", "kindly", "can you", "could you", "would you", "will you", "tell me", "tell us", "tell", "help me with",
    "help me to",
    "i want to know", "i would like to know", "i need to know", "i have a doubt", "i have a question", "my question is", "a question",
    "ok", "okay", "so", "now",
    "नमस्ते", "नमस्कार", "सर", "मैम", "मैडम", "गुरुजी", "कृपया", "प्लीज", "बताइए", "बताइये", "बताएँ", "बताओ", "मुझे बताइए", "मुझे बताओ",
    "मेरा प्रश्न है", "मेरा सवाल है", "नमस्कार सर", "सांगा", "कृपया सांगा",
    "வணக்கம்", "ஐயா", "அம்மா", "தயவுசெய்து", "தயவு செய்து", "சொல்லுங்கள்", "নমস্কার", "দয়া করে", "স্যার", "বলুন",
    "నమస్తే", "నమస్కారం", "దయచేసి", "సార్", "ನಮಸ್ಕಾರ", "ದಯವಿಟ್ಟು", "സർ", "നമസ്കാരം", "ദയവായി", "નમસ્તે", "કૃપા કરીને", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ", "ਕਿਰਪਾ ਕਰਕੇ",
    "سلام", "السلام علیکم", "براہ کرم", "namaste", "namaskar", "kripya", "bataiye", "batao", "mujhe batao",
    "vanakkam", "dayavu seithu",
)  # fmt: skip
_BEHIND = (
    "please", "pls", "plz", "thanks", "thank you", "thank you very much", "thank you so much", "thanks a lot", "thanks in advance",
    "sir",
    "madam", "mam", "maam", "teacher", "lyo", "for me", "कृपया", "प्लीज", "बताइए", "बताइये", "बताएँ", "बताओ", "बताइएगा", "समझाइए", "समझाओ",
    "धन्यवाद", "शुक्रिया", "सर", "मैम", "मैडम", "जी", "सांगा", "धन्यवाद सर", "நன்றி", "சொல்லுங்கள்", "சொல்லவும்", "ஐயா", "ধন্যবাদ",
    "স্যার", "বলুন",
    "ధన్యవాదాలు", "చెప్పండి", "ಧನ್ಯವಾದಗಳು", "ಹೇಳಿ", "നന്ദി", "પ્લીઝ", "આભાર", "ਧੰਨਵਾਦ", "ਜੀ", "شکریہ", "بتائیے", "bataiye", "bataye", "batao",
    "batao na", "samjhao", "dhanyavad", "shukriya", "nandri",
)  # fmt: skip


def without_courtesies(words: pa.Array) -> pa.Array:
    """Return each text (comparable words) without courtesies at its ends; one of nothing else stays whole. Null stays null."""
    before, behind = _patterns()
    left = pc.replace_substring_regex(pc.replace_substring_regex(words, before, ""), behind, "")
    return pc.if_else(pc.equal(left, ""), words, left)


@cache
def _patterns() -> tuple[str, str]:
    first, last = (
        "|".join(sorted({one for one in comparable_words(pa.array(said)).to_pylist() if one}, key=len, reverse=True))
        for said in (_BEFORE, _BEHIND)
    )
    return rf"^(?:(?:{first})(?: |$))+", rf"(?:(?:^| )(?:{last}))+$"

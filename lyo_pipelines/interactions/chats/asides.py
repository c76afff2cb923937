"""What stands in a chat and is no part of what was asked and answered: thoughts of a model in front of its answer, and thanks."""

from __future__ import annotations

import re

from lyo_pipelines.interactions.errors import RowError

_NAMES = r"think|thinking|thought|thoughts|reasoning|reflection|seed:think"
_BEGUN = re.compile(rf"\s*<({_NAMES})>", re.IGNORECASE)
_ENDED = re.compile(r"</(?:think|thinking)>", re.IGNORECASE)
# the channels of the Harmony format: what is not "final" is thought
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>final[^<]{0,40}<\|message\|>")
_MARKS = re.compile(r"<\|(?:end|return|start)\|>.*", re.DOTALL)


def without_thoughts(text: str) -> str:
    """An answer without the thoughts that stand before it in tags (<think>…</think>), as open models write them.

    A server that began the thoughts in its prompt logs their end alone. Tags inside of an answer are the answer's.
    Raises RowError for thoughts that do not end: the answer was cut before it began.
    """
    if "<" not in text:
        return text
    if text.lstrip().startswith(_CHANNEL):
        final = _FINAL.search(text)
        if final is None:
            raise RowError("cut_text", "the answer holds thoughts only: it was cut before it began")
        return _MARKS.sub("", text[final.end() :]).strip()
    begun = _BEGUN.match(text)
    if begun is None:
        ended = list(_ENDED.finditer(text)) if "<think" not in text.lower() else []
        return text[ended[0].end() :].lstrip() if len(ended) == 1 else text
    end = text.lower().find(f"</{begun[1].lower()}>", begun.end())
    if end < 0:
        raise RowError("cut_text", "the answer holds thoughts that do not end: it was cut before it began")
    return without_thoughts(text[end + len(begun[1]) + 3 :].lstrip())


_THANKS = frozenset(
    re.findall(
        r"\S+",
        "thanks thank you thankyou thx ty tysm tq thanku so much very a lot ok okay k got it great cool nice perfect awesome bye"
        " goodbye good night understood i understand see now sir mam madam 👍 🙏 😊 🙂 👌 🎉 ❤️ ✅"
        " dhanyavaad dhanyavad dhanyawad shukriya theek thik hai samajh gaya gayi accha achha nandri nanri sari"
        " धन्यवाद शुक्रिया ठीक है समझ गया गई गयी अच्छा बहुत आपका आभार நன்றி மிக்க மிகவும் சரி புரிந்தது புரிஞ்சது"
        " ధన్యవాదాలు ধন্যবাদ നന്ദി ಧನ್ಯವಾದ ಧನ್ಯವಾದಗಳು આભાર ਧੰਨਵਾਦ شکریہ ଧନ୍ୟବାଦ",
    )
)
_WORD = re.compile(r"[^\s,.!?;:।()\"'’\-]+")
_MOST_WORDS = 8


def is_thanks(text: str) -> bool:
    """Whether a turn only thanks, takes leave or says that it was understood, so that no answer to it teaches anything."""
    words = _WORD.findall(text.lower())
    return 0 < len(words) <= _MOST_WORDS and _THANKS.issuperset(words) and "?" not in text

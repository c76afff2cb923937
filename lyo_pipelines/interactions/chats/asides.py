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


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", text))


_SAYS_THANKS = _words(
    "thanks thank thankyou thankx thanx thnx thx ty tysm tq tnx 🙏 dhanyavaad dhanyavad dhanyawad dhanyawaad dhanyvad"
    " shukriya nandri nanri धन्यवाद शुक्रिया आभार நன்றி ధన్యవాదాలు ধন্যবাদ നന്ദി ಧನ್ಯವಾದ ಧನ್ಯವಾದಗಳು આભાર ਧੰਨਵਾਦ شکریہ ଧନ୍ୟବାଦ"
)
_POLITE = _SAYS_THANKS | _words(
    "you thanku so much very a lot ok okay k got it great cool nice perfect awesome bye goodbye good night understood i"
    " understand get see now sir mam madam ma am 👍 😊 🙂 👌 🎉 ❤️ ✅ theek thik hai samajh gaya gayi accha achha bahut sari ji"
    " ठीक है समझ गया गई गयी अच्छा बहुत आपका आपकी मदद के लिए सर जी மிக்க மிகவும் சரி புரிந்தது புரிஞ்சது உங்கள் உதவிக்கு"
)
_ASKS = _words(
    "what why how which when where who whose can could would should do does did is are explain tell show give solve find"
    " write calculate compute compare describe define list make draw prove check help please pls next another again now but"
    " also and then continue translate summarise summarize simplify example examples instead letter essay speech card email"
    " note poem not cannot didn don doesn isn wasn wrong still confused incorrect nahi nahin mat galat illai"
    " kya kaise kyun kyon kab kahan kaun kitna kitne batao bataiye bataye samjhao samjhaiye dikhao aur ab phir lekin karo"
    " kijiye enna eppadi yen epdi sollu sollunga"
)
"""Words of a turn that asks or complains, in Latin letters; texts in other letters are known by their words of courtesy alone."""
_AGREES = _words("ok okay k fine sure alright thik theek accha achha")
_INTENDS = _words("i will ll ill try practice practise revise later tomorrow then it")
_FIXED = re.compile(
    r"for (?:the |your |all (?:the |your )?)?(?:kind )?help|(?:that|this|it) (?:was |is )?really helped"
    r"|and (?:bye|good ?night|goodbye)"
)
_WORD = re.compile(r"[^\s,.!?;:।()\"'’\-]+")
_MOST_WORDS = 8
_SURELY = 2
"""Words among which one of thanks says enough in any script: the other is whom it thanks."""


def is_thanks(text: str) -> bool:
    """Whether a turn only thanks, takes leave or says that it was understood, so that no answer to it teaches anything.

    Words of courtesy alone, thanks with a few other words that ask for nothing ("Thanks, that helped!"), or "ok, I will try".
    """
    said = _FIXED.sub("", text.lower())
    words = _WORD.findall(said)
    if not 0 < len(words) <= _MOST_WORDS or "?" in text:
        return False
    if _POLITE.issuperset(words):
        return True
    if words[0] in _AGREES and "will" in words:
        return _INTENDS.issuperset(words[1:])
    latin = len(words) <= _SURELY or all(word.isascii() or word in _POLITE for word in words)
    asks = not _ASKS.isdisjoint(words) or any(word.isascii() and not word.isalpha() for word in words)
    return latin and not asks and not _SAYS_THANKS.isdisjoint(words)

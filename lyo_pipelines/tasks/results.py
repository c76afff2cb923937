"""Where a worked answer states its result: "Answer: 42", "#### 42", `\\boxed{42}`, "Therefore, x = 6", in our learners' languages.

Whether a result is right belongs to measures.py.
"""

from __future__ import annotations

import re

_NAMES = (
    # English, romanised
    "final answer", "answer", "ans", "result", "solution", "uttar", "uttara", "jawab", "jawaab", "javab", "vidai", "bathil", "badhil",
    "pathil", "samadhanam", "javabu", "uttor", "uttaram",
    # Hindi, Marathi, Nepali, Sanskrit; Gujarati; Punjabi; Bengali, Assamese; Odia
    "अंतिम उत्तर", "अभीष्ट उत्तर", "उत्तर", "जवाब", "हल", "परिणाम", "उत्तरम्", "જવાબ", "ઉત્તર", "ਉੱਤਰ", "ਜਵਾਬ", "উত্তর", "উত্তৰ", "জবাব", "ଉତ୍ତର",
    # Tamil, Telugu, Kannada, Malayalam; Urdu
    "இறுதி விடை", "விடை", "பதில்", "సమాధానం", "జవాబు", "ఉత్తరం", "ಉತ್ತರ", "ಉತ್ತರವು", "ഉത്തരം", "جواب",
)  # fmt: skip
_CONCLUSIONS = (
    "therefore", "so", "hence", "thus", "finally", "consequently", "in total", "altogether",
    "which means", "we get", "we find", "this gives",
    "isliye", "islie", "atah", "ata", "yani", "enave", "enavae", "aagave", "agave", "athanal", "adhanal", "ithanal",
    "अतः", "अत:", "अत", "इसलिए", "इसलिये", "इस प्रकार", "तो", "यानी", "फलतः",
    "म्हणून", "म्हणजे", "तेथे", "તેથી", "આમ", "માટે", "ਇਸ ਲਈ", "ਇਸਲਈ", "ਸੋ",
    "সুতরাং", "অতএব", "তাই", "গতিকে", "ତେଣୁ", "ଅତଏବ", "எனவே", "ஆகவே", "ஆகையால்", "அதனால்", "இதனால்", "ஆக", "కాబట్టి", "అందువల్ల", "అందుచేత", "కనుక",
    "ಆದ್ದರಿಂದ", "ಹಾಗಾಗಿ", "അതുകൊണ്ട്", "അതിനാൽ", "ആയതിനാൽ", "لہذا", "لہٰذا", "اس لیے", "چنانچہ",
)  # fmt: skip


def _any(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_LEAD = r"[\s*_#>$(\[→✅-]*+"
_EDGE = r"(?![^\W\d_])(?![\u0900-\u0dff])"  # the word ends here, in any script
_MARK = re.compile(
    rf"^{_LEAD}(?:[∴⇒]\s*+)?(?:(?:{_any(_CONCLUSIONS)}){_EDGE}[\s,:]*+)?(?:(?:the|our|my|your|its|required|correct|final|total|सही|अभीष्ट|अंतिम|required)\s+)*"
    rf"(?:{_any(_NAMES)}){_EDGE}",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(rf"^{_LEAD}(?:(?:{_any(_CONCLUSIONS)}){_EDGE}|[∴⇒])", re.IGNORECASE)
_HASHES = re.compile(r"^\s*#{4}\s*\S")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*+\{?\s*+[^\s{}]")
_VALUE = re.compile(r"[^\W_]")
_STATED = re.compile(
    r"[=≈≤≥<>:∈]\s*\S|\d|\b(?:is|are|was|has|have|must|equals?)\b|है|हैं|आहे|ஆகும்|ছিল|হল|అవుతుంది|ആണ്", re.IGNORECASE
)
# the result told in the middle of a sentence, and a last line that is nothing but a value
_INSIDE = re.compile(
    r"\b(?:the|our|my|final|correct|required) (?:(?:final|correct|required|exact) )?(?:answer|result|solution) "
    r"(?:is|was|equals|comes to|will be|must be|=)[\s:]*\S"
    rf"|(?:{_any(tuple(name for name in _NAMES if not name.isascii()))}){_EDGE}[^\n.।]{{0,20}}\d",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^\s*+(?:(?:\$|\\\(|\\\[|\*\*)*+\s*+[A-Za-zα-ω]\w?\s*=\s*[^=\n]{1,30}|\*\*[^*\n]{0,24}\d[^*\n]{0,16}\*\*[.]?)\s*$"
)
_SENTENCE = re.compile(r"(?<=[.!?।॥])\s+")


def result_line(lines: list[str]) -> int | None:
    """The place of the line that the result begins on, among the non-empty lines of an answer; None where none is stated at the end.

    The result stands on the last line, or the last line is the value under a heading: "Answer:", "42".
    """
    if not lines:
        return None
    last = len(lines) - 1
    if _states(lines[last]):
        return last
    heads = range(max(0, last - 2), last)
    return next((at for at in heads if _heads(lines[at]) and _short(lines[at + 1 :])), None)


def splits_sentences(text: str) -> list[str]:
    """The non-empty lines of an answer; one that stands in a single paragraph is split into its sentences."""
    lines = [line for line in text.splitlines() if line.strip() and line.strip() not in {"$$", "\\[", "\\]", "```"}]
    return lines if len(lines) > 1 else [part for line in lines for part in _SENTENCE.split(line) if part.strip()]


def _states(line: str) -> bool:
    if _HASHES.match(line) or _BOXED.search(line) or _BARE.match(line) or _INSIDE.search(line):
        return True
    parts = _SENTENCE.split(re.sub(r"^(\W*ans)\.\s", r"\1: ", line.strip(), flags=re.IGNORECASE))
    # a unit or a check may follow in the same line, so each of its sentences may be the one
    return any(_says(part) for part in parts)


def _says(sentence: str) -> bool:
    if found := _MARK.match(sentence):
        return bool(_VALUE.search(sentence[found.end() :]))
    found = _CONCLUDED.match(sentence)
    return bool(found and _STATED.search(sentence[found.end() :]))


def _heads(line: str) -> bool:
    """A line that only announces the result: "Answer:", "The final answer is"."""
    found = _MARK.match(line)
    return bool(found) and len(line[found.end() :].split()) <= 2 and not re.search(r"\d", line[found.end() :])


def _short(lines: list[str]) -> bool:
    return len(" ".join(lines)) <= 120 and any(_VALUE.search(line) for line in lines)

"""Where a worked answer states its result, and what it says there: "Answer: 42", "#### 42", `\\boxed{42}`, "Therefore, x = 6".

In our learners' languages. Whether a result is right belongs to evaluation.
"""

from __future__ import annotations

import re
from collections import deque

_NAMES = (
    # English, romanised
    "final answer", "answer", "ans", "result", "solution", "uttar", "uttara", "jawab", "jawaab", "javab", "vidai", "bathil", "badhil",
    "pathil", "samadhanam", "javabu", "uttor", "uttaram",
    "correct option", "correct choice", "right option", "right choice", "sahi vikalp",
    # Hindi, Marathi, Nepali, Sanskrit; Gujarati; Punjabi; Bengali, Assamese; Odia
    "अंतिम उत्तर", "अभीष्ट उत्तर", "सही विकल्प",
    "उत्तर", "जवाब", "हल", "परिणाम", "उत्तरम्", "જવાબ", "ઉત્તર", "ਉੱਤਰ", "ਜਵਾਬ", "উত্তর", "উত্তৰ", "জবাব", "ଉତ୍ତର",
    # Tamil, Telugu, Kannada, Malayalam; Urdu
    "இறுதி விடை", "சரியான விடை", "விடை", "பதில்", "உத்தரம்", "సమాధానం", "జవాబు", "ఉత్తరం", "ಉತ್ತರ", "ಉತ್ತರವು", "ഉത്തരം", "جواب",
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
    r"\b(?:the|our|my|final|correct|required) (?:(?:final|correct|required|exact) )?(?:answer|result|solution|option|choice) "
    r"(?:is|was|equals|comes to|will be|must be|=)[\s:]*\S"
    rf"|(?:{_any(tuple(name for name in _NAMES if not name.isascii()))}){_EDGE}[^\n.।]{{0,20}}\d",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^\s*+(?:(?:\$|\\\(|\\\[|\*\*)*+\s*+[A-Za-zα-ω]\w?\s*=\s*[^=\n]{1,30}|\*\*[^*\n]{0,24}\d[^*\n]{0,16}\*\*[.]?|[=≈]\s*[^=\n]{1,30}|[^\W\d_][^=\n\d]{0,40}=[^\n]{0,120}=\s*[^=\n]{0,14}\d[^=\n]{0,14}|A:\s*[^\n]{0,20}\d[^\n]{0,20})\s*$"
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


_VISARGA = re.compile(r"(?<=[\u0900-\u097f])\u0903(?=\s|$)")  # typed for a colon: जवाबः 8
_ANS = re.compile(r"^(\W{0,8}ans)\.\s", re.IGNORECASE)
# names that head the working more often than the result
_WORKING = re.compile(r"(?:solution|हल|samadhanam|समाधान)\W*$", re.IGNORECASE)
_VERB = (
    r"(?:is|was|are|equals?|comes to|(?:will|would|should|must) be|comes out to be|है|हैं|होगा|hai|hoga|ஆகும்|என்பது)"
    + _EDGE
)
_BETWEEN = re.compile(
    rf"^[\s*_]*+(?:(?:therefore|thus|then|to (?:this|the) \w+)\s+)?(?:{_VERB})?[\s*_]*+(?:[:：=≈–—-]+[\s*_]*+)?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:\b(?:the|our|my|final|correct|required|exact|total|right)\s+){1,3}(?:answer|result|option|choice)\s+"
    r"(?:is|was|equals|comes to|will be|must be|would be|should be|=)\s*:?\s*"
    rf"|(?:{_any(tuple(name for name in _NAMES if not name.isascii()))}){_EDGE}\s*",
    re.IGNORECASE,
)
_NOT_STATED = re.compile(
    r"^\W*(?:if|when|suppose|what|which|does|did|is|check|अगर|यदि|क्या|agar|kya|எனில்)\b|\b(?:your|student'?s?|his|her|their|wrong|incorrect)\s+(?:answer|result)\b"
    r"|[?？]\s*$",
    re.IGNORECASE,
)
_DENIED = re.compile(r"^\W*(?:not|never|wrong|incorrect|no longer|नहीं|गलत)(?!\w)", re.IGNORECASE)
_SAID = 3
"""Words of a result that follows a verb and holds no figure; more of them are a sentence about the answer."""
_NEAR_END = 3
"""Lines from the end within which a result that is told in the middle of a sentence still counts."""


def stated_result(text: str, *, loosely: bool = False) -> str | None:
    """What a worked answer says its result is, from the last place that says so; None where nothing is stated.

    A heading ("Answer:", "#### 8", `\\boxed{8}`) counts wherever it stands, "so the answer is 8" near the end. loosely: take
    "Therefore, x equals 8", a last line that is nothing but a value, and last of all the last line or number, too.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and line.strip() not in _EMPTY]
    for place in range(len(lines) - 1, -1, -1):
        if (found := _marked(lines, place)) is not None:
            return found
    for line in reversed(lines[-_NEAR_END:]):
        if (found := _told_inside(line)) is not None:
            return found
    return _concluded(lines) if loosely else None


def sure_result(text: str) -> str | None:
    """The result of a reference that surely states one: at its end, in so many words, and with no question after it."""
    lines = [line for line in text.splitlines() if line.strip()]
    end = "\n".join(lines[-_NEAR_END:])
    value = stated_result(end)
    if value is None or _ASKS.search(end[end.rfind(value) :]):
        return None
    return value


_ASKS = re.compile(r"[?？]")
_EMPTY = frozenset({"$$", "\\[", "\\]", "```", "---", "***"})


def _marked(lines: list[str], place: int) -> str | None:
    line = lines[place]
    if found := _HASHES.match(line):
        value = line[found.end() - 1 :].strip()
        marked = _after_name(value)
        if marked:
            return marked
        # Markdown headings are hashes too: a heading of words is no result
        return value if re.search(r"\d", value) or len(value.split()) == 1 else None
    if (boxed := _boxed(line)) is not None:
        return boxed
    sentences = [part for part in _SENTENCE.split(_ANS.sub(r"\1: ", _VISARGA.sub(":", line))) if part.strip()]
    for number in range(len(sentences) - 1, -1, -1):
        value = _after_name(" ".join(sentences[number : number + 4]))
        if value:
            return value
        if value == "" and number == len(sentences) - 1 and place + 1 < len(lines):
            following = lines[place + 1]
            return _boxed(following) or following
    return None


def _after_name(sentence: str) -> str | None:
    """What follows "Answer:"; "" where nothing does, None where the sentence does not begin with such a name."""
    found = _MARK.match(sentence)
    if not found or _NOT_STATED.search(sentence.split(". ", maxsplit=1)[0]):
        return None
    between = _BETWEEN.match(sentence[found.end() :])
    rest = sentence[found.end() :][between.end() if between else 0 :].strip()
    joint = (between[0] if between else "").strip(" *_")
    if not joint.endswith((":", "：", "=")) and _DENIED.match(rest):
        return None
    if not rest:
        return "" if joint or re.fullmatch(r"[\W_]*", sentence[found.end() :]) else None
    if _WORKING.search(found[0]) and (len(rest.split()) > 4 or not re.search(r"\d", rest)):
        return None
    if (
        joint
        and not joint.endswith((":", "：", "=", "-", "–", "—"))
        and len(rest.split()) > _SAID
        and not re.search(r"\d", rest)
    ):
        return None  # "the answer is always positive here"
    # without a sign or verb between, only a number can be meant: "उत्तर 8 है", and not "Answer the question"
    return rest if joint or (re.match(r"[\W_]*\d", rest) and len(rest.split()) <= 6) else None


def _told_inside(line: str) -> str | None:
    for sentence in reversed([part for part in _SENTENCE.split(line) if part.strip()]):
        if _NOT_STATED.search(sentence):
            continue
        last = next(iter(deque(_NAMED.finditer(sentence), maxlen=1)), None)
        if last is None:
            continue
        rest = sentence[last.end() :]
        between = _BETWEEN.match(rest)
        rest = rest[between.end() if between else 0 :].strip()
        ascii_name = last[0].isascii()
        if rest and not _DENIED.match(rest) and (ascii_name or re.match(r"[\W_]*\d", rest)):
            return rest
    return None


def _boxed(line: str) -> str | None:
    """The content of the last \\boxed{…} of a line, braces balanced."""
    start = max(line.rfind("\\boxed"), line.rfind("\\fbox"))
    if start < 0:
        return None
    begin = line.find("{", start)
    if begin < 0:
        return line[start:].partition(" ")[2].strip() or None
    depth = 0
    for place in range(begin, len(line)):
        depth += (line[place] == "{") - (line[place] == "}")
        if depth == 0:
            return line[begin + 1 : place].strip()
    return line[begin + 1 :].strip()


# what follows the last "=" of a sum: a value and two words that may be its unit
_SUMMED = re.compile(r"[\w)}$%°²³]\s*[=≈]\s*([^=≈\n\d]{0,12}\d[^=≈\n\s]*(?:\s[^\s\d=≈]+){0,2})[^=≈\n]*$")
_SHORT = 8
"""Words of a conclusion that is read as a whole; of a longer one, its last number counts."""
_LOOSE_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:[₹$]|Rs\.?\s?)?\d[\d,]*+(?:\.\d+)?(?:/\d+)?%?")


def _concluded(lines: list[str]) -> str | None:
    """The value of a conclusion or of a bare last line, else the last number, else the last line; questions at the end aside."""
    parts = [part for line in lines for part in _SENTENCE.split(line) if part.strip()]
    while parts and re.search(r"[?？]\W*$", parts[-1]):
        parts = parts[:-1]
    if not parts:
        return None
    last = parts[-1]
    if found := _SUMMED.search(last):
        return found[1]
    if (found := _CONCLUDED.match(last)) and len(last.split()) <= _SHORT:
        return last[found.end() :].strip(" ,:") or None
    numbers = [found[0] for part in parts for found in _LOOSE_NUMBER.finditer(part)]
    return numbers[-1] if numbers and not _BARE.match(last) and len(last.split()) > 4 else last

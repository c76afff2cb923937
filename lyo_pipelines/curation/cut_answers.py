"""Whether an answer was cut off, told by its finish reason or by its ending. What follows from it belongs to rules.py.

A text that ends with a full stop and opens nothing is passed by one vectorised look; the others are read one by one, and
of those only the ending, so that the work is linear in the text.
"""

from __future__ import annotations

import re

import polars as pl

_TAIL = 1500  # characters at the end that an ending is judged by
_LETTER = r"[^\W\d_]"
_OPERATORS = "+×÷−*/·∙–-"
_COMPARISONS = "<>≤≥≠≈"

# what no whole answer needs a second look for: it ends as a sentence does, and holds no fence, TeX or list
_SECOND_LOOK = r"[^.!?।॥…\"”’'»)\]}\s]\s*$|\n\s*(?:\*\*|[|>#])?[^\n]{0,14}[.):]\s*$|```|~~~|\\[(\[b]|\$\$|\$[^$]*\\"

_SAID = re.compile(
    r"maxt?oken|maxlength|maxoutput|maxnewtoken|tokenlimit|lengthlimit|contextlength|contextwindow|outputlimit|truncat|incomplete"
    r"|^length|lengthcap|lengthexceed|toolong|notfinished|cutoff|contentfilter|timeout|timedout|timelimit|cancel|abort|interrupt"
)
_PREFIX = re.compile(r"^(?:finishreason|stopreason|stoppedby|reason)+")


def said_cut(reasons: pl.Series, configured: tuple[str, ...]) -> pl.Series:
    """Whether a finish reason means that the answer is cut, whatever its spelling: MAX_TOKENS, maxTokens, FinishReason.LENGTH."""
    plain = {letters_of(reason) for reason in configured}
    known = reasons.drop_nulls().unique().to_list()
    cut = [reason for reason in known if (told := letters_of(reason)) in plain or _SAID.search(told)]
    return reasons.is_in(cut).fill_null(False) if cut else pl.repeat(False, len(reasons), eager=True)


def letters_of(reason: str) -> str:
    """The letters of a finish reason in lower case, without what only says that it is one."""
    return _PREFIX.sub("", re.sub(r"[^a-z]+", "", reason.lower()))


def ends_cut(answers: pl.Series, questions: pl.Series, dangling: frozenset[str]) -> pl.Series:
    """Whether each answer (null: no) ends in the middle of something.

    dangling: words that no sentence ends with, in lower case; `questions` tell where such a word may be the answer itself.
    """
    rows = answers.fill_null("").str.contains(_SECOND_LOOK).arg_true()
    found = [
        is_cut(answer, question or "", dangling)
        for answer, question in zip(answers.gather(rows), questions.gather(rows), strict=True)
    ]
    nothing = pl.zeros(len(answers), dtype=pl.Int8, eager=True)
    return (nothing.scatter(rows, found) if found else nothing).cast(pl.Boolean)


def is_cut(answer: str, question: str, dangling: frozenset[str]) -> bool:
    """Whether one answer ends in the middle of something (see `ends_cut`)."""
    blocks, stays_open = _fenced(answer)
    if stays_open:
        return True
    # code is judged by its fences alone
    text = _without_code(answer, blocks)
    if not text or text.endswith("`code`"):
        return False
    lines = text[-_TAIL:].split("\n")
    last = lines[-1].strip()
    return (
        _open_tex(text)
        or _open_list(lines)
        or _open_row(lines)
        or _open_formula(last)
        or (not _CLOSED.search(last) and (_open_bracket(last) or _open_quote(last)))
        or _open_step(lines)
        or _dangles(last, question, dangling, _ITEM_WORDS if _goes_on(lines) else _PROSE_WORDS)
        or _open_danda(lines)
    )


_FENCE = re.compile(r"^[ \t>]*+(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_CLOSED = re.compile(r"[.!?।॥…][\"”’')\]*_]*$")


def _fenced(text: str) -> tuple[list[tuple[int, int]], bool]:
    """Where the fenced blocks of a text begin and end, and whether the last one stays open."""
    blocks: list[tuple[int, int]] = []
    if "```" not in text and "~~~" not in text:
        return blocks, False
    fence, begin = "", 0
    for match in _FENCE.finditer(text):
        sign, rest = match[1], match[2].strip()
        if not fence:
            fence, begin = sign, match.start()
        elif sign[0] == fence[0] and len(sign) >= len(fence) and not rest:
            blocks.append((begin, match.end()))
            fence = ""
    return blocks, bool(fence)


_INLINE = re.compile(r"`[^`\n]+`")


def _without_code(text: str, blocks: list[tuple[int, int]]) -> str:
    """The text with `code` in the place of blocks and of code within a line."""
    parts, at = [], 0
    for begin, end in blocks:
        parts.append(text[at:begin])
        at = end
    return _INLINE.sub(" `code` ", " `code` ".join([*parts, text[at:]])).rstrip()


_TEX = re.compile(r"(?<!\\)\\(?:(?P<open>[(\[])|(?P<close>[)\]])|(?P<side>begin|end)\{)|(?<!\\)(?P<dollars>\$\$?)")
_TEX_END = re.compile(
    r"\\(?:times|div|cdot|frac|d?frac\{[^{}]*\}|sqrt|pm|mp|left\S?|le|leq|ge|geq|neq|approx|sum|int|text|mathrm)\s*$"
)


def _open_tex(text: str) -> bool:
    """Whether the text ends inside a formula in TeX: `\\(`, `\\[`, `$$` or an environment; a single `$` is money where no TeX follows.

    Marks that do not pair up and have prose behind them are a slip of the writer, not a cut.
    """
    if "\\" not in text and "$" not in text:
        return False
    if _TEX_END.search(text[-80:]):
        return True
    opened, environments, dollars = -1, 0, ""
    for match in _TEX.finditer(text):
        if match["side"]:
            environments += 1 if match["side"] == "begin" else -1
        elif match["close"] or (dollars and match["dollars"] == dollars):
            opened, dollars = -1, ""
        elif not dollars:
            opened, dollars = match.end(), match["dollars"] or ""
    if environments > 0:
        return True
    rest = text[opened:] if opened >= 0 else ""
    if not rest.strip() or _CLOSED.search(rest) or rest.endswith("$") or len(_PROSE_WORD.findall(rest)) > 2:
        return False
    return dollars != "$" or "\\" in rest


_PROSE_WORD = re.compile(r"(?:^|\s)[A-Za-z\u0900-\u0dff]{3,}(?=[\s,;]|$)")
_NUMBERED = re.compile(r"^[\s>*_#]*+(?P<word>(?:[^\W\d_]{2,12})\s)?\s*(?P<number>\d{1,2})(?P<sign>[.):]?)[\s*_]*$")
_BULLET = re.compile(r"^\s*([-*•–])\s*$")


def _open_list(lines: list[str]) -> bool:
    """Whether the last line is only the number, bullet or "Step 3:" of an item, after items of the same kind."""
    last, before = lines[-1], lines[:-1]
    if bullet := _BULLET.match(last):
        return any(line.lstrip().startswith(f"{bullet[1]} ") for line in before)
    found = _NUMBERED.match(last)
    if not found or not (found["word"] or found["sign"]):
        return False
    word = (found["word"] or "").strip()
    earlier = re.compile(rf"^[\s>*_#]*+{re.escape(word)}\s*{int(found['number']) - 1}[\s.):*_-]", re.IGNORECASE)
    return any(earlier.match(line) for line in before)


def _open_row(lines: list[str]) -> bool:
    """Whether a table whose rows end with "|" ends with a row that does not, or that has fewer cells."""
    rows = [line.strip() for line in lines[-2:]]
    if len(rows) < 2 or not (rows[0][:1] == rows[0][-1:] == "|" and rows[1][:1] == "|"):
        return False
    return rows[1][-1:] != "|" or rows[1].count("|") < rows[0].count("|")


_OPENER = re.compile(r"(?<![:;=])[(\[{]([^()\[\]{}]*)$")
_QUOTE = re.compile(r"(?:^|[\s(:])[“\"]([^“”\"]*)$")
_BOLD = re.compile(rf"(?:^|\s)\*\*(?={_LETTER})([^*]*)$")


def _open_bracket(line: str) -> bool:
    """Whether the line's last bracket stays open; a bracket with nothing behind it is spoken of: "begins with {"."""
    found = _OPENER.search(line)
    return bool(found) and any(sign.isalnum() for sign in found[1])


def _open_quote(line: str) -> bool:
    """Whether a quotation or bold words stay open."""
    found = _QUOTE.search(line)
    if found and any(sign.isalpha() for sign in found[1]) and line.count('"') % 2 == (0 if "“" in found[0] else 1):
        return True
    bold = _BOLD.search(line)
    return bool(bold) and line.count("**") % 2 == 1


_OPERAND = (
    r"(?:[\d\u0660-\u0669\u0966-\u096f\u09e6-\u09ef\u0be6-\u0bef\u0c66-\u0c6f][\d.,/]*[a-z]?²?³?|[a-z]²?³?|[)\]}²³%])"
)
_ENDS_IN_OPERATOR = re.compile(
    rf"(?:^|[\s(=+×÷−*/·^-]){_OPERAND}\s*[{re.escape(_OPERATORS + _COMPARISONS)}]$|[)²³]\s*[{re.escape(_OPERATORS)}]$"
)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}>$")
_STATEMENT = re.compile(r"[=*(){}<>_\[\]][^\n]{0,120};$")  # a statement of code ends so
_CHARGE = re.compile(r"(?:^|[\s(])(?:[A-Z][a-z]?\d*)+\s?\^?\d?\s?[+−-]$")
_ENDS_EQUAL = re.compile(r"[=≈][^=≈]*[\w)²³}][^=≈]*[=≈]$")
_WORD_EQUAL = re.compile(rf"(?:{_LETTER}[\w\u0900-\u0dff]+|\))\s*[×÷*+·/-]\s*[^=]*=$")
_CONCLUDES = re.compile(
    r"(?:\b(?:so|then|thus|therefore|hence)|तो|इसलिए|अतः|எனவே|ஆகவே)[\s,:]+[^=\n]{1,60}=$", re.IGNORECASE
)
_ASKED = re.compile(
    r"(?:^|[\s,.;:])(?:what|which|how|try|your turn|guess|fill|complete|calculate|compute|find|check|multiply|evaluate)(?![a-z])",
    re.IGNORECASE,
)
_HALF_CLAUSE = re.compile(r"=\s*[\d.,]+\s+(?:and|और|மற்றும்)\s+[\d.,]+\s*[×÷+−*/]\s*[\d.,]+$")


def _open_formula(line: str) -> bool:
    """Whether a calculation stops at its operator.

    "93 × 5 =" asks the learner, "A = 12 × 5 =" lacks its result; in "AB +" and "Na +" the sign belongs to the word.
    """
    if line.endswith(">") and _TAG.search(line):
        return False
    if line.endswith(("=", "≈")):
        open_sum = _ENDS_EQUAL.search(line) or _WORD_EQUAL.search(line) or _CONCLUDES.search(line)
        return bool(open_sum) and not _ASKED.search(line)
    if line[-1:] in "+−-" and (_CHARGE.search(line) or line.endswith(("++", "--"))):
        return False
    if line[-1:] in "–-" and not re.search(r"[\d)]\s[–-]$", line):
        return False
    return bool(_ENDS_IN_OPERATOR.search(line) or _HALF_CLAUSE.search(line))


_STEP = re.compile(
    r"^[\s*_#>]*+(?:Step|STEP|चरण|पद|पायरी|படி|దశ|ধাপ|ಹಂತ|ഘട്ടം|પગલું|ਕਦਮ|Charan|Padi)\s*\d+\s*[*_]*[:.)-]?\s*(?P<body>[^\n]*)$"
)
_UNIT_RESULT = re.compile(r"[=≈:]\s*[^=≈]{1,40}$")


def _open_step(lines: list[str]) -> bool:
    """Whether a numbered last step lacks the full stop that each line before it has, and states no result either."""
    found = _STEP.match(lines[-1])
    before = [line for line in lines[:-1] if line.strip()]
    if not found or not before or not all(re.search(r"[.!?।:…)]\s*$", line) for line in before):
        return False
    body = found["body"].strip()
    if not body:
        return True
    words = body.split()
    return (
        len(words) < 3 and not _UNIT_RESULT.search(body) and bool(re.search(rf"{_LETTER}$", body)) and len(before) > 1
    )


_SPOKEN_OF = re.compile(
    r"article|preposition|conjunction|pronoun|determiner|particle|postposition|adjective|adverb|suffix|\bwords?\b|blank|__|grammar"
    r"|कारक|चिह्न|शब्द|अव्यय|विभक्ति|परसर्ग|समुच्चयबोधक|सर्वनाम|रिक्त|சொல்|உருபு|எழுத்து|வேற்றுமை|शब्दयोगी|শব্দ|বিভক্তি|పదం|విభక్తి",
    re.IGNORECASE,
)
_NAMING = re.compile(
    r"(?:\b(?:is|are|was|be|called|word|article|preposition|conjunction|pronoun|with|as|say|write|use)|:|-|—|है|हैं|आहे|शब्द|चिह्न|आएगा|आएगी|आता|लगेगा|लगेगी|होगा|होगी|भरेंगे|சொல்|உருபு|வரும்|পদ|শব্দ|పదం)[\s\"'“‘*_]*$",
    re.IGNORECASE,
)
_WORDS = re.compile(rf"{_LETTER}[\w\u0900-\u0dff]+")


_PROSE_WORDS, _ITEM_WORDS, _LISTED_WORDS = 8, 2, 4
"""Words that a sentence, an item after a whole item, and a list that ends with a comma have at least to be called cut."""
_ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s")
# a list that goes on; a line of verse ends with a comma as well
_LISTS = re.compile(
    r"(?:\b(?:are|were|include|includes|including|namely|such as)|हैं|:)\s[^:]*[^\W\d][,;]$", re.IGNORECASE
)
_CLOSING = re.compile(
    r"\b(?:regards|wishes|sincerely|faithfully|truly|yours|love|thanks|thanking you|sir|madam),$", re.IGNORECASE
)


def _goes_on(lines: list[str]) -> bool:
    """Whether the last line is an item of a list, and each item before it ends as a sentence does."""
    before = [line for line in lines[:-1] if _ITEM.match(line)]
    return bool(before and _ITEM.match(lines[-1])) and all(_CLOSED.search(line.rstrip()) for line in before)


def _dangles(line: str, question: str, dangling: frozenset[str], least: int) -> bool:
    """Whether a sentence of so many words or more ends with a word or sign that no sentence ends with.

    Where words are the subject (grammar), such words may be the answer: "the definite article is the", "… हैं का, के, की".
    """
    words = len(_WORDS.findall(line))
    if words >= _LISTED_WORDS and _LISTS.search(line) and not _CLOSING.search(line):
        return True
    if words < least:
        return False
    plain = re.sub(r"\s*(?:…|\.\.\.)$", "", line)
    if re.search(r"[\w\u0900-\u0dff][,;]$|[\w\u0900-\u0dff] [-–—]$", plain) and not _STATEMENT.search(plain):
        return True
    last = plain.lower().rsplit(maxsplit=3)[1:]
    if not any(" ".join(last[-n:]) in dangling for n in range(1, len(last) + 1)):
        return False
    named = plain.split()
    while len(named) > 1 and named[-2].endswith(",") and named[-2][:-1].lower() in dangling:
        del named[-2]
    rest = " ".join(named[:-1]) + " "
    return not (_NAMING.search(rest) and (_SPOKEN_OF.search(line) or _SPOKEN_OF.search(question)))


_DANDA = re.compile(r"[\u0900-\u09ff][)\"”’]*\s?[।॥?!]")
_INDIC_END = re.compile(r"[\u0900-\u09ff]$")
# sentences end with their verb in Hindi (है, था, करेंगे, कीजिए, करो, दिया, नहीं), Marathi (आहे, नाही) and Bengali
_VERB = re.compile(
    r"(?:^|\s)(?:(?:है|हैं|हूँ|हूं|हो|था|थे|थी|थीं|नहीं|दो|लो|लें|दें|गई|गए|गये|गया|जी|भी|ही|न|ना|सही|ठीक|आहे|आहेत|होता|होती|होते|नाही)"
    r"|\S+(?:ेगा|ेगी|ेंगे|ेंगी|ूँगा|ूँगी|ओगे|ोगे|गा|गी|गे|िए|िये|इए|इये|एँ|एं|ें|ओ|ो|या|यी|ये|ई|ए|ता|ते|ती|ना|नी|का|की|तो|वा|ूया|ला|ली|लं"
    r"|চে|ছে|বে|লে|নে|েন|য়|ছি|বো|লাম|না|নি|ো|ও|ল|ন))$"
)


def _open_danda(lines: list[str]) -> bool:
    """Whether prose in Devanagari or Bengali letters, whose other sentences end with a danda, ends without one and without a verb."""
    last = lines[-1].strip()
    if not _INDIC_END.search(last) or re.match(r"[-•*|>#]|\d+[.)]", last):
        return False
    stops = [match.end() for match in re.finditer(r"[।॥?!]", last)]
    if not stops or not _DANDA.search(last):
        return False
    rest = last[stops[-1] :].strip(" \"'”’")
    if len(rest.split()) < 3 or re.search(r"[=\d०-९০-৯:“\"(]", rest):
        return False
    return not _VERB.search(rest)

"""Steps: repairs of a text that keep its meaning (a bad encoding, control characters, empty phrases). Removing rows belongs to rules.

Each step is a pure function on a polars string column; expensive work is done only on texts which a vectorised test picks.
Running the steps on their own output changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from lyo_pipelines.curation.wordlists import Wordlists

# C0 without tab and newline, DEL, C1, soft hyphen, zero-width space, word joiner, BOM, bidi marks and isolates, interlinear marks,
# the sign in place of an object (in messages it stands for a picture: tasks/messages.py).
# ZWNJ and ZWJ (U+200C, U+200D) stay: Indic scripts need them.
_CONTROL = (
    "[\\x00-\\x08\\x0B-\\x1F\\x7F-\\u009F\\u00AD\\u200B\\u200E\\u200F\\u202A-\\u202E\\u2060-\\u2064\\u2066-\\u206F\\uFEFF"
    "\\uFFF9-\\uFFFC]"
)
# UTF-8 read as Latin-1 or Windows-1252: a lead byte's letter followed by a continuation byte's sign.
_MOJIBAKE = "[ÂÃÄÅÐÑâàáãð][\\u0080-\\u00BF€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # what one misread sequence begins with


@dataclass(frozen=True)
class RepairStep:
    """One named repair of texts."""

    name: str
    apply: Callable[[pl.Series, Wordlists], pl.Series]
    answers_only: bool = False


def _where(texts: pl.Series, chosen: pl.Series, repaired: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Replace only the chosen texts (null counts as not chosen)."""
    chosen = chosen.fill_null(False)
    if not chosen.any():
        return texts
    return texts.clone().scatter(chosen.arg_true(), repaired(texts.filter(chosen)))  # scatter works in place


# an ångström before its power, and texts in which misread letters are the subject
_UNIT = re.compile("(?<=[\\d\\s/·(])Å(?=[¹²³⁻·°–—’”])")
_UNIT_KEPT = "\ue000"  # a private sign in its place while ftfy looks
ABOUT_ENCODING = (
    r"(?i)mojibake|\bencod(?:e[ds]?|ing)|\bdecod|\butf-?(?:8|16)|\blatin-?1\b|iso-?8859|windows-?125\d|\bcp125\d|code ?page|charset"
    r"|character set"
    r"|unicode|wrong code|एन्कोड|एनकोड|यूनिकोड|குறியாக்க|யூனிகோட்"
)
_SHOWN = re.compile(
    r"(?i)\b(?:shows?|shown|looks?|appears?|displayed|becomes?|garbled|wrong(?:ly)?|read as|instead of)\b|दिख|की जगह|தெரி|பதிலாக"
)


def fix_encoding(texts: pl.Series, _: Wordlists | None = None) -> pl.Series:
    """Undo mojibake with ftfy, on texts that show it (`Ã©`, `à¤®`); quotes, ligatures and HTML stay as they are.

    A text that is about encodings stays, and so does one that shows a letter both right and misread.
    """

    def mend(bad: pl.Series) -> pl.Series:
        import ftfy

        return pl.Series([_repaired(ftfy.fix_encoding, text) for text in bad], dtype=pl.String)

    # control characters hide a misread byte's partner, so this step comes before they are removed
    return _where(texts, texts.str.contains(_MOJIBAKE), mend)


def _repaired(fix: Callable[[str], str], text: str) -> str:
    if re.search(ABOUT_ENCODING, text):
        return text
    plain = _UNIT.sub(_UNIT_KEPT, text)
    fixed = "".join(_mended(fix, piece) if len(piece) <= 2 * _PIECE else piece for piece in _pieces(plain))
    fixed = fixed.replace(_UNIT_KEPT, "Å")
    more = Counter(fixed) - Counter(text)
    appeared = {sign for sign in more if ord(sign) > 0x7F and sign.isalpha()}
    return text if _SHOWN.search(text) and any(sign in text for sign in appeared) else fixed


_PIECE = 2000  # characters


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that end at a space or newline, which no misread sequence holds: ftfy takes the square of a text's length."""
    begin = 0
    while len(text) - begin > _PIECE:
        ends = [at for sign in " \n" if (at := text.find(sign, begin + _PIECE)) >= 0]
        if not ends:
            break
        yield text[begin : min(ends) + 1]
        begin = min(ends) + 1
    yield text[begin:]


def _mended(fix: Callable[[str], str], text: str) -> str:
    for _ in range(4):  # text that was misread more than once
        fixed = fix(text)
        if fixed == text:
            break
        text = fixed
    return text


def normalise_unicode(texts: pl.Series, _: Wordlists | None = None) -> pl.Series:
    """Unicode NFC. Not NFKC: it turns x² into x2 and ½ into 1/2."""
    return _where(texts, texts.str.contains(r"[^\x00-\x7F]"), lambda some: some.str.normalize("NFC"))


def remove_control_characters(texts: pl.Series, _: Wordlists | None = None) -> pl.Series:
    """Line ends (VT, FF, NEL too) become newlines, separators spaces; control, zero-width and direction characters go.

    Ends are stripped. Where later lines are indented, the text is code: its first line keeps its place against them.
    """
    texts = _where(
        texts,
        texts.str.contains("[\\r\\x0B\\x0C\\x85\\u2028\\u2029]"),
        lambda some: some.str.replace_all("\\r\\n?|[\\x0B\\x0C\\x85\\u2028\\u2029]", "\n"),
    )
    texts = _where(texts, texts.str.contains("[\\x1C-\\x1F]"), lambda some: some.str.replace_all("[\\x1C-\\x1F]", " "))
    texts = _where(texts, texts.str.contains(_CONTROL), lambda some: some.str.replace_all(_CONTROL, ""))
    code = texts.str.contains(r"^(?:[^\S\n]*\n)*[ \t]+\S[^\n]*\n(?:[^\n]*\n)*?[ \t]+\S").fill_null(False)
    if code.any():
        texts = _where(texts, code, lambda some: pl.Series([_dedented(text) for text in some], dtype=pl.String))
        return _where(texts, ~code & texts.str.contains(r"^\s|\s$"), lambda some: some.str.strip_chars())
    return _where(texts, texts.str.contains(r"^\s|\s$"), lambda some: some.str.strip_chars())


def _dedented(text: str) -> str:
    """Code without blank lines around it and without the indentation that all of its lines share."""
    lines = text.rstrip().split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    shared = min(margins, key=len)
    while not all(margin.startswith(shared) for margin in margins):
        shared = shared[:-1]
    return "\n".join(line[len(shared) :] if line.strip() else line for line in lines)


def remove_boilerplate(texts: pl.Series, lists: Wordlists) -> pl.Series:
    """Cut "As an AI language model, " and closing phrases; the sentence that follows begins with a capital again."""
    if lists.openers:
        pattern = lists.openers

        def cut(some: pl.Series) -> pl.Series:
            return _capitals_after_mark(some.str.replace_all(pattern, "${1}\u0001"))

        texts = _where(texts, texts.str.contains(pattern), cut)
    if lists.closers:
        closers = lists.closers
        texts = _where(
            texts, texts.str.contains(closers), lambda some: some.str.replace(closers, "${1}").str.strip_chars_end()
        )
    return texts


def _capitals_after_mark(texts: pl.Series) -> pl.Series:
    def mend(text: str) -> str:
        first, *rest = text.split("\u0001")
        return first + "".join(part[:1].upper() + part[1:] for part in rest)

    return pl.Series([mend(text) for text in texts], dtype=pl.String)


STEPS: tuple[RepairStep, ...] = (
    RepairStep("fix_encoding", fix_encoding),
    RepairStep("remove_control_characters", remove_control_characters),
    RepairStep("normalise_unicode", normalise_unicode),
    RepairStep("remove_boilerplate", remove_boilerplate, answers_only=True),
)
"""All repairs, in the order in which they run."""


def repair_texts(texts: pl.Series, lists: Wordlists, *, answers: bool) -> tuple[pl.Series, dict[str, int]]:
    """Run all steps on a string column; returns the repaired column and how many texts each step changed."""
    changed: dict[str, int] = {}
    steps = [step for step in STEPS if answers or not step.answers_only]
    result, unsettled = texts, None
    for _ in range(_MAX_PASSES):
        before = result if unsettled is None else result.gather(unsettled)
        after = before
        for step in steps:
            done = step.apply(after, lists)
            if done is not after:
                changed[step.name] = changed.get(step.name, 0) + int((done != after).sum())
            after = done
        # one repair may uncover work for another, so what changed is looked at again
        moved = (after != before).fill_null(False).arg_true()
        if not len(moved):
            break
        rows = moved if unsettled is None else unsettled.gather(moved)
        result = result.clone().scatter(rows, after.gather(moved))
        unsettled = rows
    return result, {name: number for name, number in changed.items() if number}


_MAX_PASSES = 20

"""Steps: repairs of a text that keep its meaning (a bad encoding, control characters, empty phrases). Removing rows belongs to rules.

Each step is a pure function on a polars string column; expensive work is done only on texts which a vectorised test picks.
Running the steps on their own output changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from lyo_pipelines.curation.wordlists import Wordlists

# C0 without tab and newline, DEL, C1, soft hyphen, zero-width space, word joiner, BOM, bidi marks and isolates, interlinear marks.
# ZWNJ and ZWJ (U+200C, U+200D) stay: Indic scripts need them.
_CONTROL = (
    "[\\x00-\\x08\\x0B-\\x1F\\x7F-\\u009F\\u00AD\\u200B\\u200E\\u200F\\u202A-\\u202E\\u2060-\\u2064\\u2066-\\u206F\\uFEFF"
    "\\uFFF9-\\uFFFB]"
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


def fix_encoding(texts: pl.Series, _: Wordlists | None = None) -> pl.Series:
    """Undo mojibake with ftfy, on texts that show it (`Ã©`, `à¤®`); quotes, ligatures and HTML stay as they are."""

    def mend(bad: pl.Series) -> pl.Series:
        import ftfy

        return pl.Series([_mended(ftfy.fix_encoding, text) for text in bad], dtype=pl.String)

    # control characters hide a misread byte's partner, so this step comes before they are removed
    return _where(texts, texts.str.contains(_MOJIBAKE), mend)


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
    """Line ends become newlines; control, zero-width and direction characters go; ends are stripped."""
    texts = _where(
        texts,
        texts.str.contains("[\\r\\u2028\\u2029]"),
        lambda some: some.str.replace_all("\\r\\n?|[\\u2028\\u2029]", "\n"),
    )
    texts = _where(texts, texts.str.contains(_CONTROL), lambda some: some.str.replace_all(_CONTROL, ""))
    return _where(texts, texts.str.contains(r"^\s|\s$"), lambda some: some.str.strip_chars())


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

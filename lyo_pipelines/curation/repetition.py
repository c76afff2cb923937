"""How much of a text is said more than once. Vectorised tests first, so that n-grams are counted for few texts."""

from __future__ import annotations

import polars as pl

from lyo_pipelines.curation.task_answers import VALUE_END

_NGRAM = 4


def repeated_share(text: str) -> float:
    """Share of the word 4-grams that occurred before in the text (0: all new; close to 1: one phrase over and over)."""
    words = text.split()
    total = len(words) - _NGRAM + 1
    if total < 1:
        return 0.0
    return 1 - len({tuple(words[i : i + _NGRAM]) for i in range(total)}) / total


def repeated(texts: pl.Series, *, minimum_words: int, maximum_share: float, maximum_same_lines: int) -> pl.Series:
    """Whether a text repeats itself: too many 4-grams again, or the same longer line too often."""
    frame = texts.fill_null("").alias("text").to_frame()
    words = frame.select(
        pl.col("text").str.split(" ").alias("words"), pl.col("text").str.count_matches(r"[^\S ]").alias("lines")
    )
    counts = words.select(
        total=pl.col("words").list.len().cast(pl.Int64),
        distinct=pl.col("words").list.n_unique().cast(pl.Int64),
        lines=pl.col("lines"),
    )
    # each word but the last three begins a 4-gram, so a text with many distinct words cannot have few distinct 4-grams;
    # other white space glues words together here, which `lines` allows for
    suspicious = counts.select(
        (pl.col("total") + pl.col("lines") >= minimum_words)
        & (pl.col("distinct") - 3 - pl.col("lines") <= (1 - maximum_share) * (pl.col("total") + 2 * pl.col("lines")))
        | (pl.col("lines") + 1 >= maximum_same_lines)
    ).to_series()
    found = [
        _is_repeated(text, minimum_words, maximum_share, maximum_same_lines)
        for text in frame["text"].filter(suspicious)
    ]
    return pl.zeros(frame.height, dtype=pl.Int8, eager=True).scatter(suspicious.arg_true(), found).cast(pl.Boolean)


def repeated_texts(
    texts: pl.Series, several: pl.Series, *, minimum_words: int, maximum_share: float, maximum_same_lines: int
) -> pl.Series:
    """Do `repeated`; where `several` is true the text holds several ones (between them VALUE_END), each looked at by itself."""
    config = {
        "minimum_words": minimum_words,
        "maximum_share": maximum_share,
        "maximum_same_lines": maximum_same_lines,
    }
    if not several.any():
        return repeated(texts, **config)
    rows = several.arg_true()
    found = repeated(pl.select(pl.when(several).then(None).otherwise(texts)).to_series(), **config)
    parts = pl.DataFrame({"row": rows, "text": texts.gather(rows).fill_null("").str.split(VALUE_END)}).explode("text")
    looping = parts.filter(repeated(parts["text"], **config))["row"].unique()
    return found.scatter(looping, True)


def _is_repeated(text: str, minimum_words: int, maximum_share: float, maximum_same_lines: int) -> bool:
    lines = [line.strip() for line in text.split("\n")]
    long_lines = [line for line in lines if line.count(" ") >= 3 and any(sign.isalpha() for sign in line)]
    if len(long_lines) >= maximum_same_lines and max(map(long_lines.count, set(long_lines))) >= maximum_same_lines:
        return True
    return len(text.split()) >= minimum_words and repeated_share(text) > maximum_share

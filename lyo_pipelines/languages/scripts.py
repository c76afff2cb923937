"""Counting the letters of a text by Unicode script, without its code, formulas and links. Vectorised; no language is decided here."""

from __future__ import annotations

import polars as pl

SCRIPTS: dict[str, tuple[str, ...]] = {
    "Latin": ("en",),
    "Devanagari": ("hi", "mr", "ne", "sa", "kok", "mai", "bho", "doi", "brx"),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Bengali": ("bn", "as", "mni"),
    "Gujarati": ("gu",),
    "Gurmukhi": ("pa",),
    "Kannada": ("kn",),
    "Malayalam": ("ml",),
    "Oriya": ("or",),
    "Arabic": ("ur", "ar", "fa", "ks", "sd"),
    "Cyrillic": ("ru", "uk", "bg", "sr"),
    "Han": ("zh", "ja"),
    "Hiragana": ("ja",),
    "Katakana": ("ja",),
    "Hangul": ("ko",),
    "Thai": ("th",),
    "Greek": ("el",),
    "Hebrew": ("he", "yi"),
}
"""Scripts that are told apart, and the languages written in them, the likeliest first."""

# TeX commands with their groups, the innermost first: \frac{\text{distance}}{\text{time}}
_COMMAND = r"\\[a-zA-Z]+\*?(?:\s?\{[^{}\\\n]{0,200}\})+"
_DEEPEST = 3
_NOT_PROSE = (
    r"(?s)```.*?(?:```|$)|~~~.*?(?:~~~|$)|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\$[^$\n]{1,200}\$|\\\[[^\\]*(?:\\[^\[\]][^\\]*)*\\\]|\\\([^\\]*(?:\\[^()][^\\]*)*\\\)"  # TeX
    r"|\\[a-zA-Z]+"
    r"|https?://\S+|\bwww\.\S+|[^\s@]{1,64}@\S+|</?[a-zA-Z][^<>\n]{0,200}>"  # links, addresses, tags and our placeholders
)
_WORD_OF_CODE = r"[!-~]+(?:[ \t]+(?:[-+*/%<>=!&|?:]+|in|and|or|not|is|if|else|for)[ \t]+[!-~]+|,[ \t]+[!-~]+)*"
# a line of a program without a fence around it; only lines without letters of other scripts can be told from prose so
_CODE_LINE = (
    r"(?m)^\s*(?:def |class |import |from \w+ import |return\b|for \w+ in |while |if .*:|print\(|#include|public |int |var |let "
    r"|const |SELECT |INSERT INTO |CREATE TABLE |function |using |elif .*:|except\b.*:|with .*:"
    r"|cout\b|cin\b|System\.|console\.|#define ).*$"
    r"|^[ \t]*(?:else|try|finally|do)\b[ \t]*[:{]?[ \t]*$"
    r"|^(?:>>> |\.\.\. )[ -~]*$"
    rf"|^[ \t]*[A-Za-z_][\w.]*(?:\[[!-~]*\])?[ \t]*(?:[-+*/%]|//|\*\*|:)?=[ \t]*{_WORD_OF_CODE}[ \t]*$"  # total = total + value
    r"|^[ \t]*[A-Za-z_][\w.]*\([ -~]*\)[ \t]*[;:{]?[ \t]*$"  # total(numbers)
    r"|^[ \t]*[ -~]*[()=<>\[\]\x22'][ -~]*[;{][ \t]*$|^[ \t]*[{}()\];]+[ \t]*$"
    r"|^(?: {4,}|\t)[ \t]*[A-Za-z_@(\[{][ -~]*(?:[=\[(][ -~]*|[;:\])])$"
)
_MARKS_OF_CODE = (
    r"[`$\\@<]|://|~~~|www\."
    r"|(?m)^\s*(?:def |class |import |from |return|for |while |if |print\(|#include|public |int |var |let |const |SELECT "
    r"|INSERT |CREATE "
    r"|function |using |elif |except|with |else|try|finally|do\b|cout|cin|System|console|#define|>>>|\.\.\.)"
    r"|^[ \t]*[A-Za-z_][\w.]*(?:\[[!-~]*\])?[ \t]*(?:[-+*/%]|//|\*\*|:)?[=(]|[;{})\]][ \t]*$|^(?: {4}|\t)"
)
# words with a digit in them, function names, units, and one or two Latin letters standing alone are formulas: x = 3y + 2, sin(x)
_FORMULA = (
    r"(?-u:\b)(?:[A-Za-z_][0-9A-Za-z_]*\([0-9A-Za-z_, ]{0,40}\)|[A-Za-z0-9]+_[0-9A-Za-z_]*|[A-Za-z_]\w*\.[A-Za-z_]\w*\(\)"
    r"|sin|cos|tan|log|ln|exp|lim|max|min|mod|gcd|lcm|sqrt|det|km|kg|cm|mm|mol|[A-Za-z]{1,2}"
    r"|[A-Za-z_]*[0-9][0-9A-Za-z_]*)(?-u:\b)"
)


# where the letters of the other scripts are; signs such as × and ₹ are not among them
_NOT_LATIN = "[\u0370-\u1cff\u1f00-\u1fff\u2d00-\u2dff\u3040-\ud7ff\uf900-\ufdff\ufe70-\ufeff]"


def prose_of(texts: pl.Series) -> pl.Series:
    """The texts without code, formulas and links (each is replaced by a space)."""
    marked = texts.str.contains(_MARKS_OF_CODE).fill_null(False)
    if not marked.any():
        return texts
    cleaned = texts.filter(marked)
    if cleaned.str.contains(r"\{").any():
        for _ in range(_DEEPEST):
            cleaned = cleaned.str.replace_all(_COMMAND, " ")
    cleaned = cleaned.str.replace_all(_NOT_PROSE, " ").str.replace_all(_CODE_LINE, " ")
    return texts.clone().scatter(marked.arg_true(), cleaned)


def letter_counts(texts: pl.Series) -> pl.DataFrame:
    """Letters by script, one column per script of SCRIPTS, for texts that are prose already; formula letters do not count."""
    texts = texts.fill_null("")
    counts = pl.DataFrame({"Latin": _latin_letters(texts)}).with_columns(
        pl.lit(0, pl.Int64).alias(n) for n in SCRIPTS if n != "Latin"
    )
    foreign = texts.str.contains(_NOT_LATIN)
    rows = foreign.arg_true()
    some = texts.filter(foreign)
    for name in SCRIPTS:
        if name == "Latin" or not len(some):
            continue
        # letters are counted only in the few scripts and texts that occur
        here = some.str.contains(rf"\p{{{name}}}")
        if here.any():
            letters = _script_letters(some.filter(here), name)
            counts = counts.with_columns(counts[name].clone().scatter(rows.filter(here), letters))
    # the letters of formulas decide only in short texts and in mixed ones
    others = counts.select(pl.sum_horizontal(pl.exclude("Latin"))).to_series()
    close = (counts["Latin"] < 200) | ((others > 0) & (others * 12 > counts["Latin"]) & (others < counts["Latin"] * 12))
    if close.any():
        latin = _latin_letters(texts.filter(close).str.replace_all(_FORMULA, " "))
        counts = counts.with_columns(counts["Latin"].clone().scatter(close.arg_true(), latin))
    return counts


def scripts_of(texts: pl.Series) -> list[str | None]:
    """The script of most letters of each text; None for one without letters of a known script."""
    counts = letter_counts(prose_of(texts))
    return [
        counts.columns[row.index(most)] if (most := max(row)) else None  # the first of equal ones
        for row in counts.iter_rows()
    ]


def _script_letters(texts: pl.Series, name: str) -> pl.Series:
    if name == "Greek":
        # α+β and λmax are formulas: only words of four letters or more are Greek
        words = texts.str.extract_all(r"\p{Greek}{4,}").list.join("")
        return words.str.len_chars().cast(pl.Int64)
    return texts.str.replace_all(rf"[^\p{{{name}}}]+", "").str.len_chars().cast(pl.Int64)


def _latin_letters(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all("[^A-Za-zª-ɏ]+", "").str.len_chars().cast(pl.Int64)

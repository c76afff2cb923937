"""A short stated result as tokens: LaTeX, signs, superscripts, other scripts' digits and grouped thousands in one plain form.

What the tokens mean together stands in `reading`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from lyo_pipelines.evaluation.answers.text import ascii_digits
from lyo_pipelines.evaluation.answers.units import Names, known_names, plain_word

LONGEST = 400
"""Characters that are looked at: a result is short, and a model that repeats a digit for ever must not cost time."""

FRACTION = "\u2044\u2044"
"""What stands for a fraction's command before its two groups."""

Kind = Literal["number", "word", "operator", "relation", "open", "close", "separator", "percent", "unit", "scale"]


@dataclass(frozen=True)
class Token:
    """One token. spaced: whether white space stands before it; places: digits after a number's decimal point."""

    kind: Kind
    text: str
    spaced: bool
    places: int = 0


_SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_VULGAR = re.compile(r"(?:(?<![\d.,/])(\d{1,9})[ \u2009\u00a0]?)?([¼-¾⅐-⅞↉])")
_MIXED = re.compile(r"(?<![\d.,/^])(\d{1,9})[ \u00a0]+(\d{1,9})\s?/\s?(\d{1,9})(?![\d.,]*\d)")
_LATEX_MIXED = re.compile(r"(?<![\d.,/^{])(\d{1,9})\s?\\[dt]?frac\s?\{(\d{1,9})\}\s?\{(\d{1,9})\}")
_WESTERN = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,]*\d)")
_INDIAN = re.compile(r"(?<![\d.,])\d{1,2}(?:,\d{2})+,\d{3}(?![\d,]*\d)")
_SPACED = re.compile(r"(?<![\d.,^/+*=-])(?<![\d.,] )\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![ ]?[\d/])")
_INDIAN_SPACED = re.compile(r"(?<![\d.,^/+*=-])(?<![\d.,] )\d{1,2}(?: \d{2})+ \d{3}(?![ ]?[\d/])")
_BRACED_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d{3})")
_INLINE = re.compile(r"\$(?=\S)([^$]{0,300})(?<=\S)\$(?!\d)")
_MATRIX = re.compile(r"\\begin\s?\{([pbB]?matrix|smallmatrix|array)\}(?:\{[lcr|]*\})?(.*?)\\end\s?\{\1\}", re.DOTALL)
_REPEATING = re.compile(r"(?<![\d.])(\d{0,9})\.(\d{0,9})\\(?:overline|bar)\s?\{?(\d{1,9})\}?")
_BELONGS = re.compile(r"^\W{0,3}[a-z]\s?(?:∈|\\in\b)\s?(?=\\?(?:left)?[(\[{⦃])")
_DEGREES = re.compile(
    r"(?:°|(?<![^\W\d_])(?:deg(?:ree)?s?\.?|डिग्री|டிகிரி))\s*(celsius|centigrade|सेल्सियस|செல்சியஸ்|fahrenheit|फारेनहाइट)(?![^\W\d_])",
    re.IGNORECASE,
)
_WORDS_IN_TEX = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname|mbox|unit|si)\s?\{([^{}]*)\}"
)
_LATEX = {
    "times": "*", "cdot": "*", "div": "/", "pm": "±", "pi": "π", "degree": "°", "infty": "∞", "leq": "≤", "le": "≤", "geq": "≥",
    "ge": "≥", "lt": "<", "gt": ">", "neq": "≠", "ne": "≠", "approx": "≈", "theta": "θ", "alpha": "α", "beta": "β", "gamma": "γ",
    "lambda": "λ", "mu": "μ", "Omega": "Ω", "omega": "ω", "phi": "φ", "rho": "ρ", "sigma": "σ", "Delta": "Δ", "delta": "δ",
    "circ": "°", "lbrace": "⦃", "rbrace": "⦄", "cup": "∪", "rupee": "₹", "epsilon": "ε", "varepsilon": "ε",
    "eta": "η", "tau": "τ", "psi": "ψ", "chi": "χ", "nu": "ν", "xi": "ξ", "kappa": "κ",
    "sqrt": "√", "left": "", "right": "", "displaystyle": "",
    "quad": " ", "qquad": " ", "boxed": "", "therefore": "", "implies": "", "Rightarrow": "", "limits": "",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TIMES = re.compile(r"(?<=[\d)])\s?(?:[xX✕]|\btimes\b)(?=\s?\d)")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_BOLD = re.compile(r"(?<![\w)])\*\*|\*\*(?![\w(-])|(?<!\w)__|__(?!\w)|`")
_POWER = re.compile(r"\^\s?\{?\s?°\s?\}?")
_TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?![\w.]))?)"
    rf"|(?P<frac>{FRACTION})"
    r"|(?P<word>°\s?[CF](?!\w)|(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0970-\u0dff\u200c\u200d])"
    r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0970-\u0dff\u200c\u200d]|\.(?=[\u0900-\u0dff])|_\d+|_\{\w{1,4}\})*|[°℃℉₹$€£¢Ω∞])"
    r"|(?P<relation><=|>=|!=|==?|[<>≤≥≠≈~≡])"
    r"|(?P<operator>\*\*|[-+*/×÷·∙⋅^±√:|!∪])"
    r"|(?P<open>[({\[⦃⟨])|(?P<close>[)}\]⦄⟩])|(?P<separator>[,;]|(?<=\s)&(?=\s))|(?P<percent>%)|(?P<other>\S)"
)
_OPERATORS = {"×": "*", "·": "*", "∙": "*", "⋅": "*", "÷": "/", "**": "^"}
_RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "~": "≈", "≡": "="}
_SPOKEN = {"plus": "+", "minus": "-", "divided": "/", "equals": "=", "equal": "=", "approximately": "≈"}


def plain_form(text: str) -> str:
    """The text with one sign for each meaning, at most LONGEST characters of it."""
    text = ascii_digits(text[:LONGEST])
    text = _SUPERSCRIPT.sub(lambda found: "^(" + found[0].translate(_PLAIN) + ")", text)
    text = _MATRIX.sub(_rows, _BELONGS.sub("", text))
    text = _REPEATING.sub(_repeating, text)
    text = _DEGREES.sub(lambda found: "°F" if found[1].casefold()[0] in "fफ" else "°C", text)
    text = text.replace("−", "-").replace("﹣", "-").replace("–", "-").replace("‑", "-").replace("⁄", "/")
    text = text.replace("\\%", "%").replace("\\$", "＄").replace("\\{", "⦃").replace("\\}", "⦄")
    text = _LATEX_MIXED.sub(r"(\1+\2/\3)", _BRACED_COMMA.sub(",", text))
    text = _INLINE.sub(r" \1 ", text.replace("$$", " "))
    text = re.sub(r"(?<!\d)\$(?!\s?\d)", " ", text).replace("＄", "$")
    text = _WORDS_IN_TEX.sub(r" \1 ", text)
    text = re.sub(r"\\[,;:!() \[\]]|\\\\", " ", text)
    text = _COMMAND.sub(_command, text)
    text = _POWER.sub("°", text)
    text = _VULGAR.sub(_vulgar, text)
    text = _MIXED.sub(_mixed, text)
    text = _BOLD.sub(" ", text)
    text = _WESTERN.sub(_joined, _INDIAN.sub(_joined, text))
    text = _SPACED.sub(_joined, _INDIAN_SPACED.sub(_joined, text))
    text = re.sub(r"(?<=\d)\s?/-(?=[\s.,;)]|$)", " ", text)  # Rs 450/-
    text = _ORDINAL.sub("", text)
    return _TIMES.sub("*", text).strip()


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text in plain form."""
    names = known_names()
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        kind, said, spaced = str(match.lastgroup), match[0], match.start() > end
        end = match.end()
        if kind == "number":
            mantissa = said.lower().partition("e")[0]
            found.append(Token("number", said, spaced, len(mantissa.partition(".")[2])))
        elif kind == "frac":
            found.append(Token("operator", "frac", spaced))
        elif kind == "word":
            found.append(_word(said, spaced, names))
        elif kind == "relation":
            found.append(Token("relation", _RELATIONS.get(said, said), spaced))
        elif kind == "operator":
            found.append(Token("operator", _OPERATORS.get(said, said), spaced))
        elif kind in ("open", "close", "separator", "percent"):
            found.append(Token(kind, said, spaced))  # pyright: ignore[reportArgumentType]
        elif unicodedata.category(said)[0] == "L":
            found.append(Token("word", said, spaced))
    return found


def _word(said: str, spaced: bool, names: Names) -> Token:
    plain = plain_word(said)
    if plain in names.conjunctions:
        return Token("separator", "and", spaced)
    if plain in names.scales:
        return Token("scale", plain, spaced)
    if plain in names.percent:
        return Token("percent", "%", spaced)
    if plain in _SPOKEN:
        sign = _SPOKEN[plain]
        return Token("relation" if sign in "=≈" else "operator", sign, spaced)
    return Token("word", said, spaced)


def _command(found: re.Match[str]) -> str:
    name = found[1]
    if name in ("frac", "dfrac", "tfrac", "cfrac"):
        return FRACTION
    return _LATEX.get(name, f" {name} ")


def _rows(found: re.Match[str]) -> str:
    """A matrix as rows in brackets; one column is a vector."""
    lines = [line for line in re.split(r"\\\\", found[2]) if line.strip()]
    rows = [", ".join(cell.strip() for cell in line.split("&")) for line in lines]
    if all("," not in row for row in rows):
        return f" ⟨{', '.join(rows)}⟩ "
    return f" [{', '.join(f'[{row}]' for row in rows)}] " if len(rows) > 1 else f" [{rows[0]}] "


def _repeating(found: re.Match[str]) -> str:
    """0.1\\overline{6} as the fraction that it is."""
    whole, fixed, repeated = found[1] or "0", found[2], found[3]
    bottom = (10 ** len(repeated) - 1) * 10 ** len(fixed)
    top = int(whole + fixed + repeated) - int(whole + fixed)
    return f"({top}/{bottom})"


def _vulgar(found: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", found[2]).partition("⁄")
    part = f"{top}/{bottom}"
    return f"({found[1]}+{part})" if found[1] else f"({part})"


def _mixed(found: re.Match[str]) -> str:
    whole, top, bottom = found.groups()
    return f"({whole}+{top}/{bottom})" if int(top) < int(bottom) else found[0]


def _joined(found: re.Match[str]) -> str:
    return re.sub(r"\D", "", found[0])

"""A text without what it only quotes: words in quotation marks, and speech that a colon introduces ("The clerk says: …").

A refusal or an insult there is somebody else's, or an example of grammar.
"""

from __future__ import annotations

import polars as pl

_MARKED = (
    r"[“”„\"«][^“”„\"«»\n]{1,600}[“”„\"»]"  # marks of both kinds are taken for either end: writers mix them up
    r"|(?:^|[\s(,:—–-])[‘’'][^‘’'\n]{1,300}(?:[’'][a-zA-Z]{1,2}\b[^‘’'\n]{1,200}){0,4}[’'‘]"
)
_UNCLOSED = r"(?m)(?:^|\s)[“„«\"][^“”„\"«»\n]*$"
_TOLD = (
    r"(?i)\b(?:says?|said|replie[sd]|asks?|asked|answers|answered|tells|told|shouts|shouted|writes?|wrote|example|sentence|dialogue|phrase|letter|story)"
    r"\b[^.!?\n:]{0,40}:[^\n]*"
    r"|(?:कहता|कहती|कहते|कहा|बोला|बोली|बोले|लिखिए|लिखें|लिखा|वाक्य|उदाहरण|पत्र|म्हणाला|म्हणाली|वाक्यात|சொன்னான்|சொன்னாள்|கூறினான்|கூறினாள்|வாக்கியம்|எடுத்துக்காட்டு"
    r"|বলল|বললেন|বাক্য|উদাহরণ|అన్నాడు|అన్నది|వాక్యం)[^।.!?\n:]{0,30}:[^\n]*"
)


def without_quotations(texts: pl.Series) -> pl.Series:
    """The texts with quoted words and introduced speech replaced by a space; a text of nothing else stays whole."""
    bare = texts.str.replace_all(_MARKED, " ").str.replace_all(_UNCLOSED, " ").str.replace_all(_TOLD, " ")
    return pl.select(pl.when(bare.str.contains(r"\p{L}")).then(bare).otherwise(texts)).to_series()

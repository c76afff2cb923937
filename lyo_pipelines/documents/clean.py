"""Blocks of a document -> the same without misread signs and personal data, and its language; all by curation's own steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.repairs import repair_texts
from lyo_pipelines.curation.row_texts import COLUMNS, redact_rows
from lyo_pipelines.curation.texts import history_contents
from lyo_pipelines.curation.wordlists import Wordlists
from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.written import written_language

_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


@dataclass(frozen=True)
class CleanDocument:
    """A cleaned document; `language` is "" where nothing tells it."""

    title: str
    blocks: list[TextBlock]
    language: str
    redacted: Counter[str]


def clean_document(
    title: str, blocks: list[TextBlock], declared: str, lists: Wordlists, config: CurationConfig
) -> CleanDocument:
    """Repair and redact a document, and find its language from the declared one and the text."""
    title, blocks, counts = _redacted(_mended([title], lists)[0], _blocks_mended(blocks, lists), config)
    text = "\n".join(block.text for block in blocks)
    code = language_code(declared)
    language = written_language(pl.Series([text]), pl.Series([code], dtype=pl.String), config)[0]
    return CleanDocument(title, blocks, language, counts)


def _mended(texts: list[str], lists: Wordlists) -> list[str]:
    return repair_texts(pl.Series(texts, dtype=pl.String), lists, answers=False)[0].to_list()


def _blocks_mended(blocks: list[TextBlock], lists: Wordlists) -> list[TextBlock]:
    texts = _mended([block.text for block in blocks], lists)
    terms = _mended([block.term for block in blocks], lists)
    return [
        replace(block, text=" ".join(text.split()) if block.level else text, term=term)
        for block, text, term in zip(blocks, texts, terms, strict=True)
        if text
    ]


def _redacted(title: str, blocks: list[TextBlock], config: CurationConfig) -> tuple[str, list[TextBlock], Counter[str]]:
    """Without personal data: a document is a row whose history is its blocks, so that a name given once goes everywhere."""
    spoken = [block.text for block in blocks] + [block.term for block in blocks]
    row = dict.fromkeys((*COLUMNS, "metadata")) | {
        "topic": title,
        "history": [{"role": "user", "content": text} for text in spoken],
    }
    schema = dict.fromkeys((*COLUMNS, "metadata"), pl.String) | {"history": _MESSAGES}
    found = redact_rows(pl.DataFrame([row], schema=schema), config)
    if not found.counts:
        return title, blocks, Counter()
    contents = history_contents(found.frame["history"])[2].to_list()
    texts, terms = contents[: len(blocks)], contents[len(blocks) :]
    changed = [replace(block, text=text, term=term) for block, text, term in zip(blocks, texts, terms, strict=True)]
    return found.frame["topic"][0] or "", changed, found.counts

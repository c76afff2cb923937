"""Chunks and pairs of one document -> rows of the tables: chunks, examples, and what the rules left out. No reading, no files."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.documents.chunks import Chunk, ChunkBudget, cut_chunks, text_of
from lyo_pipelines.documents.clean import CleanDocument
from lyo_pipelines.documents.contract import SOURCE, TASK, DocumentMetadata
from lyo_pipelines.documents.pairs import QuestionAnswer, pairs_in
from lyo_pipelines.documents.tokens import estimate_tokens
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.languages.written import written_language
from lyo_pipelines.segments import segment_key

RULES = {
    "chunk_too_short": "the chunk has hardly any letters",
    "chunk_not_prose": "most of the chunk is no text: numbers, dots, a table of contents",
    "pair_too_short": "the answer has hardly any characters",
    "pair_too_long": "question and answer are longer than a training text may be",
}
"""Why a chunk or a pair is no example, in the order in which it is asked."""
_LETTER = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s")
_TEMPLATE_TOKENS = 64
"""Room that system prompt and chat template need beside question and answer."""


@dataclass(frozen=True)
class DocumentRows:
    """Rows of one document. left_out: by rule; read: chunks and pairs together."""

    text: str
    chunks: list[TableRow]
    examples: list[TableRow]
    pairs: int
    left_out: Counter[str] = field(default_factory=Counter)


def document_rows(
    document_id: str,
    path: str,
    set_name: str,
    document: CleanDocument,
    about: DocumentMetadata,
    when: datetime,
    config: DocumentConfig,
    curation: CurationConfig,
) -> DocumentRows:
    """Cut a cleaned document and make its rows."""
    budget = ChunkBudget(config.max_tokens, config.overlap_tokens, config.minimum_tokens)
    chunks = cut_chunks(document.blocks, budget, lambda text: estimate_tokens(text, config.tokens), document.title)
    languages = written_language(
        pl.Series([chunk.text for chunk in chunks], dtype=pl.String),
        pl.Series([document.language] * len(chunks), dtype=pl.String),
        curation,
    ).to_list()
    shared = {
        "occurred_at": when,
        "segment": segment_key(TASK, document.language, set_name),
        "task": TASK,
        "subject": set_name,
        "topic": about.topic or None,
        "grade": about.grade or None,
        "conversation_id": document_id,
        "source": SOURCE,
        **about.validity,
    }
    rows, examples, left_out = [], [], Counter[str]()
    for chunk, language in zip(chunks, languages, strict=True):
        rule = _chunk_rule(chunk, config)
        example = None
        if rule:
            left_out[rule] += 1
        else:
            one = f"{document_id}#{chunk.number}"
            texts = {
                "language": language,
                "question": "",
                "answer": chunk.training_text,
                "weight": config.chunk_weight,
            }
            examples.append(_example(one, {**shared, **texts}))
            example = examples[-1]["example_id"]
        rows.append(_chunk_row(chunk, document_id, path, language, about, example))
    pairs = pairs_in(document.blocks)
    for number, pair in enumerate(pairs):
        if rule := _pair_rule(pair, config):
            left_out[rule] += 1
            continue
        texts = {"language": document.language, "question": pair.question, "answer": pair.answer}
        examples.append(_example(f"{document_id}#q{number}", {**shared, **texts, "weight": config.pair_weight}))
    return DocumentRows(text_of(document.blocks), rows, examples, len(pairs), left_out)


def _chunk_row(
    chunk: Chunk, document_id: str, path: str, language: str, about: DocumentMetadata, example: str | None
) -> TableRow:
    return {
        "document_id": document_id,
        "number": chunk.number,
        "heading_path": list(chunk.path),
        "text": chunk.text,
        "overlap": chunk.overlap,
        "training_text": chunk.training_text,
        "tokens": chunk.tokens,
        "language": language,
        "source_file": path,
        "content_hash": row_digest(chunk.text),
        "licence": about.licence or None,
        "attribution": about.attribution or None,
        **about.validity,
        "example": example,
    }


def _example(interaction_id: str, values: TableRow) -> TableRow:
    texts = "\x1f".join((interaction_id, values["question"], values["answer"]))
    return {"example_id": row_digest(texts), "interaction_id": interaction_id, **values}


def _chunk_rule(chunk: Chunk, config: DocumentConfig) -> str:
    letters = len(_LETTER.findall(chunk.text))
    if letters < config.example_minimum_letters:
        return "chunk_too_short"
    # vowel signs are no letters to a regular expression, so the share is of what is neither space nor sign
    signs = len(_SPACE.sub("", chunk.text))
    marks = sum(0x0900 <= ord(one) <= 0x0DFF for one in chunk.text)
    return "chunk_not_prose" if max(letters, marks) < config.example_minimum_letter_share * signs else ""


def _pair_rule(pair: QuestionAnswer, config: DocumentConfig) -> str:
    if len(_SPACE.sub("", pair.answer)) < config.pair_minimum_characters:
        return "pair_too_short"
    length = (
        estimate_tokens(pair.question, config.tokens) + estimate_tokens(pair.answer, config.tokens) + _TEMPLATE_TOKENS
    )
    return "pair_too_long" if length > config.max_tokens else ""


def row_digest(text: str) -> str:
    """A short hash of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

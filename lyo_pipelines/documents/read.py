"""One file -> blocks and what is said of it; a file that cannot be read is refused with a reason. No cleaning, no chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError, TextBlock
from lyo_pipelines.documents.garbled import is_garbled
from lyo_pipelines.documents.metadata import credits_at_end, front_matter, joined_metadata
from lyo_pipelines.documents.reading.decode import decode_text
from lyo_pipelines.documents.reading.html import Page, read_html
from lyo_pipelines.documents.reading.markdown import read_markdown
from lyo_pipelines.documents.reading.pdf import read_pdf
from lyo_pipelines.documents.reading.plain import read_plain
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.scripts import SCRIPTS

FORMATS = {
    "md": "markdown", "markdown": "markdown", "mdown": "markdown", "txt": "text", "text": "text",
    "html": "html", "htm": "html", "xhtml": "html", "pdf": "pdf",
}  # fmt: skip
_LANGUAGES = frozenset({"hi_latn", "ta_latn", *(code for codes in SCRIPTS.values() for code in codes)})
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class ParsedDocument:
    """A document as read: its blocks and what is said of it."""

    format: str
    blocks: list[TextBlock]
    about: DocumentMetadata


def format_of(path: str) -> str:
    """The format that a file's name says. Raises RejectedError("unsupported_format")."""
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    if ending not in FORMATS:
        raise RejectedError("unsupported_format", f".{ending}" if "." in path else "no ending")
    return FORMATS[ending]


def read_document(
    path: str, data: bytes, told: tuple[DocumentMetadata, DocumentMetadata], config: DocumentConfig
) -> ParsedDocument:
    """Read one document. told: what its sidecar says, and what its set says. Raises RejectedError."""
    kind = format_of(path)
    if not data.strip():
        raise RejectedError("empty")
    front, page = _page(kind, data, config)
    credited, blocks = credits_at_end(page.blocks)
    about = joined_metadata(
        told[0], front, credited, page.about, told[1], DocumentMetadata(language=_language_of(path))
    )
    text = "\n".join(block.text for block in blocks)
    if len(text) > config.maximum_characters:
        raise RejectedError("too_large", f"{len(text):,} characters")
    wrong = is_garbled(text, config, reconstructed=kind in {"pdf", "text"})
    if wrong:
        raise RejectedError("garbled", wrong)
    if len(_LETTER.findall(text)) < config.minimum_letters:
        raise RejectedError("too_little_text", f"fewer than {config.minimum_letters} letters")
    return ParsedDocument(kind, blocks, about)


def _page(kind: str, data: bytes, config: DocumentConfig) -> tuple[DocumentMetadata, Page]:
    if kind == "pdf":
        return DocumentMetadata(), read_pdf(data, config)
    text = decode_text(data, html=kind == "html").replace("\r\n", "\n").replace("\r", "\n")
    if kind == "html":
        return DocumentMetadata(), read_html(text)
    front, text = front_matter(text)
    return front, read_markdown(text) if kind == "markdown" else Page(read_plain(text), DocumentMetadata())


def _language_of(path: str) -> str:
    """The language that a folder is named after (`hi/`, `tamil/`), the nearest one first."""
    folders = [language_code(part) for part in path.split("/")[:-1]]
    return next((code for code in reversed(folders) if code in _LANGUAGES), "")

"""Why a model is not exported."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError


class CannotExportError(LyoError):
    """This model, tokenizer or template has no form in the wanted format; the message says what to do instead."""


class NotProvenError(LyoError):
    """What was written does not answer as what it was made from, so it is not published."""


class MissingLlamaCppError(LyoError):
    """llama.cpp is not installed."""

"""The Modelfile with which Ollama runs an exported model: template, every stop, and the parameters that evaluation has.

Ollama guesses stops from a template that it knows and gets them wrong for one that it does not; so all of them are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lyo_pipelines.export.conversations import Asked
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.go_template import go_template, render_go
from lyo_pipelines.export.source import SourceModel
from lyo_pipelines.export.turns import turns_of
from lyo_pipelines.training.engine.rendering import frame, prompt_text

_FENCE = '"""'
_LONGEST_CONTEXT = 8192
"""Ollama keeps room for a whole context for each conversation."""


def stop_texts(source: SourceModel) -> tuple[str, ...]:
    """Every text that ends an answer: of the stop tokens, and the template's own mark where no token stands for it."""
    texts = [str(source.tokenizer.convert_ids_to_tokens(token)) for token in source.stops]
    around = frame(source.tokenizer)
    if around.stop is None or str(source.tokenizer.convert_ids_to_tokens(around.stop)) not in around.after:
        texts.append(around.after.strip())
    return tuple(dict.fromkeys(text for text in texts if text))


def modelfile(model: str, source: SourceModel, asked: Sequence[Asked], *, licence: str | None) -> str:
    """The Modelfile's text. model: name of the GGUF file beside it.

    Raises CannotExportError for a template that Ollama's language cannot say, or that comes out otherwise there.
    """
    conversations = [list(one.turns) for one in asked]
    template = go_template(turns_of(source.tokenizer, conversations))
    for turns in conversations:
        if render_go(template, turns) != prompt_text(turns, source.tokenizer):
            raise CannotExportError("the chat template comes out otherwise in Ollama's language", hint="Use --to gguf.")
    if _FENCE in template or template.endswith('"'):
        raise CannotExportError("the chat template cannot be quoted in a Modelfile", hint="Use --to gguf.")
    context = min(int(source.architecture.values["context_length"]), _LONGEST_CONTEXT)
    lines = [
        f"FROM ./{model}",
        f"TEMPLATE {_FENCE}{template}{_FENCE}",
        *(f"PARAMETER stop {_quoted(text)}" for text in stop_texts(source)),
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_ctx {context}",
        *([f"LICENSE {_FENCE}{licence}{_FENCE}"] if licence and _FENCE not in licence else []),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: Any) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

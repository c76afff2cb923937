"""A transformers folder as a converter reads it: configuration, tokenizer with its template, marks that end an answer, tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lyo_pipelines.export.architectures import Architecture, Weights, architecture_of
from lyo_pipelines.export.errors import CannotExportError

_ELEMENTS = {"BF16": "bf16", "F16": "f16", "F32": "f32"}


@dataclass(frozen=True)
class Tensor:
    """One tensor that is still on disk. module: its name without .weight or .bias."""

    module: str
    kind: str
    shape: tuple[int, ...]
    elements: str
    path: Path

    @property
    def name(self) -> str:
        """Its name in the file."""
        return f"{self.module}.{self.kind}"

    def read(self) -> Weights:
        """Its values."""
        import safetensors

        with safetensors.safe_open(self.path, framework="pt") as file:
            return np.ascontiguousarray(file.get_tensor(self.name).float().numpy())


@dataclass(frozen=True)
class SourceModel:
    """One model in a folder. stops: every token id that ends an answer, the one that the template teaches first."""

    folder: Path
    architecture: Architecture
    tokenizer: Any
    stops: tuple[int, ...]

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor of the model, in the files' order."""
        for path in sorted(self.folder.glob("model*.safetensors")):
            yield from tensors_of(path)


def read_source(folder: Path) -> SourceModel:
    """Read all but the weights. Raises CannotExportError for an architecture that is not known."""
    import transformers

    architecture = architecture_of(transformers.AutoConfig.from_pretrained(folder).to_dict())
    return SourceModel(folder, architecture, *tokenizer_and_stops(folder))


def tokenizer_and_stops(folder: Path) -> tuple[Any, tuple[int, ...]]:
    """A model's tokenizer with its template, and every token that ends an answer, the one that the template teaches first."""
    import transformers

    from lyo_pipelines.training.engine.base import load_tokenizer
    from lyo_pipelines.training.engine.decoding import stop_ids
    from lyo_pipelines.training.engine.rendering import frame

    config = transformers.AutoConfig.from_pretrained(folder)
    tokenizer = load_tokenizer(str(folder))
    own = transformers.GenerationConfig()
    if (folder / "generation_config.json").is_file():
        own = transformers.GenerationConfig.from_pretrained(folder)
    ends = stop_ids(tokenizer, SimpleNamespace(generation_config=own, config=config))
    taught = frame(tokenizer).stop
    return tokenizer, tuple(sorted(ends, key=lambda one: (one != taught, one)))


def tensors_of(path: Path) -> Iterator[Tensor]:
    """The tensors of one safetensors file. Raises CannotExportError for a number format that is not one of plain weights."""
    import safetensors

    with safetensors.safe_open(path, framework="pt") as file:
        names = sorted(file.keys())
        parts = {name: file.get_slice(name) for name in names}
        for name, part in parts.items():
            module, _, kind = name.rpartition(".")
            elements = _ELEMENTS.get(part.get_dtype())
            if elements is None:
                raise CannotExportError(f"{path.name}: {name} is held as {part.get_dtype()}, not as plain weights")
            yield Tensor(module, kind, tuple(part.get_shape()), elements, path)

"""The models as training's own software answers, in float32: what an exported file is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lyo_pipelines.training.plan import TrainingResult

LogProbabilities = npt.NDArray[np.float32]


class Reference:
    """One model in memory, with its adapter or alone."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def of_base(cls, folder: Path) -> Reference:
        """A base model, or a model that was trained whole."""
        import torch

        from lyo_pipelines.training.engine.base import load_model

        return cls(load_model(str(folder), dtype=torch.float32).eval())

    @classmethod
    def of_adapter(cls, adapter: TrainingResult, base: Path) -> Reference:
        """An adapter on its base; on the base as 4 bits hold it where it was trained so."""
        import peft
        import torch

        from lyo_pipelines.training.engine.base import load_model

        if adapter.manifest.is_whole_model:
            return cls.of_base(adapter.path)
        four_bit = adapter.manifest.base_in_4_bits
        model = load_model(str(base), dtype=torch.float32, four_bit_on="cpu" if four_bit else None)
        adapted = peft.PeftModel.from_pretrained(model.dequantize() if four_bit else model, str(adapter.path))
        return cls(adapted.eval())

    @contextmanager
    def without_adapter(self) -> Iterator[Reference]:
        """The base of an adapted model."""
        with self._model.disable_adapter():
            yield self

    def next_tokens(self, prompt: Sequence[int]) -> LogProbabilities:
        """Log-probabilities [vocabulary] of the token after a prompt."""
        return self._read(prompt)[-1]

    def log_probabilities(self, prompt: Sequence[int], answer: Sequence[int]) -> list[float]:
        """The log-probability of each token of an answer."""
        told = self._read([*prompt, *answer])[len(prompt) - 1 : -1]
        return [float(row[token]) for row, token in zip(told, answer, strict=True)]

    def _read(self, ids: Sequence[int]) -> LogProbabilities:
        import torch

        with torch.inference_mode():
            logits = self._model(torch.tensor([list(ids)]), use_cache=False).logits[0].float()
            return torch.log_softmax(logits, dim=-1).numpy()


def processor_threads() -> int:
    """How many threads training's own software uses here: llama.cpp's wait for each other in a loop, so more of them are slower."""
    import torch

    return torch.get_num_threads()

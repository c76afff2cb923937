"""A dataset version's train and validation split as token ids, and batches of them as tensors.

`test.parquet` is never opened here: whoever trains has not seen the test split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.training.engine.chat import Tokens, tokenize

IGNORED = -100


@dataclass(frozen=True)
class Examples:
    """Tokenised examples with their weights (float32[n]) and the segments that they come from."""

    tokens: list[Tokens]
    weights: np.ndarray
    segments: list[str]

    @property
    def lengths(self) -> np.ndarray:
        """int64[n]: tokens per example."""
        return np.array([len(tokens) for tokens in self.tokens], dtype=np.int64)

    @property
    def cut(self) -> dict[str, int]:
        """How many examples truncation shortened, by what it took."""
        kinds = [tokens.cut for tokens in self.tokens if tokens.cut]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def read_split(
    dataset_dir: Path, split: str, tokenizer: Any, max_length: int, *, max_examples: int | None = None, seed: int = 0
) -> Examples:
    """Read and tokenise `train` or `validation`; `max_examples` takes a fixed seeded sample. Raises DatasetError."""
    if split not in {"train", "validation"}:
        raise DatasetError(f"training reads train and validation only, not {split!r}")
    path = dataset_dir / f"{split}.parquet"
    try:
        table = CheckedTable(path, str(path)).read()
        conversations = table["messages"].to_pylist()
    except (OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}). Build the dataset again.") from error
    weights = table["weight"].to_numpy() if "weight" in table.column_names else np.ones(len(conversations))
    weights = np.nan_to_num(weights.astype(np.float32), nan=1.0)
    there = "segment" in table.column_names
    segments = [name or "" for name in table["segment"].to_pylist()] if there else [""] * len(conversations)
    if max_examples is not None and len(conversations) > max_examples:
        chosen = np.sort(np.random.default_rng(seed).choice(len(conversations), max_examples, replace=False))
        conversations, weights = [conversations[i] for i in chosen], weights[chosen]
        segments = [segments[i] for i in chosen]
    return Examples(tokenize(conversations, tokenizer, max_length), weights, segments)


class ExampleRow(TypedDict):
    """One example on its way to the collator."""

    tokens: Tokens
    weight: float


class ExamplesDataset(torch.utils.data.Dataset[ExampleRow]):
    """Examples as the Trainer's data loader wants them."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples.tokens)

    def __getitem__(self, index: int) -> ExampleRow:
        """One example with its weight."""
        return {"tokens": self.examples.tokens[index], "weight": float(self.examples.weights[index])}


@dataclass(frozen=True)
class Collator:
    """Examples to tensors. Labels are -100 everywhere but on answer tokens; `weights` is one number per token.

    causal: prompt and answer in one row, padded on the right; `padding_free`: all examples in one row, kept apart by position_ids that
    begin anew (transformers builds the block-diagonal mask from them), filled up to a multiple of `multiple` tokens by an example of
    padding that is in no loss. encoder_decoder: prompt in, answer out.
    """

    pad_id: int
    padding_free: bool = False
    encoder_decoder: bool = False
    multiple: int = 1

    def __call__(self, rows: Sequence[ExampleRow]) -> dict[str, torch.Tensor]:
        """Make one batch."""
        tokens = [row["tokens"] for row in rows]
        weights = [row["weight"] for row in rows]
        if self.encoder_decoder:
            batch = self._padded([t.prompt for t in tokens], {"input_ids": self.pad_id})
            answers = self._padded([t.answer for t in tokens], {"labels": IGNORED})
            batch["labels"] = answers["labels"]
            batch["weights"] = torch.tensor(weights).unsqueeze(1).expand(batch["labels"].shape)
            return batch
        labels = [[IGNORED] * len(t.prompt) + t.answer for t in tokens]
        if self.padding_free:
            # the first token of an example must not be predicted from the last one of its neighbour
            labels = [[IGNORED, *row[1:]] for row in labels]
            filling = -sum(len(t) for t in tokens) % self.multiple
            row_weights = [w for t, w in zip(tokens, weights, strict=True) for _ in range(len(t))]
            return {
                "input_ids": torch.tensor([[i for t in tokens for i in t.prompt + t.answer] + [self.pad_id] * filling]),
                "position_ids": torch.tensor([[i for t in tokens for i in range(len(t))] + [*range(filling)]]),
                "labels": torch.tensor([[i for row in labels for i in row] + [IGNORED] * filling]),
                "weights": torch.tensor([row_weights + [0.0] * filling]),
            }
        batch = self._padded([t.prompt + t.answer for t in tokens], {"input_ids": self.pad_id})
        batch["labels"] = self._padded(labels, {"labels": IGNORED})["labels"]
        batch["weights"] = torch.tensor(weights).unsqueeze(1).expand(batch["labels"].shape)
        return batch

    @staticmethod
    def _padded(rows: list[list[int]], fill: dict[str, int]) -> dict[str, torch.Tensor]:
        (name, value), width = next(iter(fill.items())), max(len(row) for row in rows)
        tensor = torch.full((len(rows), width), value, dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for index, row in enumerate(rows):
            tensor[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = 1
        return {name: tensor, "attention_mask": mask}

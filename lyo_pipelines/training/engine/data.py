"""A dataset version's train and validation split as token ids, and batches of them as tensors.

`test.parquet` is never opened here: whoever trains has not seen the test split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

import numpy as np
import torch

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.training.engine.chat import Tokens, UnseenImageError, tokenize
from lyo_pipelines.training.engine.rendering import Message
from lyo_pipelines.training.preflight import TO_SEE, UNSEEN

ImagePolicy = Literal["refuse", "leave_out", "learn"]

IGNORED = -100


class Seeing(Protocol):
    """What turns pictures into tokens and tensors (sight.py)."""

    def tokens(self, messages: Sequence[Message], files: Sequence[str], limit: int) -> Tokens | None:
        """One example with its pictures; None where it is longer than `limit`."""
        ...

    def inputs(self, tokens: Sequence[Tokens]) -> dict[str, torch.Tensor]:
        """The pictures of a batch."""
        ...


@dataclass(frozen=True)
class Examples:
    """Tokenised examples with their weights (float32[n]) and the segments that they come from. left_out: rows that are none of
    them, by why."""

    tokens: list[Tokens]
    weights: np.ndarray
    segments: list[str]
    left_out: dict[str, int] = field(default_factory=dict)

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
    dataset_dir: Path,
    split: str,
    tokenizer: Any,
    max_length: int,
    *,
    max_examples: int | None = None,
    seed: int = 0,
    images: ImagePolicy = "refuse",
    sight: Seeing | None = None,
) -> Examples:
    """Read and tokenise `train` or `validation`; `max_examples` takes a fixed seeded sample.

    images: what is done with rows that show pictures; sight: by which they become tokens. A row with a picture becomes tokens with it
    or not at all. Raises DatasetError, UnseenImageError.
    """
    if split not in {"train", "validation"}:
        raise DatasetError(f"training reads train and validation only, not {split!r}")
    path = dataset_dir / f"{split}.parquet"
    try:
        table = CheckedTable(path, str(path)).read()
        conversations = table["messages"].to_pylist()
        shown = table["images"].to_pylist() if "images" in table.column_names else [None] * len(conversations)
    except (OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}). Build the dataset again.") from error
    weights = table["weight"].to_numpy() if "weight" in table.column_names else np.ones(len(conversations))
    weights = np.nan_to_num(weights.astype(np.float32), nan=1.0)
    there = "segment" in table.column_names
    segments = [name or "" for name in table["segment"].to_pylist()] if there else [""] * len(conversations)
    pictured = [index for index, files in enumerate(shown) if files]
    left_out: dict[str, int] = {}
    if pictured and images == "refuse":
        raise UnseenImageError.of(len(pictured), len(shown), str(path))
    chosen = np.arange(len(conversations))
    if pictured and images == "leave_out":
        chosen, left_out = np.setdiff1d(chosen, pictured), {"shows a picture": len(pictured)}
    if max_examples is not None and len(chosen) > max_examples:
        chosen = chosen[np.sort(np.random.default_rng(seed).choice(len(chosen), max_examples, replace=False))]
    if sight is None:
        tokens: list[Tokens | None] = [*tokenize([conversations[i] for i in chosen], tokenizer, max_length)]
    else:
        tokens = [sight.tokens(conversations[i], shown[i] or (), max_length) for i in chosen]
    kept = [place for place, one in enumerate(tokens) if one is not None]
    if len(kept) < len(tokens):  # a picture cannot be cut in half, nor may it be left away
        left_out["is longer than batch.max_length with its pictures"] = len(tokens) - len(kept)
    chosen = chosen[kept]
    return Examples(
        [one for one in tokens if one is not None], weights[chosen], [segments[i] for i in chosen], left_out
    )


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
    padding that is in no loss. encoder_decoder: prompt in, answer out. sight: brings the pictures that rows show.
    """

    pad_id: int
    padding_free: bool = False
    encoder_decoder: bool = False
    multiple: int = 1
    sight: Seeing | None = None

    def __call__(self, rows: Sequence[ExampleRow]) -> dict[str, torch.Tensor]:
        """Make one batch. Raises UnseenImageError where a row's pictures would not be in it."""
        seen = [row["tokens"] for row in rows]
        if self.sight is not None:
            return self._words(rows) | self.sight.inputs(seen)
        if any(one.files for one in seen):
            raise UnseenImageError(f"a row shows a picture, and {UNSEEN}", hint=TO_SEE)
        return self._words(rows)

    def _words(self, rows: Sequence[ExampleRow]) -> dict[str, torch.Tensor]:
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

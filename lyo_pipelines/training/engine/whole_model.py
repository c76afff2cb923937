"""A whole model on disk: published by a full fine-tuning, or merged from an adapter. Training it belongs to run.py."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from lyo_pipelines.storage.whole_files import whole_file
from lyo_pipelines.training.recipes import Recipe

WEIGHTS = "model*.safetensors*"
"""One file, or several and their index."""


def publish_model(output: Path, checkpoint: Path, recipe: Recipe, tokenizer: Any) -> list[str]:
    """Write a checkpoint's model in the recipe's number format, with its tokenizer and chat template; returns the files' names."""
    names = []
    for path in sorted([*checkpoint.glob(WEIGHTS), *checkpoint.glob("*config.json")]):
        with whole_file(output / path.name) as temporary:
            if path.suffix == ".safetensors":
                tensors = safetensors.torch.load_file(path)
                kept = {name: _in_format(tensor, recipe.dtype) for name, tensor in tensors.items()}
                safetensors.torch.save_file(kept, temporary, metadata={"format": "pt"})
            elif path.name == "config.json":
                config = json.loads(path.read_text(encoding="utf-8"))
                config["dtype"] = recipe.dtype
                config["use_cache"] = True  # it was off for training only
                temporary.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
            else:
                temporary.write_bytes(path.read_bytes())
        names.append(path.name)
    return [*names, *save_tokenizer(output, tokenizer)]


def save_tokenizer(folder: Path, tokenizer: Any) -> list[str]:
    """Save the tokenizer and its chat template; returns the names of the files that are there."""
    written: Iterable[str] = tokenizer.save_pretrained(folder)
    return sorted({Path(name).name for name in written if Path(name).is_file()})


def _in_format(tensor: torch.Tensor, dtype: str) -> torch.Tensor:
    return tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor

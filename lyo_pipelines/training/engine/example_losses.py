"""What adapters make of each validation example, measured one after another: `python -m … --adapter A --adapter B --out F`.

The loss is that of training's own validation (token_losses), so sum(losses) / sum(tokens) is an adapter's eval_loss. The test split is
never opened.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.batches import evaluation_batches
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.data import IGNORED, Collator, Examples, ExamplesDataset, read_split
from lyo_pipelines.training.engine.devices import choose_device
from lyo_pipelines.training.engine.loss import token_losses
from lyo_pipelines.training.engine.model_building import build_model
from lyo_pipelines.training.engine.session import token_limit
from lyo_pipelines.training.gpus import show_only
from lyo_pipelines.training.lock import device_locks
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines.training.recipes import Recipe


def measure_adapter(
    adapter_dir: Path, dataset_dir: Path, models_dir: Path, device: str, stop: StopRequest
) -> tuple[np.ndarray, np.ndarray]:
    """(sum of token losses, answer tokens) of each validation example, float64[n] and int64[n], in the order of the file."""
    recipe = Recipe.model_validate(read_adapter(adapter_dir).manifest.recipe)
    source = base.resolve(recipe.base_model, models_dir)
    tokenizer = base.load_tokenizer(source)
    # as a training that reads text alone did; one that sees is refused where its base is loaded
    limit = token_limit(recipe, dataset_dir, source)
    examples = read_split(dataset_dir, "validation", tokenizer, limit, images="leave_out")
    model = build_model(recipe, source, device, longest=int(examples.lengths.max(initial=0)))
    assert isinstance(model, peft.PeftModel)
    weights = load_peft_weights(str(adapter_dir), device=device)
    set_peft_model_state_dict(model, weights, adapter_name=str(model.active_adapter))
    model.eval()
    return _losses(model, examples, tokenizer, recipe, device, stop)


@torch.no_grad()
def _losses(
    model: Any, examples: Examples, tokenizer: Any, recipe: Recipe, device: str, stop: StopRequest
) -> tuple[np.ndarray, np.ndarray]:
    encoder_decoder = bool(model.config.is_encoder_decoder)
    collator = Collator(tokenizer.pad_token_id, encoder_decoder=encoder_decoder)
    data, shift = ExamplesDataset(examples), 0 if encoder_decoder else 1
    sums, counts = np.zeros(len(examples.tokens)), np.zeros(len(examples.tokens), np.int64)
    for indices in evaluation_batches(examples.lengths, recipe.batch.size * 2):
        stop.check()
        batch = {name: tensor.to(device) for name, tensor in collator([data[i] for i in indices]).items()}
        losses, _ = token_losses(model, batch, encoder_decoder=encoder_decoder)
        tokens = (batch["labels"][:, shift:] != IGNORED).sum(dim=1).tolist()
        for index, part in zip(indices, losses.double().cpu().split(tokens), strict=True):
            sums[index], counts[index] = float(part.sum()), len(part)
    return sums, counts


def main(arguments: list[str] | None = None) -> int:
    """Measure the named adapters; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.training.engine.example_losses", description=__doc__)
    parser.add_argument("--adapter", action="append", required=True, help="folder of a finished adapter")
    parser.add_argument("--dataset", required=True, help="folder of a dataset version")
    parser.add_argument("--models", required=True, help="folder of base models")
    parser.add_argument("--out", required=True, help="JSON file to write")
    options = parser.parse_args(arguments)
    out = Path(options.out)
    program = Program(
        name="measuring examples", folder=out.parent, go_on="start again", less_memory="Lower batch.size.",
        kept=lambda: "nothing was written", stop_with_parent=True,
    )  # fmt: skip
    return program.run(lambda report, stop: _run(options, report, stop))


def _run(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> None:
    first = Recipe.model_validate(read_adapter(options.adapter[0]).manifest.recipe)
    device, locks = choose_device(first)
    torch.set_num_threads(first.speed.threads or torch.get_num_threads())
    path = Path(options.dataset) / "validation.parquet"
    table = CheckedTable(path, str(path)).read(columns=["example_id", "group_id"])
    told: dict[str, Any] = {name: table[name].to_pylist() for name in table.column_names}
    wait = Settings.from_env().training_wait_seconds
    with device_locks(locks, 1, options.out, wait_seconds=wait, say=report.say, check=stop.check) as held:
        if device == "cuda":
            show_only(held)
        measured = [
            measure_adapter(Path(one), Path(options.dataset), Path(options.models), device, stop)
            for one in options.adapter
        ]
    told["tokens"] = measured[0][1].tolist()
    told["losses"] = [sums.tolist() for sums, _ in measured]
    write_whole(Path(options.out), json.dumps(told))


if __name__ == "__main__":
    sys.exit(main())

"""One training from beginning to end: load, plan, train (or resume), publish. The command line belongs to __main__."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import torch
import transformers

from lyo_pipelines.training.base_models import MissingBaseModelError
from lyo_pipelines.training.batches import plan_training
from lyo_pipelines.training.checkpoints import newest_complete, step_of
from lyo_pipelines.training.dataset_version import read_manifest
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.control import Interrupted, StopRequest
from lyo_pipelines.training.engine.data import Collator, Examples, read_split
from lyo_pipelines.training.engine.finish import checkpoint_state, publish_adapter, write_manifest
from lyo_pipelines.training.engine.fused_lora import fuse_lora
from lyo_pipelines.training.engine.lora import add_lora, trainable_parameters
from lyo_pipelines.training.engine.progress import Progress, out_of_patience, peak_memory_bytes, validation_steps
from lyo_pipelines.training.engine.reporting import Reporter
from lyo_pipelines.training.engine.trainer import AdapterTrainer
from lyo_pipelines.training.lock import NoDeviceError
from lyo_pipelines.training.metrics_log import MetricsLog
from lyo_pipelines.training.plan import (
    METRICS,
    TrainingResult,
    adapter_version,
    is_complete,
    read_adapter,
    require_same,
)
from lyo_pipelines.training.recipes import Recipe

RUN_FILE = "run.json"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def choose_device(recipe: Recipe) -> tuple[str, str]:
    """Return (torch device, name of its lock). A GPU's lock is named by its own id, so that CUDA_VISIBLE_DEVICES cannot hide it.

    Raises NoDeviceError when the recipe wants a GPU and there is none.
    """
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise NoDeviceError(
            f"recipe {recipe.name!r} wants a GPU and this machine shows none: use another recipe (cpu_demo) or --set device=cpu."
        )
    if recipe.device == "cpu" or not torch.cuda.is_available():
        return "cpu", "cpu"
    return "cuda", f"gpu-{torch.cuda.get_device_properties(0).uuid}"


def claim_output(output: Path, dataset_dir: Path, recipe: Recipe) -> dict[str, Any]:
    """Check that the folder is new or belongs to this very training, and note in it what it is. Returns that note.

    Raises OtherTrainingError, or DatasetError when dataset_dir is no dataset version.
    """
    manifest = read_manifest(dataset_dir)
    note = {
        "segment": manifest["segment"],
        "version": adapter_version(manifest["fingerprint"], recipe),
        "dataset_fingerprint": manifest["fingerprint"],
        "recipe": recipe.model_dump(mode="json"),
    }
    path = output / RUN_FILE
    if path.is_file():
        require_same(output, orjson.loads(path.read_bytes())["version"], note["version"])
    output.mkdir(parents=True, exist_ok=True)
    temporary = output / f".tmp-{os.getpid()}-{RUN_FILE}"
    temporary.write_bytes(orjson.dumps(note, option=orjson.OPT_INDENT_2))
    temporary.replace(path)
    return note


def train(
    recipe: Recipe,
    dataset_dir: Path,
    output: Path,
    models_dir: Path,
    *,
    device: str,
    reporter: Reporter,
    stop: StopRequest,
) -> TrainingResult:
    """Train until the plan ends, or go on where a killed run left off; returns the finished adapter.

    Raises Interrupted after a stop request (its checkpoint is written), MissingBaseModelError, DatasetError, OtherTrainingError.
    """
    if is_complete(output):
        return read_adapter(output)
    note = claim_output(output, dataset_dir, recipe)
    checkpoints = output / "checkpoints"
    resume = newest_complete(checkpoints, reporter.say)
    log = MetricsLog(output / METRICS, step_of(resume) if resume else 0)
    log.write(
        "loading", step=step_of(resume) if resume else 0, seconds=log.seconds_before, memory_bytes=peak_memory_bytes()
    )
    torch.set_num_threads(recipe.speed.threads or len(os.sched_getaffinity(0)))
    transformers.set_seed(recipe.seed)
    source = base.resolve(recipe.base_model, models_dir, reporter.say)
    tokenizer = base.load_tokenizer(source)
    limit = recipe.batch.max_length_of(note["segment"].partition(".")[0])
    data = read_split(dataset_dir, "train", tokenizer, limit)
    held_out = read_split(
        dataset_dir, "validation", tokenizer, limit, max_examples=recipe.validation.max_examples, seed=recipe.seed
    )
    plan = plan_training(data.lengths, recipe.batch, recipe.budget, recipe.seed)
    validations = validation_steps(recipe, plan.steps, len(held_out.tokens))
    progress = Progress(recipe=recipe, plan=plan, log=log, stop=stop, validations=validations, tell=reporter.tell)
    longest = int(max(data.lengths.max(initial=0), held_out.lengths.max(initial=0)))
    model = _model(recipe, source, device, short_rows=device == "cpu" and longest <= base.SHORT_ROWS_TOKENS)
    reporter.say(
        f"{note['segment']}: {plan.examples} examples, {plan.steps} steps, {int(plan.tokens_after[-1]):,} tokens, "
        f"{trainable_parameters(model):,} weights to learn, on {device}"
        + (f", resuming {resume.name}" if resume else "")
    )
    trainer = AdapterTrainer(
        model=model,
        recipe=recipe,
        plan=plan,
        train=data,
        validation=held_out,
        collator=Collator(tokenizer.pad_token_id, recipe.batch.padding_free, model.config.is_encoder_decoder),
        folder=checkpoints,
        stop=stop,
        on_validation=progress.on_validation,
        callbacks=[progress, *_tracking(recipe, output, step_of(resume) if resume else 0)],
        device=device,
    )
    stop.check()
    if not (resume and _has_ended(resume, recipe, plan.steps, validations)):
        try:
            _run(trainer, resume, stop, validations)
        except Interrupted:
            progress.write("interrupted")
            log.close()
            raise
    else:
        progress.step = step_of(resume)
    progress.write("saving")
    last = newest_complete(checkpoints, reporter.say)
    if last is None:
        raise RuntimeError(f"no complete checkpoint in {checkpoints}: the disk may be full")
    outcome = publish_adapter(output, last, recipe)
    progress.write("done", loss=outcome["loss"])
    log.close()
    base_model = base.describe(recipe.base_model, source)
    write_manifest(
        output,
        _manifest(
            note=note,
            recipe=recipe,
            progress=progress,
            outcome=outcome,
            data=data,
            held_out=held_out,
            base_model=base_model,
        ),
    )
    return read_adapter(output)


def _model(recipe: Recipe, source: str, device: str, *, short_rows: bool) -> Any:
    try:
        model = base.load_model(
            source, dtype=DTYPES[recipe.dtype], attention=recipe.speed.attention, short_rows=short_rows
        )
    except ImportError as error:
        raise MissingBaseModelError(
            f"speed.attention {recipe.speed.attention!r} is not available here: {error}"
        ) from error
    adapted = add_lora(model, recipe.lora, recipe.seed)
    if recipe.speed.fused_lora:
        fuse_lora(adapted)
    return adapted.to(device)


def _run(trainer: AdapterTrainer, resume: Path | None, stop: StopRequest, validations: set[int]) -> None:
    if resume is not None:
        state = checkpoint_state(resume)
        validated = any(
            "eval_loss" in entry and entry["step"] == state["global_step"] for entry in state["log_history"]
        )
        if state["global_step"] in validations and not validated:
            trainer.validate_first()
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except Interrupted:
        trainer.save_now()
        raise
    if stop.reason and trainer.state.global_step < trainer.plan.steps:
        raise Interrupted(stop.reason)


def _has_ended(checkpoint: Path, recipe: Recipe, steps: int, validations: set[int]) -> bool:
    """Whether the killed run had nothing left to train: all steps done and validated, or stopped early."""
    state = checkpoint_state(checkpoint)
    history = [(entry["step"], entry["eval_loss"]) for entry in state["log_history"] if "eval_loss" in entry]
    validated = state["global_step"] not in validations or any(step == state["global_step"] for step, _ in history)
    rule = recipe.validation
    early = out_of_patience([loss for _, loss in history], rule.patience, rule.min_delta)
    return validated and (early or state["global_step"] >= steps)


def _tracking(recipe: Recipe, output: Path, resume_step: int) -> list[transformers.TrainerCallback]:
    if recipe.logging.tracking != "tensorboard":
        return []
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations.integration_utils import TensorBoardCallback

    writer = SummaryWriter(str(output / "tensorboard"), purge_step=resume_step + 1 if resume_step else None)
    return [TensorBoardCallback(writer)]


def _manifest(
    *,
    note: dict[str, Any],
    recipe: Recipe,
    progress: Progress,
    outcome: dict[str, Any],
    data: Examples,
    held_out: Examples,
    base_model: dict[str, Any],
) -> dict[str, Any]:
    seconds = progress.seconds()
    return {
        **note,
        "method": recipe.method,
        "base_model": base_model,
        "stopped_early": outcome["steps"] < progress.plan.steps,
        "examples": {"train": progress.plan.examples, "validation": len(held_out.tokens)},
        "truncated": {"train": data.cut, "validation": held_out.cut},
        "metrics": {
            **outcome,
            "planned_steps": progress.plan.steps,
            "epochs": round(float(progress.plan.epoch_after[outcome["steps"]]), 4),
            "tokens": int(progress.plan.tokens_after[outcome["steps"]]),
            "tokens_per_second": progress.tokens_per_second() or outcome["tokens_per_second"],
            "seconds": round(seconds, 2),
            "peak_memory_bytes": peak_memory_bytes(),
        },
        "cost": {
            "amount": round(seconds / 3600 * recipe.cost.per_hour, 4),
            "per_hour": recipe.cost.per_hour,
            "currency": recipe.cost.currency,
        },
    }

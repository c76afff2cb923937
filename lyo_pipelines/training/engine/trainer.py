"""The Hugging Face Trainer with our loss, our order of batches, our validation and checkpoints that are whole or absent.

Optimizer, schedule, gradient accumulation, clipping, mixed devices, resuming and tracking are the Trainer's own. What all
trainers share stands in `Planned`; `MarkedCheckpoints` alone makes any other Trainer's checkpoints fit to resume from.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader

from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.training.batches import TrainingPlan, evaluation_batches
from lyo_pipelines.training.checkpoints import is_marked, mark_complete, rotate_checkpoints, step_of
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine.data import IGNORED, Collator, Examples, ExamplesDataset
from lyo_pipelines.training.engine.loss import token_losses
from lyo_pipelines.training.recipes import Recipe

NEVER = 10**9


class MarkedCheckpoints(transformers.Trainer):
    """Checkpoints that are marked when they are whole, and rotated by completeness. `keep`: how many of the newest stay."""

    keep: int

    def save_now(self) -> Path:
        """Write a complete checkpoint of this moment."""
        self._save_checkpoint(self.model, None)
        return Path(self.args.output_dir or ".") / f"checkpoint-{self.state.global_step}"

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir or ".")
        super()._save_checkpoint(model, trial)
        mark_complete(folder / f"checkpoint-{self.state.global_step}")
        rotate_checkpoints(folder, self.keep, best_steps(folder, self.keep))


class Planned(MarkedCheckpoints):
    """Trains along a plan. `on_validation(done, total)` reports progress within a validation."""

    def __init__(
        self,
        *,
        model: Any,
        recipe: Recipe,
        plan: TrainingPlan,
        train: Examples,
        validation: Examples,
        collator: Collator,
        folder: Path,
        stop: StopRequest,
        on_validation: Callable[[int, int], None],
        callbacks: list[transformers.TrainerCallback],
        device: str,
    ) -> None:
        self.recipe, self.plan, self.validation, self.collator = recipe, plan, validation, collator
        self.stop, self.on_validation, self.keep = stop, on_validation, recipe.checkpoints.keep
        super().__init__(
            model=model,
            args=training_arguments(recipe, plan, folder, device, encoder_decoder=collator.encoder_decoder),
            train_dataset=ExamplesDataset(train),
            data_collator=collator,
            callbacks=callbacks,
        )
        self.loss_is_scaled_for_ga = True  # compute_loss divides by the weight of the whole accumulated batch
        self.remove_callback(transformers.PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Micro-batches in the planned order: the whole training is one pass over the plan."""
        batches = [list(batch) for batch in self.plan.micro_batches]
        dataset = self.train_dataset
        return DataLoader(dataset, batch_sampler=batches, collate_fn=self.collator)  # pyright: ignore[reportArgumentType]

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        """The weight of all answer tokens of one optimizer step."""
        shift = 0 if self.collator.encoder_decoder else 1
        total = torch.zeros((), dtype=torch.float32)
        for batch in batch_samples:
            total += (batch["weights"][:, shift:] * (batch["labels"][:, shift:] != IGNORED)).sum()
        return total.clamp_min(1e-8).to(device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Weighted sum of this micro-batch's token losses over the weight of the whole optimizer step."""
        losses, weights = token_losses(
            model,
            inputs,
            encoder_decoder=self.collator.encoder_decoder,
            loss_positions_only=self.recipe.speed.loss_positions_only,
        )
        total = num_items_in_batch if num_items_in_batch is not None else weights.sum()
        loss = (losses * weights).sum() / total
        return (loss, None) if return_outputs else loss

    @torch.no_grad()
    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Token-weighted loss of the validation answers (example weights play no part). Raises Interrupted on a stop request."""
        model: Any = self.model
        model.eval()
        data = ExamplesDataset(self.validation)
        batches = evaluation_batches(self.validation.lengths, self.recipe.batch.size * 2)
        total = torch.zeros((), dtype=torch.float64)
        count = 0
        for done, indices in enumerate(batches, start=1):
            if self.stop.reason:
                raise Interrupted(self.stop.reason)
            batch = self._prepare_inputs(self.collator([data[i] for i in indices]))
            losses, _ = token_losses(model, batch, encoder_decoder=self.collator.encoder_decoder)
            total += losses.double().sum().cpu()
            count += losses.numel()
            self.on_validation(done, len(batches))
        metrics = {"eval_loss": float(total) / max(count, 1)}
        self._determine_best_metric(metrics, None)
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def validate_first(self) -> None:
        """Validate before going on: the run that made the checkpoint was stopped before it had validated there."""
        self.args.eval_on_start = True


class AdapterTrainer(Planned):
    """For causal models."""


class EncoderDecoderTrainer(Planned, transformers.Seq2SeqTrainer):
    """For encoder-decoder models: the conversation goes into the encoder, the answer comes out of the decoder."""


def best_steps(folder: Path, keep: int) -> set[int]:
    """The best steps that the newest `keep` checkpoints refer to: whichever is resumed from, its best one is still there."""
    states = sorted(folder.glob("checkpoint-*/trainer_state.json"), key=lambda path: step_of(path.parent))[-keep:]
    found = (json.loads(path.read_bytes()).get("best_global_step") for path in states if is_marked(path.parent))
    return {step for step in found if step}


def training_arguments(
    recipe: Recipe, plan: TrainingPlan, folder: Path, device: str, *, encoder_decoder: bool = False
) -> transformers.TrainingArguments:
    """The settings as the Trainer takes them."""
    kind = transformers.Seq2SeqTrainingArguments if encoder_decoder else transformers.TrainingArguments
    arguments = kind(**training_settings(recipe, plan, folder, device))
    if arguments.n_gpu > 1:  # the Trainer would spread one batch over all GPUs it sees; we hold the lock of one
        arguments._n_gpu = 1
    return arguments


def training_settings(
    recipe: Recipe, plan: TrainingPlan, folder: Path, device: str
) -> dict[str, Any]:  # the Trainer's arguments
    """What any Trainer must know; evaluating, saving and logging are steered by our callback."""
    warmup = round(recipe.optimizer.warmup_ratio * plan.steps)
    return {
        "output_dir": str(folder),
        "max_steps": plan.steps,
        "per_device_train_batch_size": recipe.batch.size,
        "gradient_accumulation_steps": recipe.batch.accumulation,
        "learning_rate": recipe.optimizer.learning_rate,
        "lr_scheduler_type": {"constant": "constant_with_warmup"}.get(
            recipe.optimizer.schedule, recipe.optimizer.schedule
        ),
        "warmup_steps": warmup,
        "weight_decay": recipe.optimizer.weight_decay,
        "max_grad_norm": recipe.optimizer.max_grad_norm,
        "optim": "adamw_torch" if device == "cpu" else "adamw_torch_fused",
        "seed": recipe.seed,
        "use_cpu": device == "cpu",
        # a frozen model is loaded in its dtype beside a float32 adapter: no autocast between them; weights that are all learnt are
        # float32, for a step of 2e-5 is lost in bfloat16, and only their products are bfloat16
        "bf16": recipe.method == "full" and training_dtype(recipe, device) == "bfloat16",
        "activation_checkpointing": recipe.speed.gradient_checkpointing,
        "eval_strategy": "no",
        "save_strategy": "steps",  # the Trainer then remembers the best step
        "save_steps": NEVER,
        "logging_strategy": "no",
        "logging_nan_inf_filter": False,  # it would show the mean of the steps before in place of a loss that is no number
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "save_total_limit": None,  # ours goes by completeness, the Trainer's by age
        "report_to": [],  # trackers read metrics.jsonl (tracking.py): their own callbacks send code, hosts and environment
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "average_tokens_across_devices": False,
        "dataloader_pin_memory": device != "cpu",
    }

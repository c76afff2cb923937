"""The Hugging Face Trainer with our loss, our order of batches, our validation and checkpoints that are whole or absent.

Optimizer, schedule, gradient accumulation, clipping, mixed devices, resuming and tracking are the Trainer's own. What all
trainers share stands in `Planned`; `MarkedCheckpoints` alone makes any other Trainer's checkpoints fit to resume from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader

from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.training.batches import TrainingPlan, deal, evaluation_batches
from lyo_pipelines.training.checkpoints import is_marked, mark_complete, rotate_checkpoints, step_of
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine.data import IGNORED, Collator, Examples, ExamplesDataset
from lyo_pipelines.training.engine.loss import token_losses
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.engine.sharded import is_sharded, load_state, shard_model, whole_state, whole_weights
from lyo_pipelines.training.recipes import Recipe

NEVER = 10**9


class MarkedCheckpoints(transformers.Trainer):
    """Checkpoints that are marked when they are whole, and rotated by completeness. `keep`: how many of the newest stay.

    Of several processes the first one marks them, after all have written theirs.
    """

    keep: int
    ranks: Ranks = ALONE

    def save_now(self) -> Path:
        """Write a complete checkpoint of this moment."""
        self._save_checkpoint(self.model, None)
        return Path(self.args.output_dir or ".") / f"checkpoint-{self.state.global_step}"

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir or ".")
        super()._save_checkpoint(model, trial)
        self.ranks.wait()
        if self.ranks.first:
            mark_complete(folder / f"checkpoint-{self.state.global_step}")
            rotate_checkpoints(folder, self.keep, best_steps(folder, self.keep))
        self.ranks.wait()


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
        ranks: Ranks = ALONE,
    ) -> None:
        self.recipe, self.plan, self.validation, self.collator = recipe, plan, validation, collator
        self.ranks, self.share = ranks, deal(plan, ranks.count)[ranks.rank]
        self.stop, self.on_validation, self.keep = stop, on_validation, recipe.checkpoints.keep
        super().__init__(
            model=model,
            args=training_arguments(
                recipe,
                plan,
                folder,
                device,
                encoder_decoder=collator.encoder_decoder,
                accumulation=self.share.accumulation,
            ),
            train_dataset=ExamplesDataset(train),
            data_collator=collator,
            callbacks=callbacks,
        )
        self.loss_is_scaled_for_ga = True  # compute_loss divides by the weight of the whole accumulated batch
        self.remove_callback(transformers.PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This process's micro-batches in the planned order: the whole training is one pass over the plan."""
        batches = [list(self.plan.micro_batches[place.number]) for place in self.share.places]
        dataset = self.train_dataset
        return DataLoader(dataset, batch_sampler=batches, collate_fn=self.collator)  # pyright: ignore[reportArgumentType]

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], torch.Tensor]:
        """This process's micro-batches of one step, each with its number in the plan; and the weight of the whole step."""
        samples = list(islice(epoch_iterator, num_batches))
        for batch, place in zip(samples, self.share.of_step(self.state.global_step), strict=True):
            batch["number"] = place.number
            if not place.counted:
                batch["weights"] = torch.zeros_like(batch["weights"])
        return samples, self._get_num_items_in_batch(samples, device)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        """The weight of all answer tokens of one optimizer step, in all processes."""
        shift = 0 if self.collator.encoder_decoder else 1
        total = torch.zeros((), dtype=torch.float32)
        for batch in batch_samples:
            total += (batch["weights"][:, shift:] * (batch["labels"][:, shift:] != IGNORED)).sum()
        if self.ranks.count > 1:
            total = torch.tensor(self.ranks.total(float(total))[0], dtype=torch.float32)
        return total.clamp_min(1e-8).to(device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Weighted sum of this micro-batch's token losses over the weight of the whole optimizer step.

        Times the number of processes, whose gradients (and logged losses) are averaged. What dropout drops hangs on the seed and
        on the micro-batch's number alone, so that it is the same in whichever process, and after a resumption.
        """
        torch.manual_seed(drawn_seed(self.recipe.seed, inputs["number"]))
        losses, weights = token_losses(
            model,
            inputs,
            encoder_decoder=self.collator.encoder_decoder,
            loss_positions_only=self.recipe.speed.loss_positions_only,
        )
        total = num_items_in_batch if num_items_in_batch is not None else weights.sum()
        loss = (losses * weights).sum() / total * self.ranks.count
        return (loss, None) if return_outputs else loss

    @torch.no_grad()
    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Token-weighted loss of the validation answers (example weights play no part). Raises Interrupted on a stop request."""
        model: Any = self.model
        model.eval()
        data = ExamplesDataset(self.validation)
        batches = evaluation_batches(self.validation.lengths, self.recipe.batch.size * 2)
        here, processes = torch.zeros((), dtype=torch.float64), self.ranks.count
        counted = 0
        for start in range(0, len(batches), processes):
            if self.ranks.agree_to_stop(self.stop):
                raise Interrupted(self.stop.reason)
            # a process without a batch of its own reads the last one with the others: a model that is split needs all of them
            mine = start + self.ranks.rank
            batch = self._prepare_inputs(self.collator([data[i] for i in batches[min(mine, len(batches) - 1)]]))
            losses, _ = token_losses(model, batch, encoder_decoder=self.collator.encoder_decoder)
            if mine < len(batches):
                here += losses.double().sum().cpu()
                counted += losses.numel()
            self.on_validation(min(start + processes, len(batches)), len(batches))
        total, count = self.ranks.total(float(here), counted)
        metrics = {"eval_loss": total / max(count, 1)}
        self._determine_best_metric(metrics, None)
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    # -- a model that is split over the processes ------------------------------------------------------------------
    def _move_model_to_device(self, model: Any, device: torch.device) -> None:
        """A model that will be split goes onto its device part by part."""
        if self.recipe.sharding != "fsdp":
            super()._move_model_to_device(model, device)

    def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
        """Split the model after a checkpoint was read into it and before the optimizer holds its weights."""
        if self.recipe.sharding == "fsdp" and self.ranks.count > 1:
            shard_model(self.model, self.args.device.type)
        return super()._prepare_for_training(*args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, whole_weights(self.model) if is_sharded(self.model) else state_dict)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not is_sharded(self.model):
            super()._save_optimizer_and_scheduler(output_dir)
            return
        state = whole_state(self.optimizer)
        if self.args.should_save:
            torch.save(state, Path(output_dir) / "optimizer.pt")
            scheduler: Any = self.lr_scheduler
            torch.save(scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not is_sharded(self.model):
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        load_state(self.optimizer, torch.load(Path(checkpoint) / "optimizer.pt", weights_only=True))
        scheduler: Any = self.lr_scheduler
        scheduler.load_state_dict(torch.load(Path(checkpoint) / "scheduler.pt", weights_only=True))

    def validate_first(self) -> None:
        """Validate before going on: the run that made the checkpoint was stopped before it had validated there."""
        self.args.eval_on_start = True


class AdapterTrainer(Planned):
    """For causal models."""


class EncoderDecoderTrainer(Planned, transformers.Seq2SeqTrainer):
    """For encoder-decoder models: the conversation goes into the encoder, the answer comes out of the decoder."""


def drawn_seed(seed: int, number: int) -> int:
    """The seed of what is drawn at random in one micro-batch."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def best_steps(folder: Path, keep: int) -> set[int]:
    """The best steps that the newest `keep` checkpoints refer to: whichever is resumed from, its best one is still there."""
    states = sorted(folder.glob("checkpoint-*/trainer_state.json"), key=lambda path: step_of(path.parent))[-keep:]
    found = (json.loads(path.read_bytes()).get("best_global_step") for path in states if is_marked(path.parent))
    return {step for step in found if step}


def training_arguments(
    recipe: Recipe,
    plan: TrainingPlan,
    folder: Path,
    device: str,
    *,
    encoder_decoder: bool = False,
    accumulation: int | None = None,
) -> transformers.TrainingArguments:
    """The settings as the Trainer takes them. accumulation: micro-batches of a step in this process (default: all of them)."""
    kind = transformers.Seq2SeqTrainingArguments if encoder_decoder else transformers.TrainingArguments
    own: dict[str, Any] = {} if accumulation is None else {"gradient_accumulation_steps": accumulation}
    arguments = kind(**training_settings(recipe, plan, folder, device) | own)
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
        "ddp_find_unused_parameters": False,
        "ddp_broadcast_buffers": False,
        "dataloader_pin_memory": device != "cpu",
    }

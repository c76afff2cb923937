"""Preference tuning on top of an adapter: TRL's KTO and DPO trainers, fed with our tokens, our plan and whole checkpoints.

The losses are TRL's (Ethayarajh et al. 2024, https://arxiv.org/abs/2402.01306; Rafailov et al. 2023,
https://arxiv.org/abs/2305.18290). TRL keeps the adapter that training starts from as a second, frozen adapter "ref"; only
the tuned one is published. Reading the data belongs to preference_data.py.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from torch.utils.data import DataLoader
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.batches import TrainingPlan
from lyo_pipelines.training.checkpoints import step_of
from lyo_pipelines.training.engine.finish import checkpoint_state
from lyo_pipelines.training.engine.preference_data import PreferenceRows, plan_preferences, read_preferences
from lyo_pipelines.training.engine.progress import TrainingProgress, validation_steps
from lyo_pipelines.training.engine.run import has_ended, run_trainer
from lyo_pipelines.training.engine.session import Facts, Session, finish_training, open_training, tracking_run
from lyo_pipelines.training.engine.trainer import MarkedCheckpoints, training_settings
from lyo_pipelines.training.engine.tuning_start import fit_to_start_from, learn_in_float32, load_to_tune
from lyo_pipelines.training.memory import SHORT_ROWS_TOKENS
from lyo_pipelines.training.plan import TrainingResult, is_complete, read_adapter
from lyo_pipelines.training.recipes import Recipe


class _OurBatches(MarkedCheckpoints):
    """Micro-batches in the planned order, from rows that hold token ids already."""

    plan: TrainingPlan

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The whole training is one pass over the plan."""
        batches = [list(batch) for batch in self.plan.micro_batches]
        dataset: Any = self.train_dataset
        return DataLoader(dataset, batch_sampler=batches, collate_fn=self.data_collator)

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """TRL would render and tokenise texts here; ours are tokens, made as the model is asked."""
        return dataset


class KtoTrainer(_OurBatches, KTOTrainer):
    """Good and bad answers, each by itself. The mismatched answers of KTO's reference point are rotated within each micro-batch."""


class DpoTrainer(_OurBatches, DPOTrainer):
    """Pairs of a better and a worse answer."""


def train_preferences(
    recipe: Recipe,
    dataset_dir: Path,
    output: Path,
    models_dir: Path,
    *,
    start: Path,
    device: str,
    reporter: Reporter,
    stop: StopRequest,
) -> TrainingResult:
    """Tune the adapter in `start` on preference data, or go on where a killed run left off; returns the finished adapter.

    Raises UnfitStartError when the adapter does not fit the recipe, DatasetError without enough preferences, Interrupted after a
    stop request.
    """
    if is_complete(output):
        return read_adapter(output)
    adapter = fit_to_start_from(start, recipe)
    session = open_training(
        recipe, dataset_dir, output, models_dir, device=device, reporter=reporter, stop=stop, start=adapter
    )
    train, held_out = (
        read_preferences(dataset_dir, recipe.method, split, session.tokenizer, session.limit)
        for split in ("train", "validation")
    )
    plan = plan_preferences(train.lengths, recipe)
    four_bit = adapter.manifest.base_in_4_bits
    model = load_to_tune(session, start, short_rows=session.limit <= SHORT_ROWS_TOKENS, four_bit=four_bit)
    reporter.say(
        f"{session.note.segment}: {recipe.method} from {adapter.version}, {plan.examples} {train.unit}, {plan.steps} steps, on "
        f"{device}" + (f", resuming {session.resume.name}" if session.resume else "")
    )
    progress = _train(session, model, plan, train, held_out)
    facts = Facts(
        examples={"train": plan.examples, "validation": len(held_out.lengths)},
        truncated={"train": train.cut, "validation": held_out.cut},
        rewards=_rewards(session),
        tuned_in_4_bits=four_bit,
    )
    return finish_training(session, progress, facts, model=model, examples=train.answered())


def _train(
    session: Session, model: Any, plan: TrainingPlan, train: PreferenceRows, held_out: PreferenceRows
) -> TrainingProgress:
    recipe, stop = session.recipe, session.stop
    validations = validation_steps(recipe, plan.steps, held_out.lengths, int(plan.tokens_after[-1]))
    progress = TrainingProgress(
        recipe=recipe, plan=plan, log=session.log, stop=stop, validations=validations, tell=session.reporter.tell
    )
    trainer = make_trainer(session, model, plan, train, held_out, [progress, *tracking_run(session)])
    stop.check()
    if session.resume and has_ended(session.resume, recipe, plan.steps, validations):
        progress.step = step_of(session.resume)
    else:
        run_trainer(trainer, session, progress, plan.steps)
    return progress


def make_trainer(
    session: Session,
    model: Any,
    plan: TrainingPlan,
    train: PreferenceRows,
    held_out: PreferenceRows,
    callbacks: list[Any],
) -> Any:
    """TRL's trainer for the recipe's method."""
    recipe, kto = session.recipe, session.recipe.method == "kto"
    own: dict[str, Any] = {  # arguments of TRL's configuration
        "beta": recipe.preference.beta,
        "max_length": None,  # cut already, from the right end
        "per_device_eval_batch_size": recipe.batch.size,
        "gradient_checkpointing": recipe.speed.gradient_checkpointing,
    }
    if kto:
        own |= {
            "desirable_weight": recipe.preference.desirable_weight,
            "undesirable_weight": recipe.preference.undesirable_weight,
        }
    settings = training_settings(recipe, plan, session.checkpoints, session.device) | own
    kind, arguments = (KtoTrainer, KTOConfig) if kto else (DpoTrainer, DPOConfig)
    torch.manual_seed(recipe.seed)
    # TRL asks for a property by the name it had before transformers 5.22
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
    trainer: Any = cast("Any", kind)(
        model=model,
        args=arguments(**settings),
        train_dataset=train.dataset,
        eval_dataset=held_out.dataset if len(held_out.lengths) else None,
        processing_class=session.tokenizer,
        callbacks=callbacks,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    learn_in_float32(model)  # TRL casts an adapter on 4 bits to bfloat16
    trainer.plan, trainer.keep = plan, recipe.checkpoints.keep
    if kto:
        trainer.data_collator = train.with_mismatched(trainer.data_collator)
    return trainer


def _rewards(session: Session) -> dict[str, float | None]:
    """What the last validation says of the rewards (beta times the log ratio to the adapter it started from)."""
    state = checkpoint_state(max(session.checkpoints.glob("checkpoint-*"), key=step_of))
    told = [entry for entry in state["log_history"] if "eval_loss" in entry]
    names = ("eval_rewards/margins", "eval_rewards/accuracies", "eval_rewards/chosen", "eval_rewards/rejected")
    last = told[-1] if told else {}
    found = {name.removeprefix("eval_").replace("/", "_"): last[name] for name in names if name in last}
    return {name: value if math.isfinite(value) else None for name, value in found.items()}

"""One training from beginning to end: open, plan, train (or resume), finish. The command line belongs to __main__."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.training.batches import TrainingPlan, plan_training, seen_by_segment
from lyo_pipelines.training.checkpoints import step_of
from lyo_pipelines.training.dimensions import dimensions_of
from lyo_pipelines.training.divergence import DivergedError, note_divergence
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine.data import Collator, Examples, read_split
from lyo_pipelines.training.engine.finish import checkpoint_state
from lyo_pipelines.training.engine.lora import trainable_parameters
from lyo_pipelines.training.engine.model_building import build_model, largest_batch
from lyo_pipelines.training.engine.progress import TrainingProgress, out_of_patience, validation_steps
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.engine.session import Facts, Session, finish_training, open_training, tracking_run
from lyo_pipelines.training.engine.sight import Sight, open_sight
from lyo_pipelines.training.engine.trainer import AdapterTrainer, EncoderDecoderTrainer, MarkedCheckpoints
from lyo_pipelines.training.memory import estimate_memory, require_memory
from lyo_pipelines.training.plan import TrainingResult, is_complete, read_adapter
from lyo_pipelines.training.recipes import Recipe

ROW_MULTIPLE = 128
"""On a GPU rows without padding are filled up to a multiple of flex attention's block: fewer shapes to compile for."""


def train_adapter(
    recipe: Recipe,
    dataset_dir: Path,
    output: Path,
    models_dir: Path,
    *,
    device: str,
    reporter: Reporter,
    stop: StopRequest,
    ranks: Ranks = ALONE,
) -> TrainingResult:
    """Train, or go on where a killed run left off; returns the finished adapter. ranks: who trains it together.

    Raises Interrupted after a stop request (its checkpoint is written), or an error of this room whose message says what to do.
    """
    if is_complete(output):
        return read_adapter(output)
    session = open_training(
        recipe, dataset_dir, output, models_dir, device=device, reporter=reporter, stop=stop, ranks=ranks
    )
    tokenizer, limit = session.tokenizer, session.limit
    sight = open_sight(session)
    data = read_split(dataset_dir, "train", tokenizer, limit, images=recipe.images, sight=sight)
    held_out = read_split(
        dataset_dir, "validation", tokenizer, limit, max_examples=recipe.validation.max_examples, seed=recipe.seed,
        images=recipe.images, sight=sight,
    )  # fmt: skip
    _say_left_out(session, train=data, validation=held_out)
    plan = plan_training(
        data.lengths, recipe.batch, recipe.budget, recipe.seed, segments=data.segments, mixing=recipe.mixing
    )
    _check_memory(session, plan, data)
    longest = int(max(data.lengths.max(initial=0), held_out.lengths.max(initial=0)))
    model = build_model(recipe, session.source, device, longest=longest)
    reporter.say(
        f"{session.note.segment}: {plan.examples} examples, {plan.steps} steps, {int(plan.tokens_after[-1]):,} tokens, "
        f"{trainable_parameters(model):,} weights to learn, on {device}"
        + (f" in {ranks.count} processes" if ranks.count > 1 else "")
        + (f", resuming {session.resume.name}" if session.resume else "")
    )
    progress = _train(session, model, plan, data, held_out, sight)
    return finish_training(
        session,
        progress,
        Facts(
            examples={"train": plan.examples, "validation": len(held_out.tokens)},
            truncated={"train": data.cut, "validation": held_out.cut},
            mixture=seen_by_segment(plan, data.segments),
            left_out={
                name: found.left_out for name, found in (("train", data), ("validation", held_out)) if found.left_out
            },
            pictured=sum(bool(one.files) for one in data.tokens),
        ),
        model=model,
        examples=data.tokens,
    )


def _say_left_out(session: Session, **splits: Examples) -> None:
    """Say which rows are not learnt from and why. Raises DatasetError where none is left."""
    for split, found in splits.items():
        for why, count in found.left_out.items():
            session.reporter.say(f"{session.note.segment}: {count:,} examples of {split} are left out: each {why}")
        if found.left_out and not found.tokens:
            raise DatasetError(f"{session.dataset_dir}: no example of {split} is left that this recipe can learn")


def _check_memory(session: Session, plan: TrainingPlan, data: Examples) -> None:
    dimensions = dimensions_of(session.recipe.base_model, Path(session.source))
    if dimensions is None:  # an architecture that the estimate does not know
        return
    batch = largest_batch(plan, data.tokens, session.recipe, encoder_decoder=dimensions.decoder_layers > 0)
    dtype = training_dtype(session.recipe, session.device)
    needed = estimate_memory(
        dimensions, session.recipe, batch, session.device, dtype=dtype, processes=session.ranks.local
    )
    require_memory(needed, session.recipe, session.device)


def _train(
    session: Session, model: Any, plan: TrainingPlan, data: Examples, held_out: Examples, sight: Sight | None
) -> TrainingProgress:
    recipe, stop = session.recipe, session.stop
    validations = validation_steps(recipe, plan.steps, held_out.lengths, int(plan.tokens_after[-1]))
    progress = TrainingProgress(
        recipe=recipe, plan=plan, log=session.log, stop=stop, validations=validations,
        tell=session.reporter.tell, ranks=session.ranks,
    )  # fmt: skip
    encoder_decoder = bool(model.config.is_encoder_decoder)
    trainer = (EncoderDecoderTrainer if encoder_decoder else AdapterTrainer)(
        model=model,
        recipe=recipe,
        plan=plan,
        train=data,
        validation=held_out,
        collator=Collator(
            session.tokenizer.pad_token_id,
            recipe.batch.padding_free,
            encoder_decoder,
            1 if session.device == "cpu" else ROW_MULTIPLE,
            sight,
        ),
        folder=session.checkpoints,
        stop=stop,
        on_validation=progress.on_validation,
        callbacks=[progress, *tracking_run(session)],
        device=session.device,
        ranks=session.ranks,
    )
    if session.ranks.agree_to_stop(stop):
        stop.check()
    resume = session.resume
    if resume and has_ended(resume, recipe, plan.steps, validations):
        progress.step = step_of(resume)
        return progress
    if resume and was_not_validated(resume, validations):
        trainer.validate_first()
    run_trainer(trainer, session, progress, plan.steps)
    return progress


def run_trainer(trainer: MarkedCheckpoints, session: Session, progress: TrainingProgress, steps: int) -> None:
    """Train to the end, or to a stop request: then a checkpoint of that moment is kept and Interrupted raised.

    Raises DivergedError, with a note of it in the output folder, where the numbers run away.
    """
    try:
        try:
            trainer.train(resume_from_checkpoint=str(session.resume) if session.resume else None)
        except Interrupted:
            trainer.save_now()
            raise
        if session.stop.reason and trainer.state.global_step < steps:
            raise Interrupted(session.stop.reason)
    except Interrupted:
        progress.write("interrupted")
        session.log.close()
        raise
    except DivergedError as error:  # before its checkpoint is written: the ones there are sound
        progress.write("diverged")
        session.log.close()
        if session.ranks.first:
            note_divergence(session.output, error)
        raise


def was_not_validated(checkpoint: Path, validations: set[int]) -> bool:
    """Whether the run that made the checkpoint was stopped before a validation that was due there."""
    state = checkpoint_state(checkpoint)
    step = state["global_step"]
    return step in validations and not any("eval_loss" in e and e["step"] == step for e in state["log_history"])


def has_ended(checkpoint: Path, recipe: Recipe, steps: int, validations: set[int]) -> bool:
    """Whether the killed run had nothing left to train: all steps done and validated, or stopped early."""
    state = checkpoint_state(checkpoint)
    losses = [entry["eval_loss"] for entry in state["log_history"] if "eval_loss" in entry]
    early = out_of_patience(losses, recipe.validation.patience, recipe.validation.min_delta)
    return not was_not_validated(checkpoint, validations) and (early or state["global_step"] >= steps)

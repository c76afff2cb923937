"""What every training has around it, whatever is learnt in between: opened (claimed, resumed, its base found) and finished
(best checkpoint published, manifest written). The loop in between belongs to run.py and to other trainers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from lyo_pipelines.contracts.adapter import (
    AdapterManifest,
    ReinforcementRecord,
    TrainingCost,
    TrainingMetrics,
    TrainingNote,
)
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.checkpoints import newest_complete, step_of
from lyo_pipelines.training.divergence import DivergedError, diverged, first_divergence, note_divergence
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.chat import Tokens
from lyo_pipelines.training.engine.finish import (
    DamagedCheckpointError,
    checkpoint_state,
    publish_adapter,
    write_manifest,
)
from lyo_pipelines.training.engine.output_claim import claim_output
from lyo_pipelines.training.engine.probing import write_probes
from lyo_pipelines.training.engine.progress import TrainingProgress, peak_memory_bytes
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.machine_name import machine_name
from lyo_pipelines.training.metrics_log import MetricsLog, MutedLog
from lyo_pipelines.training.plan import METRICS, TrainingResult, read_adapter
from lyo_pipelines.training.probes import Quantisation
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD, TRACKED_BY_PROCESS, Recipe
from lyo_pipelines.training.tracking import start_tracking


@dataclass(frozen=True)
class Facts:
    """What a kind of training knows of its own data, as the manifest says it (see AdapterManifest)."""

    examples: dict[str, int]
    truncated: dict[str, dict[str, int]]
    mixture: dict[str, dict[str, int]] = field(default_factory=dict)
    rewards: dict[str, float | None] = field(default_factory=dict)
    tuned_in_4_bits: bool = False
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    pictured: int = 0
    reinforcement: ReinforcementRecord | None = None


@dataclass(frozen=True)
class Session:
    """One training that has begun. `resume`: the checkpoint it goes on from, or None; `limit`: tokens of an example at most;
    `ranks`: which of the processes that train it together this is.
    """

    recipe: Recipe
    dataset_dir: Path
    output: Path
    models_dir: Path
    device: str
    reporter: Reporter
    stop: StopRequest
    note: TrainingNote
    resume: Path | None
    log: MetricsLog
    source: str
    tokenizer: Any
    limit: int
    ranks: Ranks = ALONE

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.output / "checkpoints"

    @property
    def resume_step(self) -> int:
        """The step it goes on from; 0 for a new training."""
        return step_of(self.resume) if self.resume else 0


def open_training(
    recipe: Recipe,
    dataset_dir: Path,
    output: Path,
    models_dir: Path,
    *,
    device: str,
    reporter: Reporter,
    stop: StopRequest,
    start: TrainingResult | None = None,
    ratings: str | None = None,
    ranks: Ranks = ALONE,
) -> Session:
    """Claim the folder, find the checkpoint to go on from, and load the tokenizer. Raises what claim_output raises.

    start: the adapter that training starts from, where it does; ratings: fingerprint of the preference data it learns ratings from.
    """
    note = claim_output(output, dataset_dir, recipe, start, ratings)
    resume = ranks.of_first(newest_complete(output / "checkpoints", reporter.say) if ranks.first else None)
    step = step_of(resume) if resume else 0
    if resume is not None:
        _require_numbers(resume, recipe)
    log = MetricsLog(output / METRICS, step) if ranks.first else MutedLog(output / METRICS)
    log.write("loading", step=step, seconds=log.seconds_before, memory_bytes=peak_memory_bytes())
    torch.set_num_threads(recipe.speed.threads or max(1, len(os.sched_getaffinity(0)) // ranks.local))
    transformers.set_seed(recipe.seed)
    if (dtype := training_dtype(recipe, device)) != recipe.dtype:
        reporter.say(f"{device} does not multiply {recipe.dtype} natively: this training multiplies in {dtype}")
    source = ranks.first_alone(lambda: base.resolve(recipe.base_model, models_dir, reporter.say))
    return Session(
        recipe=recipe,
        dataset_dir=dataset_dir,
        output=output,
        models_dir=models_dir,
        device=device,
        reporter=reporter,
        stop=stop,
        note=note,
        resume=resume,
        log=log,
        source=source,
        tokenizer=base.load_tokenizer(source),
        limit=token_limit(recipe, dataset_dir, source, reporter.say),
        ranks=ranks,
    )


def _require_numbers(checkpoint: Path, recipe: Recipe) -> None:
    """Raise DivergedError where the history of a checkpoint holds a value that is no number: nothing good comes after it."""
    state = checkpoint_state(checkpoint)
    if (found := first_divergence(state["log_history"])) is not None:
        what, value, step = found
        raise diverged(recipe, what, value, step=step, steps=state["global_step"], before=step - 1)


def token_limit(recipe: Recipe, dataset_dir: Path, source: str, say: Callable[[str], None] = lambda _: None) -> int:
    """Tokens of an example at most: the recipe's figure for the dataset's tasks, or what the base model's positions allow."""
    wanted = max(recipe.batch.max_length_of(task) for task in DataManifest.read(dataset_dir / MANIFEST).tasks)
    known = base.positions(source)
    if known is None or wanted <= known:
        return wanted
    say(f"{recipe.base_model} knows {known} positions: examples are cut to that, not to the recipe's {wanted}")
    return known


def finish_training(
    session: Session, progress: TrainingProgress, facts: Facts, *, model: Any, examples: Sequence[Tokens]
) -> TrainingResult:
    """Publish the best checkpoint, measure its probes on some of the examples and write the manifest.

    facts: what this kind of training adds to it. model: the one that was trained; it gets the weights of the best checkpoint.
    """
    ranks = session.ranks
    progress.write("saving")
    published = _publish(session) if ranks.first else None
    ranks.wait()
    probes = write_probes(
        session.output, model, session.tokenizer, examples, _quantisation(session, facts), ranks=ranks
    )
    if published is not None:
        outcome, files = published[0], published[1] + probes
        progress.write("done", loss=outcome.loss)
        session.log.close()
        write_manifest(session.output, _manifest(session, progress, outcome, facts), files)
    ranks.wait()
    return read_adapter(session.output)


def _publish(session: Session) -> tuple[TrainingMetrics, list[str]]:
    """Publish the best checkpoint; what publish_adapter returns."""
    last = newest_complete(session.checkpoints, session.reporter.say)
    if last is None:
        raise DamagedCheckpointError(
            f"there is no complete checkpoint in {session.checkpoints}",
            hint="See whether the disk is full, and train again.",
        )
    try:
        return publish_adapter(session.output, last, session.recipe, session.tokenizer)
    except DivergedError as error:
        note_divergence(session.output, error)
        raise


def _quantisation(session: Session, facts: Facts) -> Quantisation:
    """In what the base was held."""
    four_bit = facts.tuned_in_4_bits or session.recipe.method == FOUR_BIT_METHOD
    return "4-bit" if four_bit else training_dtype(session.recipe, session.device)


def tracking_run(session: Session) -> list[transformers.TrainerCallback]:
    """Callbacks of the tracker that the recipe names, where the Trainer does not bring it itself; one on a server gets a process
    of its own, which is started here.
    """
    if not session.ranks.first:
        return []
    if session.recipe.logging.tracking in TRACKED_BY_PROCESS:
        start_tracking(session.output)
    if session.recipe.logging.tracking != "tensorboard":
        return []
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations.integration_utils import TensorBoardCallback

    purge = session.resume_step + 1 if session.resume else None
    return [TensorBoardCallback(SummaryWriter(str(session.output / "tensorboard"), purge_step=purge))]


def _manifest(session: Session, progress: TrainingProgress, outcome: TrainingMetrics, facts: Facts) -> AdapterManifest:
    recipe, plan, seconds = session.recipe, progress.plan, progress.seconds()
    metrics = outcome.model_copy(
        update={
            "planned_steps": plan.steps,
            "epochs": round(float(plan.epoch_after[outcome.steps]), 4),
            "tokens": int(plan.tokens_after[outcome.steps]),
            "tokens_per_second": progress.tokens_per_second() or outcome.tokens_per_second,
            "seconds": round(seconds, 2),
            "peak_memory_bytes": peak_memory_bytes(),
        }
    )
    cost = TrainingCost(
        amount=round(seconds / 3600 * recipe.cost.per_hour, 4),
        per_hour=recipe.cost.per_hour,
        currency=recipe.cost.currency,
    )
    return AdapterManifest(
        **session.note.model_dump(),
        method=recipe.method,
        tuned_in_4_bits=facts.tuned_in_4_bits,
        dtype=training_dtype(recipe, session.device),
        machine=machine_name(session.device, threads=recipe.speed.threads),
        base_model=base.describe(recipe.base_model, session.source),
        stopped_early=outcome.steps < plan.steps,
        metrics=metrics,
        cost=cost,
        examples=facts.examples,
        truncated=facts.truncated,
        mixture=facts.mixture,
        preference=facts.rewards,
        left_out=facts.left_out,
        pictured=facts.pictured,
        reinforcement=facts.reinforcement,
    )

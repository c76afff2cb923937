"""Learning from rewards for the adapter's own answers: TRL's GRPO trainer, fed with our prompts, our generation and whole checkpoints.

Several answers are drawn to each question, and each is learnt from by how much better than the others it was rewarded (Shao et al.
2024, https://arxiv.org/abs/2402.03300). The loss is TRL's; a KL term holds the adapter to a frozen copy of what it started from.
Guards end the training (guards.py); what is published is the best validation before they did.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import datasets
import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from lyo_pipelines.contracts.adapter import RatingModel, ReinforcementRecord
from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.stopping import Interrupted
from lyo_pipelines.training.batches import TrainingPlan, plan_training
from lyo_pipelines.training.checkpoints import step_of
from lyo_pipelines.training.engine.finish import TrainerState, checkpoint_state
from lyo_pipelines.training.engine.progress import TrainingProgress, validation_steps
from lyo_pipelines.training.engine.rollouts import Asker, Questions, Score, Scores
from lyo_pipelines.training.engine.run import has_ended, run_trainer, was_not_validated
from lyo_pipelines.training.engine.session import Facts, Session, finish_training, tracking_run
from lyo_pipelines.training.engine.trainer import MarkedCheckpoints, drawn_seed, training_settings
from lyo_pipelines.training.engine.tuning_start import learn_in_float32, load_to_tune
from lyo_pipelines.training.guards import Validation, held_against_start, rows_of, tripped
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.recipes import Recipe

_TRIPPED = "eval_guards"
"""In the history of a training: how many guards ended it at that validation."""
_WRITTEN = {"reward": "reward", "kl": "kl", "completions/mean_length": "answer_tokens"}
"""What a line of metrics.jsonl says of a step, beside its loss: TRL's name and ours."""


class GuardedError(LyoError):
    """The guards ended a training before it had anything to publish; the message says why."""


@dataclass(frozen=True)
class RewardedData:
    """train, validation: the questions; scores: what their answers are worth; checkable: of train, with a known result."""

    train: Questions
    validation: Questions
    scores: Scores
    checkable: int
    ratings: RatingModel


class RewardProgress(TrainingProgress):
    """Writes the reward, the judges and the distance from the start beside the losses, and stops where a guard says so."""

    def further(self, logs: Mapping[str, Any]) -> dict[str, Any]:
        """The figures of a step, or of a validation."""
        if "eval_loss" in logs:
            return {
                name.removeprefix("eval_"): value
                for name, value in logs.items()
                if name.startswith("eval_") and name != "eval_loss"
            }
        return {ours: logs[theirs] for theirs, ours in _WRITTEN.items() if logs.get(theirs) is not None}

    def on_evaluate(
        self, args: Any, state: transformers.TrainerState, control: transformers.TrainerControl, **kwargs: Any
    ) -> Any:
        """Stop where a guard tripped, or out of patience."""
        if why := _why_tripped(state.log_history, self.recipe):
            self.stopped_early = control.should_training_stop = True
            self.tell(f"stopped by its guards at step {self.step}: {why}")
            return control
        return super().on_evaluate(args, state, control, **kwargs)


class RewardTrainer(MarkedCheckpoints, GRPOTrainer):
    """GRPO in the planned order. Before training, set: plan, questions, scores, recipe, progress."""

    plan: TrainingPlan
    recipe: Recipe
    data: RewardedData
    asker: Asker
    progress: RewardProgress
    start: Validation | None = None

    def get_train_dataloader(self) -> DataLoader[Any]:
        """All answers of a step are written at its first micro-batch; TRL deals them out, so each of its batches is the whole step."""
        each, parts = self.recipe.reinforcement.generations, self.recipe.batch.accumulation
        steps = [[row for row in batch for _ in range(each)] for batch in self.plan.micro_batches]
        batches = [rows for rows in steps for _ in range(parts)]
        dataset: Any = self.train_dataset
        return DataLoader(dataset, batch_sampler=batches, collate_fn=list)

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """TRL would render texts here; ours are tokens, made as the model is asked. prompts: rows of `data.train`."""
        return [self.data.train.tokens[int(row)].prompt for row in prompts], None, {}

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[list[list[int]], None]:
        """Draw the answers of a step; what is drawn hangs on seed and step alone, so that a resumed run draws the same."""
        torch.manual_seed(drawn_seed(self.recipe.seed, self.state.global_step))
        return self.asker.write(prompt_ids, temperature=self.recipe.reinforcement.temperature), None

    @torch.no_grad()
    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The reward, the judges and the guards on the validation questions. `eval_loss` is what is missing of the whole reward.

        Raises Interrupted on a stop request.
        """
        model: Any = self.model
        model.eval()
        measure = (self.data.validation, self.data.scores, self.recipe.batch.size * 2, self._told)
        if self.start is None:
            self.start = self.asker.validate_start(*measure)
        now = self.asker.validate(*measure) if self.state.global_step else self.start
        figures = held_against_start(
            now, self.start, self.data.validation.groups, self.recipe.reinforcement, self.recipe.seed
        )
        metrics = {"eval_loss": 1 - figures["reward"]} | {f"eval_{name}": value for name, value in figures.items()}
        metrics[_TRIPPED] = float(len(tripped(figures, self.recipe.reinforcement)))
        self._determine_best_metric(metrics, None)
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Neither the start nor what a guard stopped is published; transformers asks again after each validation."""
        if metrics[_TRIPPED] or not self.state.global_step:
            return False
        return super()._determine_best_metric(metrics, trial)

    def _told(self, done: int, total: int) -> None:
        """Between two batches of a validation."""
        if self.progress.stop.reason:
            raise Interrupted(self.progress.stop.reason)
        self.progress.on_validation(done, total)


def train_by_rewards(session: Session, start: Path, data: RewardedData, *, four_bit: bool) -> TrainingResult:
    """Train the adapter in `start` by rewards, or go on where a killed run left off; returns the finished adapter.

    four_bit: its base is held in 4 bits. Raises DatasetError with too few questions, GuardedError where the guards ended it before
    there was anything to publish, Interrupted after a stop request.
    """
    recipe, rule = session.recipe, session.recipe.reinforcement
    plan = plan_questions(data.train, recipe)
    model = load_to_tune(session, start, short_rows=False, four_bit=four_bit)
    names = ", ".join(f"{name} ({weight:g})" for name, (weight, _) in data.scores.rewards.items())
    session.reporter.say(
        f"{session.note.segment}: {recipe.method}, {len(data.train)} questions, {rule.generations} answers to each, "
        f"{plan.steps} steps, rewards {names}, on {session.device}"
        + (f", resuming {session.resume.name}" if session.resume else "")
    )
    progress = _train(session, model, plan, data)
    newest = max(session.checkpoints.glob("checkpoint-*"), key=step_of)
    state = checkpoint_state(newest)
    why = _why_tripped(state["log_history"], recipe)
    if why and not state.get("best_global_step"):
        raise GuardedError(
            f"stopped by its guards at step {state['global_step']}: {why}. Nothing before it was validated, so nothing is published.",
            hint="Lower optimizer.learning_rate, raise reinforcement.beta, or validate more often (validation.interval).",
        )
    facts = Facts(
        examples={"train": len(data.train), "validation": len(data.validation)},
        truncated={name: _cut(part) for name, part in (("train", data.train), ("validation", data.validation))},
        tuned_in_4_bits=four_bit,
        reinforcement=_record(state, recipe, data, why),
    )
    return finish_training(session, progress, facts, model=model, examples=data.train.tokens)


def plan_questions(questions: Questions, recipe: Recipe) -> TrainingPlan:
    """Which questions make which step. Tokens are those of prompts and of answers that are all as long as may be: a ceiling.

    Raises DatasetError where there are fewer questions than one step takes.
    """
    rule = recipe.reinforcement
    size = recipe.batch.size * recipe.batch.accumulation // rule.generations
    lengths = np.array(
        [rule.generations * (len(one.prompt) + rule.max_new_tokens) for one in questions.tokens], np.int64
    )
    batch = recipe.batch.model_copy(update={"size": size, "accumulation": 1, "group_by_length": False})
    plan = plan_training(lengths, batch, recipe.budget, recipe.seed)
    whole = [at for at, rows in enumerate(plan.micro_batches) if len(rows) == size]
    if not whole:
        raise DatasetError(f"{len(questions)} questions are fewer than one step takes ({size}): lower batch.size.")
    return replace(
        plan,
        micro_batches=tuple(plan.micro_batches[at] for at in whole),
        tokens=tuple(plan.tokens[at] for at in whole),
    )


def make_trainer(session: Session, model: Any, plan: TrainingPlan, data: RewardedData, progress: RewardProgress) -> Any:
    """TRL's trainer for the recipe."""
    recipe, rule = session.recipe, session.recipe.reinforcement
    asker = Asker(model, session.tokenizer, rule.max_new_tokens)
    own: dict[str, Any] = {  # arguments of TRL's configuration
        "beta": rule.beta,
        "num_generations": rule.generations,
        "steps_per_generation": recipe.batch.accumulation,
        "max_completion_length": rule.max_new_tokens,
        "temperature": rule.temperature,
        "disable_dropout": True,  # what is learnt from must be what was drawn
        "gradient_checkpointing": recipe.speed.gradient_checkpointing,
        "reward_weights": [weight / data.scores.total for weight, _ in data.scores.rewards.values()],
    }
    settings = training_settings(recipe, plan, session.checkpoints, session.device) | own
    torch.manual_seed(recipe.seed)
    # TRL asks for a property by the name it had before transformers 5.22
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
    trainer: Any = cast("Any", RewardTrainer)(
        model=model,
        reward_funcs=[_for_trl(name, score, asker, data.train) for name, (_, score) in data.scores.rewards.items()],
        args=GRPOConfig(**settings),
        train_dataset=datasets.Dataset.from_dict({"prompt": [str(row) for row in range(len(data.train))]}),
        processing_class=session.tokenizer,
        callbacks=[progress, *tracking_run(session)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    learn_in_float32(model)  # TRL casts an adapter on 4 bits to bfloat16
    trainer.eos_token_ids = asker.stops
    trainer.plan, trainer.keep, trainer.recipe = plan, recipe.checkpoints.keep, recipe
    trainer.data, trainer.asker, trainer.progress = data, asker, progress
    return trainer


def _for_trl(name: str, score: Score, asker: Asker, questions: Questions) -> Any:
    """One of our scores as TRL calls a reward; unfinished answers get 0."""

    def reward(prompts: Sequence[str], completion_ids: Sequence[list[int]], **_: Any) -> list[float | None]:
        keys = [questions.keys[int(row)] for row in prompts]
        found = score(keys, asker.read(completion_ids))
        finished = asker.finished(completion_ids)
        return [value if value is None or ended else 0.0 for value, ended in zip(found, finished, strict=True)]

    reward.__name__ = name
    return reward


def _train(session: Session, model: Any, plan: TrainingPlan, data: RewardedData) -> RewardProgress:
    recipe, stop = session.recipe, session.stop
    lengths = [len(one.prompt) + recipe.reinforcement.max_new_tokens for one in data.validation.tokens]
    validations = validation_steps(recipe, plan.steps, lengths, int(plan.tokens_after[-1]))
    progress = RewardProgress(
        recipe=recipe, plan=plan, log=session.log, stop=stop, validations=validations, tell=session.reporter.tell
    )
    trainer = make_trainer(session, model, plan, data, progress)
    stop.check()
    resume = session.resume
    if resume and (
        has_ended(resume, recipe, plan.steps, validations)
        or _why_tripped(checkpoint_state(resume)["log_history"], recipe)
    ):
        progress.step = step_of(resume)
        return progress
    # the first validation, of the start, may have been interrupted
    trainer.args.eval_on_start = not session.resume_step or (
        resume is not None and was_not_validated(resume, validations)
    )
    run_trainer(trainer, session, progress, plan.steps)
    return progress


def _why_tripped(history: Sequence[Mapping[str, float]], recipe: Recipe) -> str:
    """Why the guards ended the training; "" where they did not."""
    found = [entry for entry in history if entry.get(_TRIPPED)]
    return "; ".join(tripped(_figures(found[-1]), recipe.reinforcement)) if found else ""


def _figures(entry: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix("eval_"): value for name, value in entry.items() if name.startswith("eval_")}


def _record(state: TrainerState, recipe: Recipe, data: RewardedData, why: str) -> ReinforcementRecord:
    """What the manifest says, with the figures of the validation whose weights are published."""
    rule, step = recipe.reinforcement, state.get("best_global_step") or state["global_step"]
    entry = next(entry for entry in state["log_history"] if "eval_loss" in entry and entry["step"] == step)
    figures = _figures(entry)
    return ReinforcementRecord(
        questions=len(data.train),
        checkable=data.checkable,
        validation=len(data.validation),
        groups=len(set(data.validation.groups)),
        rewards={name: weight for name, (weight, _) in data.scores.rewards.items()},
        ratings=data.ratings,
        held=rows_of(figures),
        kl=figures["kl"],
        max_kl=rule.max_kl,
        length_start=figures["length_start"],
        length=figures["length"],
        max_length_ratio=rule.max_length_ratio,
        confidence=rule.confidence,
        step=step,
        stopped=why,
    )


def _cut(questions: Questions) -> dict[str, int]:
    kinds = [one.cut for one in questions.tokens if one.cut]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

"""One training by rewards, from dataset version, preference data and adapter: what is asked, rewarded and judged; then the engine.

Here rooms meet that must not know each other: evaluation knows what a right answer is, training how an adapter learns from rewards.
"""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.reinforcement.questions import AskedQuestions, asked_questions
from lyo_pipelines.reinforcement.ratings import RatingModels, learn_ratings
from lyo_pipelines.reinforcement.rewards import (
    like_the_reference,
    predicted_rating,
    right_answer,
    stated_in_words,
)
from lyo_pipelines.training.engine.chat import tokenize
from lyo_pipelines.training.engine.grpo import RewardedData, train_by_rewards
from lyo_pipelines.training.engine.rollouts import Questions, Score, Scores
from lyo_pipelines.training.engine.session import Session, open_training
from lyo_pipelines.training.engine.tuning_start import fit_to_start_from
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.recipes import Recipe, Reinforcement


def reinforce(
    recipe: Recipe,
    dataset_dir: Path,
    output: Path,
    models_dir: Path,
    *,
    start: Path,
    ratings: Path | None,
    evaluation: EvaluationConfig,
    device: str,
    reporter: Reporter,
    stop: StopRequest,
) -> TrainingResult:
    """Tune the adapter in `start` by rewards, or go on where a killed run left off; returns the finished adapter.

    ratings: folder of preference data whose ratings are learnt from, or None; evaluation: how what they teach is checked. Raises
    UnfitStartError when the adapter does not fit
    the recipe, DatasetError where there is too little to reward, GuardedError, Interrupted.
    """
    rule = recipe.reinforcement
    adapter = fit_to_start_from(start, recipe)
    manifest = DataManifest.read(dataset_dir / MANIFEST)
    models = learn_ratings(
        ratings if rule.rewards.get("predicted_rating") else None, manifest.segment, rule.minimum_ratings, evaluation
    )
    if not models.told.used:
        reporter.say(f"ratings are not rewarded: {models.told.why}")
    train, validation = (
        _rewarded(dataset_dir, split, manifest.segment, rule, models) for split in ("train", "validation")
    )
    _require_enough(train, validation, rule, models)
    session = open_training(
        recipe,
        dataset_dir,
        output,
        models_dir,
        device=device,
        reporter=reporter,
        stop=stop,
        start=adapter,
        ratings=DataManifest.read(ratings / MANIFEST).fingerprint if ratings else None,
    )
    few = validation.at_most(recipe.validation.max_examples)
    data = RewardedData(
        train=_tokens(train, session),
        validation=_tokens(few, session),
        scores=make_scores(rule, [train, few], models),
        checkable=len(train.known),
        ratings=models.told,
    )
    return train_by_rewards(session, start, data, four_bit=adapter.manifest.base_in_4_bits)


def make_scores(rule: Reinforcement, parts: list[AskedQuestions], models: RatingModels) -> Scores:
    """The rewards that the recipe wants and the data allow, and the judges that see none of them."""
    items: dict[str, Item] = {item.item_id: item for part in parts for item in part.items}
    known = {key: text for part in parts for key, text in part.known.items()}
    rewards: dict[str, tuple[float, Score]] = {}
    judges: dict[str, Score] = {
        "like_the_reference": like_the_reference({key: item.reference for key, item in items.items()})
    }
    if (weight := rule.rewards.get("right_answer", 0)) and known:
        rewards["right_answer"] = (weight, right_answer(known))
        judges["stated_in_words"] = stated_in_words(known)
    if (weight := rule.rewards.get("predicted_rating", 0)) and models.reward and models.judge:
        rewards["predicted_rating"] = (weight, predicted_rating(models.reward, items))
        judges["rating_of_the_other_half"] = predicted_rating(models.judge, items)
    return Scores(rewards, judges)


def _rewarded(dataset_dir: Path, split: str, segment: str, rule: Reinforcement, models: RatingModels) -> AskedQuestions:
    """The questions of a split whose answers can be rewarded."""
    asked = asked_questions(dataset_dir, split, segment)
    if not rule.rewards.get("right_answer"):
        asked = AskedQuestions(asked.items, {})
    return asked if models.told.used else asked.only_checkable()


def _require_enough(
    train: AskedQuestions, validation: AskedQuestions, rule: Reinforcement, models: RatingModels
) -> None:
    why = f"ratings are not predicted ({models.told.why})" if not models.told.used else "ratings are predicted"
    hint = "Log reference_answer with the questions, let answers end with their result, or collect more ratings."
    if len(train.items) < rule.minimum_questions:
        raise DatasetError(
            f"{len(train.items)} questions of the train split can be rewarded, and {rule.minimum_questions} are needed "
            f"(reinforcement.minimum_questions): {len(train.known)} have a result that can be checked, and {why}.",
            hint=hint,
        )
    if len({item.group_id for item in validation.items}) < 2:
        raise DatasetError(
            f"{len(validation.items)} questions of the validation split can be rewarded: the guards would see nothing.",
            hint=hint,
        )


def _tokens(asked: AskedQuestions, session: Session) -> Questions:
    """Prompts are cut so that an answer of full length fits behind them."""
    longest = session.recipe.reinforcement.max_new_tokens
    if longest >= session.limit:
        raise DatasetError(
            f"reinforcement.max_new_tokens {longest} leaves no room for a question (examples have {session.limit} tokens at most: "
            "batch.max_length)."
        )
    chats = [
        [
            *({"role": role, "content": text} for role, text in item.prompt),
            {"role": "assistant", "content": item.reference},
        ]
        for item in asked.items
    ]
    tokens = tokenize(chats, session.tokenizer, session.limit, longest_prompt=session.limit - longest)
    return Questions(
        keys=tuple(item.item_id for item in asked.items),
        groups=tuple(item.group_id for item in asked.items),
        tokens=tuple(tokens),
    )

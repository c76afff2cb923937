"""What is rewarded and what judges, on planted answers; and ratings that are rewarded only where they can be predicted."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.reinforcement.questions import AskedQuestions, asked_questions
from lyo_pipelines.reinforcement.ratings import learn_ratings
from lyo_pipelines.reinforcement.rewards import like_the_reference, predicted_rating, right_answer, stated_in_words
from lyo_pipelines.reinforcement.training import make_scores
from lyo_pipelines.training.recipes import Reinforcement
from lyo_pipelines_tests.reinforcement.sums import SEGMENT, ratings, sums

KNOWN = {"a": "72", "b": "3/4"}


def test_the_reward_takes_a_last_number_and_the_judge_wants_it_said() -> None:
    answers = ["360 / 5 = 72.\nAnswer: 72", "I guess\n72", "Answer: 71", "72 and then 5"]
    keys = ["a"] * 4
    assert right_answer(KNOWN)(keys, answers) == [1.0, 1.0, 0.0, 0.0]
    assert stated_in_words(KNOWN)(keys, answers) == [1.0, 0.0, 0.0, 0.0]
    assert right_answer(KNOWN)(["b", "c"], ["So the answer is 0.75", "Answer: 72"]) == [1.0, None]


def test_an_answer_that_only_grows_is_less_like_the_reference() -> None:
    judge = like_the_reference({"a": "Add all five. Answer: 72"})
    whole, padded, other = judge(["a"] * 3, ["Add all five. Answer: 72", "Answer: 72 " * 40, "Paris"])
    assert whole == pytest.approx(1.0)
    assert whole > padded > other


def test_only_questions_of_the_split_with_a_result_that_their_own_reference_reaches_are_checkable(
    tmp_path: Path,
) -> None:
    asked = asked_questions(sums(tmp_path / "sums"), "train", SEGMENT)
    assert len(asked.only_checkable().items) == len(asked.items) == 48
    assert set(asked.known.values()) <= {"2", "3", "4"}
    in_words = asked_questions(sums(tmp_path / "words", checkable=False), "validation", SEGMENT)
    assert (len(in_words.items), in_words.known) == (12, {})


def test_predicted_ratings_reward_and_judge_only_where_held_out_ratings_can_be_predicted(tmp_path: Path) -> None:
    config = load_config().evaluation
    config = config.model_copy(update={"resamples": 500})
    good = learn_ratings(ratings(tmp_path / "good"), SEGMENT, 400, config)
    assert good.told.used and good.told.ratings == 480
    assert good.told.explained is not None and good.told.explained > 0.8
    assert good.reward is not None
    item = Item("q", "g", (("user", "add 3 1"),), "answer: 4", "en")
    short, long = predicted_rating(good.reward, {"q": item})(["q", "q"], ["answer: step", "answer: " + "step " * 15])
    assert short is not None and long is not None and 0 <= short < long - 0.2 <= 0.8

    noise = learn_ratings(ratings(tmp_path / "noise", informative=False), SEGMENT, 400, config)
    assert (noise.reward, noise.judge, noise.told.used) == (None, None, False)
    assert (
        "the model that rewards: on users that it had not seen, the model is not shown to be closer" in noise.told.why
    )
    few = learn_ratings(tmp_path / "good", SEGMENT, 1000, config)
    assert few.told.why == "480 rated answers are fewer than 1,000 (reinforcement.minimum_ratings)"

    asked = AskedQuestions((item,), {"q": "4"})
    both = make_scores(Reinforcement(), [asked], good)
    assert (set(both.rewards), set(both.judges)) == (
        {"right_answer", "predicted_rating"},
        {"like_the_reference", "stated_in_words", "rating_of_the_other_half"},
    )
    assert set(make_scores(Reinforcement(), [asked], noise).rewards) == {"right_answer"}
    assert both.reward(["q", "q"], ["Answer: 4", "Answer: 4"], [True, False])[1] == 0, (
        "an unfinished answer is worth nothing"
    )

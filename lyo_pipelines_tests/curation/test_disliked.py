"""Badly rated and corrected answers are kept apart: redacted like examples, and never among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.rows import DAY, FIGURES, figures, row, table


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory):
    return load_wordlists(Lake(str(tmp_path_factory.mktemp("lists"))))


@given(ratings=st.lists(st.sampled_from([None, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0]), min_size=1, max_size=12))
def test_only_bad_ratings_are_kept_apart_and_never_as_examples(lists, ratings):
    result = curate_batch(table(*(row(n, rating=rating) for n, rating in enumerate(ratings))), FIGURES, lists, {})
    apart = set(result.disliked["interaction_id"].to_pylist())
    assert apart == {row(n)["interaction_id"] for n, rating in enumerate(ratings) if rating and rating <= 2}
    assert apart.isdisjoint(result.kept["interaction_id"].to_pylist())
    assert result.kept.num_rows + result.removed.num_rows == result.read


def test_a_corrected_answer_is_kept_apart_whatever_its_rating(lists):
    rows = [
        row(1, rating=3.0, edited_answer="Better."),
        row(2, rating=3.0),
        row(3, rating=5.0, edited_answer="Better."),
    ]
    result = curate_batch(table(*rows), FIGURES, lists, {})
    assert result.disliked["edited_answer"].to_pylist() == ["Better."]
    assert result.kept["edited_answer"].to_pylist() == [
        "Better."
    ]  # a good answer that was corrected is still an example


def test_broken_or_failed_answers_say_nothing_about_taste(lists):
    rows = [row(1, rating=1.0, answer="bro\ufffdken text of an answer"), row(2, rating=1.0, error="timeout")]
    assert curate_batch(table(*rows), FIGURES, lists, {}).disliked.num_rows == 0


def test_what_is_kept_apart_shows_no_personal_data(tmp_path):
    lake = Lake(str(tmp_path))
    secret = "write to asha.rao@example.org"
    rows = [
        row(n, rating=1.0, answer=f"No, {secret}, she knows more.", edited_answer=f"Please {secret}") for n in range(3)
    ]
    lake.write_table(table(*rows), lake.interactions(DAY))
    curate_day(lake, DAY, FIGURES)
    apart = lake.read_table(lake.examples(DAY, "disliked"))
    assert apart.schema.equals(EXAMPLE)
    assert apart.num_rows == 3
    for name in ("answer", "edited_answer"):
        assert all("@" not in text and "<EMAIL" in text for text in apart[name].to_pylist())


def test_an_answer_cannot_be_good_and_bad():
    with pytest.raises(ValidationError, match="bad_rating must lie below minimum_rating"):
        type(FIGURES).model_validate({**figures().model_dump(), "bad_rating": 4.0})

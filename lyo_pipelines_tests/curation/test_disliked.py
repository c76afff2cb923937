"""Badly rated answers are kept apart, corrected ones become examples: redacted alike, and never mixed up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, config, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

GOOD = row(0)["answer"]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory):
    return load_wordlists(Lake(str(tmp_path_factory.mktemp("lists"))))


@settings(max_examples=draws(25))
@given(ratings=st.lists(st.sampled_from([None, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0]), min_size=1, max_size=12))
def test_only_bad_ratings_are_kept_apart_and_never_as_examples(lists, ratings):
    result = curate_batch(table(*(row(n, rating=rating) for n, rating in enumerate(ratings))), CONFIG, lists, {})
    apart = set(result.disliked["interaction_id"].to_pylist())
    assert apart == {row(n)["interaction_id"] for n, rating in enumerate(ratings) if rating and rating <= 2}
    assert apart.isdisjoint(result.kept["interaction_id"].to_pylist())
    assert result.kept.num_rows + result.removed.num_rows == result.read


@pytest.mark.parametrize("rating", [None, 1.0, 3.0, 5.0])
def test_a_correction_is_the_example_and_takes_no_rating_from_what_it_corrects(lists, rating):
    said = row(1)["answer"]
    result = curate_batch(table(row(1, rating=rating, thumbs=-1, edited_answer="Better.")), CONFIG, lists, {})
    (kept,) = result.kept.to_pylist()
    assert (kept["answer"], kept["original_answer"], kept["rating"]) == ("Better.", said, None)
    assert result.disliked.num_rows == 0


def test_a_correction_that_changes_nothing_is_none(lists):
    said = row(1)["answer"]
    rows = [row(1, rating=5.0, edited_answer=f" {said} "), row(2, rating=3.0, edited_answer="  ")]
    result = curate_batch(table(*rows), CONFIG, lists, {})
    (kept,) = result.kept.to_pylist()
    assert (kept["interaction_id"], kept["original_answer"], kept["rating"]) == (row(1)["interaction_id"], None, 5.0)


def test_a_correction_goes_through_the_same_rules_as_an_answer(lists):
    rows = [row(1, edited_answer="N/A"), row(2, edited_answer="bro\ufffdken")]
    assert curate_batch(table(*rows), CONFIG, lists, {}).removed["rule"].to_pylist() == ["empty_answer", "broken_text"]


def test_broken_or_failed_answers_say_nothing_about_taste(lists):
    rows = [row(1, rating=1.0, answer="bro\ufffdken text of an answer"), row(2, rating=1.0, error="timeout")]
    assert curate_batch(table(*rows), CONFIG, lists, {}).disliked.num_rows == 0


def test_neither_shows_personal_data(tmp_path):
    lake = Lake(str(tmp_path))
    secret = "write to asha.rao@example.org"
    bad = [row(n, rating=1.0, answer=f"No, {secret}, she knows more.") for n in range(3)]
    corrected = [row(n, answer=f"No, {secret}.", edited_answer=f"Please {secret}, soon.") for n in range(3, 6)]
    lake.write_table(table(*bad, *corrected), lake.interactions(DAY))
    curate_day(lake, DAY, CONFIG)
    for name, columns in (("disliked", ["answer"]), ("part", ["answer", "original_answer"])):
        found = lake.read_table(lake.examples(DAY, name))
        assert found.schema.equals(EXAMPLE)
        assert found.num_rows == 3
        for column in columns:
            assert all("@" not in text and "<EMAIL" in text for text in found[column].to_pylist())


def test_an_answer_cannot_be_good_and_bad():
    with pytest.raises(ValidationError, match="bad_rating must lie below minimum_rating"):
        type(CONFIG).model_validate({**config().model_dump(), "bad_rating": 4.0})

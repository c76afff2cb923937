"""Preferences: who is good, who is bad, what is a pair, and that nothing of the test split is ever learnt from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import EmptySegmentError, UnknownVersionError
from lyo_pipelines.dataset.preferences import labels
from lyo_pipelines.dataset.preferences.build import build_preferences
from lyo_pipelines.dataset.preferences.contract import KINDS, SCHEMAS
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion, latest_preferences
from lyo_pipelines.dataset.versions import read_split
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.dataset.example_lake import (
    CONFIG,
    CURATION,
    NOW,
    SEGMENT,
    example,
    examples,
    lake_with,
    question,
)
from lyo_pipelines_tests.hypothesis_profile import draws

ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "prompt": st.sampled_from(["p1", "p2", "p3"]),
            "answer": st.sampled_from(["a", "b", "c", "d"]),
            "original_answer": st.sampled_from([None, None, "a", "e"]),
            "rating": st.sampled_from([None, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0]),
            "user_pseudonym": st.sampled_from([None, "u1", "u2"]),
        }
    ),
    max_size=30,
)


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Answers with ids of their own; a prompt is always in one split."""
    schema = {
        "example_id": pl.String, "prompt": pl.String, "answer": pl.String, "original_answer": pl.String, "rating": pl.Float32,
        "user_pseudonym": pl.String, "split": pl.String,
    }  # fmt: skip
    split = {"p1": "train", "p2": "train", "p3": "validation"}
    made = [{**row, "example_id": f"e{at:03d}", "split": split[row["prompt"]]} for at, row in enumerate(rows)]
    return pl.DataFrame(made, schema=schema)


@given(rows=ANSWERS)
def test_labels_follow_the_owners_ratings_and_three_is_out(rows: list[dict[str, Any]]):
    found = labels.labelled(frame_of(rows), CURATION)
    for row in found.iter_rows(named=True):
        assert row["label"] == (row["rating"] >= 4)
        assert row["rating"] >= 4 or row["rating"] <= 2
    clear = [row for row in rows if row["rating"] is not None and not 2 < row["rating"] < 4]
    assert found.height == len(clear)


@given(rows=ANSWERS)
def test_balanced_labels_are_as_many_good_as_bad_in_each_split(rows: list[dict[str, Any]]):
    found = labels.balanced(labels.labelled(frame_of(rows), CURATION))
    for split in ("train", "validation"):
        part = found.filter(pl.col("split") == split)["label"]
        assert part.sum() * 2 == len(part)
    again = labels.balanced(found)
    assert again.sort("example_id").equals(found.sort("example_id"))


@given(rows=ANSWERS)
def test_the_same_answer_rated_by_several_has_their_mean(rows: list[dict[str, Any]]):
    found = labels.merged(frame_of(rows))
    for row in found.iter_rows(named=True):
        given_ratings = [
            r["rating"] for r in rows if (r["prompt"], r["answer"]) == (row["prompt"], row["answer"]) and r["rating"]
        ]
        expected = sum(given_ratings) / len(given_ratings) if given_ratings else None
        assert row["rating"] == (pytest.approx(expected) if expected else None)
    assert found.height == len({(row["prompt"], row["answer"]) for row in rows})


@given(rows=ANSWERS, most=st.integers(1, 4))
def test_a_pair_is_one_question_with_a_better_and_a_worse_text(rows: list[dict[str, Any]], most: int):
    frame = labels.merged(frame_of(rows))
    config = CONFIG.preferences.model_copy(update={"pairs_per_question": most})
    by_id = {row["example_id"]: row for row in frame.iter_rows(named=True)}
    per_prompt: dict[str, int] = {}
    for pair in labels.pairs(frame, config, CURATION).iter_rows(named=True):
        chosen, rejected = by_id[pair["example_id"]], by_id[pair["rejected_example_id"]]
        assert pair["chosen"] != pair["rejected"]
        if pair["kind"] == "edit":
            assert chosen is rejected
            assert (pair["chosen"], pair["rejected"]) == (chosen["answer"], chosen["original_answer"])
        else:
            assert chosen["prompt"] == rejected["prompt"]
            assert chosen["rating"] >= 4
            assert rejected["rating"] <= 2
            per_prompt[chosen["prompt"]] = per_prompt.get(chosen["prompt"], 0) + 1
    assert all(count <= most for count in per_prompt.values())


@given(rows=ANSWERS, cap=st.integers(0, 3))
def test_no_user_gives_more_labels_than_the_cap(rows: list[dict[str, Any]], cap: int):
    found = labels.capped(frame_of(rows), cap)
    counts = found.filter(pl.col("user_pseudonym").is_not_null())["user_pseudonym"].value_counts()["count"]
    assert cap == 0 or all(count <= cap for count in counts)


def lake_of(folder: Path, good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> Lake:
    """Good answers as examples, bad ones beside them."""
    lake = lake_with(folder, good)
    days: dict[Any, list[dict[str, Any]]] = {}
    for row in bad:
        days.setdefault(row["occurred_at"].date(), []).append(row)
    for day, rows in days.items():
        lake.write_table(pa.Table.from_pylist(rows, schema=EXAMPLE), lake.examples(day, "disliked"))
    return lake


def bad_answers(*numbers: int, **fields: Any) -> list[dict[str, Any]]:
    """Another user's bad answer to the question of that number, an hour later."""
    return [
        example(
            n,
            interaction_id=f"bad-{n}",
            conversation_id=f"bad-conv-{n}",
            occurred_at=example(n)["occurred_at"] + timedelta(minutes=1),
            answer=f"Something wrong about {n}.",
            rating=1.0,
            **fields,
        )
        for n in numbers
    ]


def build(lake: Lake, *, later: int = 0) -> PreferenceVersion:
    return build_preferences(lake, SEGMENT, CONFIG, CURATION, now=NOW + timedelta(days=later))


def read(lake: Lake, version: PreferenceVersion, kind: str, split: str) -> list[dict[str, Any]]:
    return lake.read_table(f"{version.path}/{kind}_{split}.parquet").to_pylist()


def asked_in_tests(lake: Lake) -> set[str]:
    dataset = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    table = read_split(lake, SEGMENT, dataset.fingerprint, "test", ["messages"])
    return {messages[1]["content"] for messages in table["messages"].to_pylist()}


def test_good_and_bad_answers_become_labels_and_pairs(tmp_path: Path):
    lake = lake_of(tmp_path, examples(range(60)), bad_answers(*range(0, 60, 2)))
    held_out = asked_in_tests(lake)
    version = build(lake)
    rows = read(lake, version, "kto", "train") + read(lake, version, "kto", "validation")
    assert sum(row["label"] for row in rows) * 2 == len(rows) > 40
    pairs = read(lake, version, "dpo", "train") + read(lake, version, "dpo", "validation")
    usable = [n for n in range(0, 60, 2) if question(n) not in held_out]
    assert {row["messages"][1]["content"] for row in pairs} == {question(n) for n in usable}
    for row in pairs:
        number = int(row["rejected"].removeprefix("Something wrong about ").removesuffix("."))
        assert row["chosen"] == example(number)["answer"]
        assert [message["role"] for message in row["messages"]] == ["system", "user"]
    assert held_out.isdisjoint(row["messages"][1]["content"] for row in rows + pairs)
    assert version.size("dpo", "train") + version.size("dpo", "validation") == len(pairs)
    for kind in KINDS:
        assert lake.read_table(f"{version.path}/{kind}_train.parquet").schema.equals(SCHEMAS[kind])


def test_an_edit_is_a_pair_of_the_correction_and_the_answer(tmp_path: Path):
    edited = [example(n, original_answer=f"Wrong about {n}", rating=None) for n in range(30)]
    lake = lake_of(tmp_path, edited, bad_answers(40, 42, 44))
    version = build(lake)
    pairs = read(lake, version, "dpo", "train") + read(lake, version, "dpo", "validation")
    assert {row["kind"] for row in pairs} == {"edit"}
    for row in pairs:
        number = int(row["rejected"].removeprefix("Wrong about "))
        assert row["chosen"] == example(number)["answer"]
    assert len(pairs) >= 20


@settings(max_examples=draws(6))
@given(first=st.booleans(), twins=st.sets(st.integers(0, 49), max_size=25))
def test_what_preferences_learnt_from_never_becomes_a_test_item(
    tmp_path_factory: pytest.TempPathFactory, first: bool, twins: set[int]
):
    """Whichever is built first, and whatever comes later, the two agree about what is held out."""
    folder = tmp_path_factory.mktemp("lake")
    lake = lake_of(folder, examples(range(50)), bad_answers(*range(0, 50, 2)))
    if first:
        build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    version = build(lake)
    learnt = {
        row["messages"][1]["content"]
        for kind in KINDS
        for row in read(lake, version, kind, "train") + read(lake, version, kind, "validation")
    }
    more = [
        example(100 + n, question=question(n), conversation_id=f"again-{n}", interaction_id=f"again-{n}") for n in twins
    ]
    lake_with(folder, [*examples(range(70)), *more])
    dataset = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW + timedelta(days=1))
    for split in SPLITS[1:]:
        table = read_split(lake, SEGMENT, dataset.fingerprint, split, ["messages"])
        held = {messages[1]["content"] for messages in table["messages"].to_pylist()}
        train = {row["messages"][1]["content"] for kind in KINDS for row in read(lake, version, kind, "train")}
        assert held.isdisjoint(train if split == "validation" else learnt)


def test_the_same_answers_make_the_same_version(tmp_path: Path):
    lake = lake_of(tmp_path, examples(range(40)), bad_answers(*range(20)))
    first = build(lake)
    bytes_before = {path.name: path.read_bytes() for path in Path(first.path).iterdir()}
    again = build(lake, later=3)
    assert again == first == latest_preferences(lake, SEGMENT)
    assert {path.name: path.read_bytes() for path in Path(again.path).iterdir()} == bytes_before


def test_days_from_before_edits_were_known_are_read_too(tmp_path: Path):
    lake = lake_of(tmp_path, examples(range(40)), [])
    for day in lake.days("examples"):
        old = lake.read_table(lake.examples(day)).drop_columns(["original_answer"])
        lake.write_table(old, lake.examples(day))
    version = build(lake)
    assert (version.size("kto", "train"), version.size("dpo", "train")) == (0, 0)  # nothing bad to learn from
    assert version.manifest.answers == 40


def test_missing_preferences_say_what_to_do(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(20)))
    with pytest.raises(UnknownVersionError, match="materialize preference_data"):
        latest_preferences(lake, SEGMENT)
    with pytest.raises(EmptySegmentError, match=r"tutoring\.ta\.math"):
        build_preferences(lake, "tutoring.ta.math", CONFIG, CURATION, now=NOW)

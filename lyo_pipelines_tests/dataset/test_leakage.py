"""The checks find what is planted in written files, and name it; they take nothing from the builder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA, SPLITS
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.leakage import checks_of_folder, leakage_checks
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.tutoring import to_messages
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

Row = dict[str, Any]
NAMES = [
    "no_shared_group",
    "no_shared_question",
    "no_near_duplicate_question",
    "no_benchmark_overlap",
    "no_giant_group",
    "split_proportions",
]


def written_row(number: int, **fields: Any) -> Row:
    row = example(number, **fields)
    return {"group_id": f"g{number}", **row, "messages": to_messages(row)}


def check(
    folder: Path, train: list[Row], test: list[Row], validation: list[Row] | None = None, **config: Any
) -> dict[str, DatasetCheckResult]:
    """Write split files by hand, as a wrong builder might have, and run the checks on them."""
    lake = Lake(str(folder))
    for name, rows in zip(SPLITS, (train, validation or [], test), strict=True):
        lake.write_table(pa.Table.from_pylist([{k: row.get(k) for k in SPLIT_SCHEMA.names} for row in rows], schema=SPLIT_SCHEMA),
                         f"{folder}/{name}.parquet")  # fmt: skip
    outcomes = checks_of_folder(lake, str(folder), CONFIG.model_copy(update=config), [])
    assert [outcome.name for outcome in outcomes] == NAMES
    return {outcome.name: outcome for outcome in outcomes}


def test_clean_splits_pass(tmp_path: Path):
    outcomes = check(tmp_path, [written_row(n) for n in range(30)], [written_row(n) for n in range(30, 34)])
    assert all(outcome.passed for name, outcome in outcomes.items() if name != "split_proportions")
    assert [name for name, outcome in outcomes.items() if not outcome.blocking] == [
        "no_giant_group",
        "split_proportions",
    ]


def test_a_shared_group_is_named(tmp_path: Path):
    outcome = check(tmp_path, [written_row(1)], [written_row(2, group_id="g1")])["no_shared_group"]
    assert not outcome.passed
    assert outcome.details["items"] == [
        {
            "kind": "group_id",
            "value": "g1",
            "splits": ["train", "test"],
            "examples": [
                {"split": "train", "example_id": example(1)["example_id"]},
                {"split": "test", "example_id": example(2)["example_id"]},
            ],
        }
    ]
    assert "g1" in outcome.message


def test_a_shared_conversation_is_found_even_when_the_group_ids_hide_it(tmp_path: Path):
    outcome = check(tmp_path, [written_row(1, conversation_id="same")], [written_row(2, conversation_id="same")])[
        "no_shared_group"
    ]
    assert [item["kind"] for item in outcome.details["items"]] == ["conversation_id"]


@pytest.mark.parametrize("held_out", ["validation", "test"])
def test_the_same_question_in_other_case_is_found(tmp_path: Path, held_out: str):
    twin = written_row(2, question=question(1).upper() + "!!")
    outcomes = check(
        tmp_path, [written_row(1)], [twin] if held_out == "test" else [], [twin] if held_out == "validation" else []
    )
    assert not outcomes["no_shared_question"].passed
    assert outcomes["no_shared_question"].details["items"][0]["splits"] == ["train", held_out]


def test_the_same_source_question_is_found(tmp_path: Path):
    outcome = check(tmp_path, [written_row(1, question_id="ex-7")], [written_row(2, question_id="ex-7")])[
        "no_shared_question"
    ]
    assert [(item["kind"], item["value"]) for item in outcome.details["items"]] == [("question_id", "ex-7")]


def test_a_near_duplicate_question_is_found_where_no_text_is_equal(tmp_path: Path):
    near = written_row(2, question=question(1).replace("?", " now?"))
    outcomes = check(tmp_path, [written_row(1)], [near])
    assert outcomes["no_shared_question"].passed
    assert not outcomes["no_near_duplicate_question"].passed
    assert near["example_id"] in outcomes["no_near_duplicate_question"].message


def test_the_first_question_is_found_in_the_history_of_a_later_turn(tmp_path: Path):
    history = [{"role": "user", "content": question(1)}, {"role": "assistant", "content": "Try."}]
    outcomes = check(tmp_path, [written_row(1)], [written_row(2, question="why?", history=history, turn=1)])
    assert not outcomes["no_shared_question"].passed


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Why?", "why"),
        ("Define heat.", "define  HEAT"),
        ("12 में से 5 घटाओ", "१२ में से ५ घटाओ"),
        ("हिन्दी क्या है", "हिंदी क्या है?"),
        ("पढ़ना क्या है", "पढना क्या है"),
        ("என்ன ௭", "என்ன 7"),
        ("അവൻ ആര്", "അവന്\u200d ആര്"),
    ],
)
def test_a_short_question_in_two_splits_is_found_in_every_spelling(tmp_path: Path, ours: str, theirs: str):
    outcomes = check(tmp_path, [written_row(1, question=ours)], [written_row(2, question=theirs)])
    assert not outcomes["no_shared_question"].passed


def test_a_typo_in_a_short_question_is_found_and_another_number_is_none(tmp_path: Path):
    found = check(tmp_path, [written_row(1, question="What is a noun?")], [written_row(2, question="Waht is a noun?")])
    assert not found["no_near_duplicate_question"].passed
    other = check(tmp_path, [written_row(1, question="What is 12 + 7?")], [written_row(2, question="What is 12 + 8?")])
    assert all(outcome.passed for outcome in other.values() if outcome.blocking)


def test_a_follow_up_that_everybody_asks_is_no_leak(tmp_path: Path):
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "Try."}]
    train, test = (
        written_row(n, question="give me a hint", turn=1, history=[{**history[0], "content": question(n)}, history[1]])
        for n in (1, 2)
    )
    assert all(outcome.passed for outcome in check(tmp_path, [train], [test]).values() if outcome.blocking)


def test_the_exercise_in_the_context_is_found(tmp_path: Path):
    train, test = (
        written_row(n, question=asked, context="Find the perimeter of a rectangle of sides 4 cm and 9 cm.")
        for n, asked in ((1, "explain this"), (2, "solve it for me please"))
    )
    assert not check(tmp_path, [train], [test])["no_shared_question"].passed


def test_a_giant_group_is_named(tmp_path: Path):
    rows = [written_row(n, group_id="giant" if n < 5 else f"g{n}") for n in range(20)]
    outcome = check(tmp_path, rows, [])["no_giant_group"]
    assert not outcome.passed
    assert "giant" in outcome.message
    assert outcome.details["largest"][0] == {"group_id": "giant", "examples": 5}


def test_only_so_many_items_are_listed_but_all_are_counted(tmp_path: Path):
    outcome = check(
        tmp_path,
        [written_row(n) for n in range(9)],
        [written_row(20 + n, group_id=f"g{n}") for n in range(9)],
        report_items=3,
    )["no_shared_group"]
    assert outcome.details["found"] == 9
    assert len(outcome.details["items"]) == 3


def test_checks_run_again_on_a_finished_version(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(40)))
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    again = leakage_checks(lake, SEGMENT, version.fingerprint, CONFIG)
    assert [asdict(outcome) for outcome in again] == [check.model_dump() for check in version.manifest.leakage]
    with pytest.raises(UnknownVersionError, match=f"Versions: {version.fingerprint}"):
        leakage_checks(lake, SEGMENT, "0" * 16, CONFIG)


def test_the_packaged_configuration_is_valid():
    assert load_config().dataset.largest_group_share == 0.1


def test_what_is_grouped_is_what_is_checked(tmp_path: Path):
    # two messages of the student in a row become one when written: both builder and check must see them so
    greeting = [{"role": "user", "content": "hello my tutor"}, {"role": "user", "content": "I need some help"}]
    rows = examples(range(10), history=[*greeting, {"role": "assistant", "content": "Gladly."}])
    version = build_dataset(lake_with(tmp_path, [*rows, *examples(range(50, 90))]), SEGMENT, CONFIG, CURATION, now=NOW)
    assert all(found.passed for found in version.manifest.leakage if found.blocking)
    assert version.manifest.groups.largest[0].examples == 10


def test_a_greeting_before_every_conversation_ties_nothing(tmp_path: Path):
    said = ("user", "Good evening, I would like to do some exercises"), ("assistant", "Gladly.")
    greeting = [{"role": role, "content": content} for role, content in said]
    lake = lake_with(tmp_path, examples(range(40), history=greeting))
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    assert all(found.passed for found in version.manifest.leakage if found.blocking)
    assert version.manifest.groups.groups == 40

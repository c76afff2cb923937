"""Building versions: whole, repeatable, remembered, and honest about what cannot be built."""

from __future__ import annotations

import random
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.contracts.dataset import FunnelStep
from lyo_pipelines.dataset import build as build_module
from lyo_pipelines.dataset.build import DatasetVersion, build_dataset
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA, SPLITS
from lyo_pipelines.dataset.errors import (
    DaysChangedError,
    EmptySegmentError,
    SegmentTooSmallError,
    TooFewGroupsError,
)
from lyo_pipelines.dataset.read_examples import first_pass, later_pass
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.versions import latest_version, list_versions, read_split
from lyo_pipelines.segments import SegmentKeyError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.base import UnknownTaskFormatError
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


def build(lake: Lake, *, days_later: int = 0, **config: Any) -> DatasetVersion:
    return build_dataset(
        lake, SEGMENT, CONFIG.model_copy(update=config), CURATION, now=NOW + timedelta(days=days_later)
    )


def splits(lake: Lake, version: DatasetVersion) -> dict[str, str]:
    """interaction id -> split, as written."""
    return {
        interaction: name
        for name in SPLITS
        for interaction in read_split(lake, SEGMENT, version.fingerprint, name, ["interaction_id"])[
            "interaction_id"
        ].to_pylist()
    }


def removed(lake: Lake, version: DatasetVersion) -> dict[str, str]:
    table = lake.read_table(f"{version.path}/removed.parquet")
    return dict(zip(table["example_id"].to_pylist(), table["rule"].to_pylist(), strict=True))


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def test_what_a_version_of_before_does_not_hold_is_read_as_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = lake_with(tmp_path, examples(range(60)))
    version = build(lake)
    path = f"{version.path}/train.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["images"]), path)
    monkeypatch.setattr(
        "lyo_pipelines.dataset.versions.require_whole", lambda *_: None
    )  # its manifest names other bytes
    table = read_split(lake, SEGMENT, version.fingerprint, "train", ["messages", "images"])
    assert table.column_names == ["messages", "images"]
    assert table["images"].null_count == len(table) > 0


def test_a_version_made_on_disk_has_the_same_bytes(tmp_path: Path):
    asked = [question(n // 2) + " now" * (n % 2) if n % 3 else f"Add {n} and {n * 7} for me" for n in range(90)]
    rows = [example(n, question=text) for n, text in enumerate(asked)]
    folders = []
    for name, mapped_from in (("memory", 2**40), ("disk", 1)):
        curation = CURATION.model_copy(update={"mapped_from_bytes": mapped_from})
        folders.append(build_dataset(lake_with(tmp_path / name, rows), SEGMENT, CONFIG, curation, now=NOW).path)
    assert contents(folders[0]) == contents(folders[1])


def test_a_version_holds_every_example_once(tmp_path: Path):
    rows = examples(range(60))
    lake = lake_with(tmp_path, rows)
    version = build(lake)
    assert not version.reused
    assert set(splits(lake, version)) == {row["interaction_id"] for row in rows}
    assert {path.name for path in Path(version.path).iterdir()} == {
        "train.parquet", "validation.parquet", "test.parquet", "groups.parquet", "removed.parquet", "manifest.json", "README.md"
    }  # fmt: skip
    table = read_split(lake, SEGMENT, version.fingerprint, "train")
    assert table.schema.equals(SPLIT_SCHEMA)
    assert all(messages[-1]["role"] == "assistant" for messages in table["messages"].to_pylist())
    assert latest_version(lake, SEGMENT) == list_versions(lake, SEGMENT)[0]
    assert sum(version.manifest.counts.values()) == 60
    assert all(check.passed for check in version.manifest.leakage)


def test_the_same_input_is_the_same_version_again(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(40)))
    first = build(lake)
    before = contents(first.path)
    second = build(lake, days_later=3)
    assert second.reused
    assert second.manifest == first.manifest
    assert contents(second.path) == before


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 12), min_size=40, max_size=40))
@settings(max_examples=draws(6))
def test_the_order_of_examples_changes_no_byte(shuffler: random.Random, conversations: list[int]):
    rows = [
        example(n, conversation_id=f"conv-{conversations[n]}", occurred_at=NOW - timedelta(hours=(n * 5) % 60))
        for n in range(40)
    ]
    rows += examples(range(100, 160))  # so that no split is empty
    shuffled = shuffler.sample(rows, len(rows))
    found = []
    for order in (rows, shuffled):
        with tempfile.TemporaryDirectory() as folder:
            version = build(lake_with(folder, order), minimum_groups=3, row_group_rows=7)
            found.append((version.fingerprint, contents(version.path)))
    assert found[0] == found[1]


# an example of a history: which conversation, which exercise, which wording (equal wordings are near duplicates)
TIES = st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25))


@given(st.lists(st.dictionaries(st.integers(0, 30), TIES, min_size=14), min_size=2, max_size=3))
@settings(max_examples=draws(6))
def test_over_any_history_nothing_is_lost_shared_or_moved(pools: list[dict[int, tuple[int, int, int]]]):
    ever: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, pool in enumerate(pools):
            rows = [
                example(n, conversation_id=f"c{c}", question_id=f"q{q}", question=f"{question(1000 + w)} {n}")
                for n, (c, q, w) in pool.items()
            ]
            rows += examples(range(100, 140))  # so that no split is empty
            lake = lake_with(folder, rows)
            version = build(lake, days_later=number, largest_group_share=1.0)
            kept, gone = splits(lake, version), removed(lake, version)
            assert len(kept) + len(gone) == len(rows), "kept + removed == input"
            assert len(kept) == sum(version.manifest.counts.values())
            assert set(gone.values()) <= {"merged_into_held_out", "exact_duplicate"}
            failed = [check for check in version.manifest.leakage if check.blocking and not check.passed]
            assert not failed
            for interaction, split in kept.items():
                assert ever.setdefault(interaction, {split}) == {split}, "no example changes its split"


def test_more_data_is_a_superset_with_the_same_splits(tmp_path: Path):
    first = build(lake := lake_with(tmp_path, examples(range(40))))
    before = splits(lake, first)
    second = build(lake := lake_with(tmp_path, examples(range(70))), days_later=1)
    after = splits(lake, second)
    assert before.items() <= after.items()
    assert second.fingerprint != first.fingerprint
    assert second.manifest.parent == first.fingerprint
    assert second.manifest.remembers == (f"{SEGMENT}/{first.fingerprint}",)


def in_split(lake: Lake, version: DatasetVersion, name: str) -> str:
    return next(interaction for interaction, split in sorted(splits(lake, version).items()) if split == name)


def test_a_merge_removes_the_trained_rows_and_keeps_the_test_rows(tmp_path: Path):
    rows = {row["interaction_id"]: row for row in examples(range(60))}
    lake = lake_with(tmp_path, rows.values())
    first = build(lake)
    trained, tested = in_split(lake, first, "train"), in_split(lake, first, "test")
    # a new example ties the two: same conversation as one, same wording as the other
    bridge = example(500, conversation_id=rows[trained]["conversation_id"], question=rows[tested]["question"])
    lake = lake_with(tmp_path, [*rows.values(), bridge])
    second = build(lake, days_later=1)
    after = splits(lake, second)
    assert after[tested] == "test"
    assert trained not in after
    assert bridge["interaction_id"] not in after
    assert removed(lake, second) == {
        rows[trained]["example_id"]: "merged_into_held_out",
        bridge["example_id"]: "merged_into_held_out",
    }
    assert second.manifest.groups.merged_into_held_out == 1
    assert second.manifest.funnel[-1] == FunnelStep(rule="merged_into_held_out", removed=2, remaining=59)

    # the bridge disappears again: what was dropped stays dropped
    lake = lake_with(tmp_path, [*rows.values(), example(501)])
    third = build(lake, days_later=2)
    assert trained not in splits(lake, third)
    assert splits(lake, third)[tested] == "test"


def test_an_example_that_was_cleaned_anew_keeps_its_split(tmp_path: Path):
    rows = examples(range(60))
    lake = lake_with(tmp_path, rows)
    before = splits(lake, first := build(lake))
    changed = [example(n, answer="Another wording of the answer, after the cleaning rules changed.") for n in range(60)]
    lake = lake_with(tmp_path, changed)
    second = build(lake, days_later=1)
    assert second.fingerprint != first.fingerprint
    assert splits(lake, second) == before


def test_memory_survives_going_back_to_an_older_version(tmp_path: Path):
    small, large = examples(range(40)), examples(range(70))
    first = build(lake_with(tmp_path, small))
    lake = lake_with(tmp_path, large)
    known = splits(lake, build(lake, days_later=1))
    again = build(lake_with(tmp_path, small), days_later=2)
    assert again.reused
    assert again.fingerprint == first.fingerprint
    lake = lake_with(tmp_path, examples(range(71)))
    fourth = build(lake, days_later=3, split_key="another key, which only new groups obey")
    assert known.items() <= splits(lake, fourth).items()
    assert len(fourth.manifest.remembers) == 2


def test_a_killed_build_leaves_no_version_and_the_next_one_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = lake_with(tmp_path, examples(range(40)))
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "dataset_card", lambda manifest: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(lake)
    assert list_versions(lake, SEGMENT) == []
    assert latest_version(lake, SEGMENT) is None
    version = build(lake)
    assert not version.reused
    with tempfile.TemporaryDirectory() as clean:
        assert contents(build(lake_with(clean, examples(range(40)))).path) == contents(version.path)


def test_repeated_examples_and_exact_duplicates_are_counted_once(tmp_path: Path):
    rows = examples(range(40))
    twin = example(300, question=rows[0]["question"].upper(), answer=rows[0]["answer"])
    lake = lake_with(tmp_path, [*rows, rows[3], twin])
    version = build(lake)
    assert version.manifest.removed_by_rule == {"exact_duplicate": 1, "repeated_example": 1}
    assert sum(version.manifest.counts.values()) == 40
    assert removed(lake, version)[twin["example_id"]] == "exact_duplicate"


def test_the_same_short_question_of_several_conversations_is_one_group(tmp_path: Path):
    short = ["What is a verb?", "Define speed.", "Area of a circle?", "Who was Akbar?", "LCM of 4 and 6?", "क्या है जल?"]
    rows = [example(n, question=short[n % 6], answer=f"Answer number {n}: see the book.") for n in range(36)]
    version = build(lake := lake_with(tmp_path, rows))
    assert version.manifest.groups.groups == 6
    split = splits(lake, version)
    assert all(len({split[row["interaction_id"]] for row in rows[n::6]}) == 1 for n in range(6))
    assert all(check.passed for check in version.manifest.leakage if check.blocking)


def test_files_carry_no_time_of_writing_and_small_row_groups_are_exact(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(60)))
    version = build(lake, row_group_rows=10)
    metadata = pq.read_metadata(f"{version.path}/train.parquet")
    sizes = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert all(size == 10 for size in sizes[:-1])
    assert set(metadata.metadata) <= {b"ARROW:schema"}


def test_other_segments_stay_out(tmp_path: Path):
    rows = [*examples(range(40)), *examples(range(100, 120), segment="tutoring.hi.math", language="hi")]
    lake = lake_with(tmp_path, rows)
    assert sum(build(lake).manifest.counts.values()) == 40


# -- what cannot be built ------------------------------------------------------------------------------------------
def test_an_empty_lake_says_what_to_do_first(tmp_path: Path):
    with pytest.raises(EmptySegmentError, match="materialize raw_interactions"):
        build(lake_with(tmp_path, []))


def test_an_unknown_segment_names_the_known_ones(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(3)))
    with pytest.raises(EmptySegmentError, match=r"Did you mean tutoring\.en\.math\?.*tutoring\.en\.math \(3\)"):
        build_dataset(lake, "tutoring.en.maths", CONFIG, CURATION, now=NOW)
    with pytest.raises(SegmentKeyError, match="expected <task>"):
        build_dataset(lake, "Tutoring.EN", CONFIG, CURATION, now=NOW)
    with pytest.raises(UnknownTaskFormatError, match=r"tasks/cooking\.py"):
        build_dataset(lake, "cooking.en", CONFIG, CURATION, now=NOW)


def test_a_segment_that_curation_emptied_points_to_the_funnel(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(3)))
    funnel = lake.read_table(lake.examples(lake.days("examples")[0], "funnel"))
    rows = [{**row, "segment": "tutoring.ta.math", "removed": 9, "remaining": 0} for row in funnel.to_pylist()]
    lake.write_table(
        type(funnel).from_pylist(rows, schema=funnel.schema), lake.examples(lake.days("examples")[0], "funnel")
    )
    with pytest.raises(EmptySegmentError, match="9 interactions were read and none passed curation"):
        build_dataset(lake, "tutoring.ta.math", CONFIG, CURATION, now=NOW)


def test_too_few_interactions_name_the_threshold(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(20)))
    with pytest.raises(SegmentTooSmallError, match=r"segment_minimum removed 20; 20 interactions read.*curation"):
        build_dataset(lake, SEGMENT, CONFIG, CURATION.model_copy(update={"segment_minimum_interactions": 100}), now=NOW)


def test_too_few_groups_name_the_threshold(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(20), conversation_id="one"))
    with pytest.raises(SegmentTooSmallError, match=r"1 independent groups where 3 are needed.*dataset\.minimum_groups"):
        build(lake)


def test_many_examples_in_too_few_groups_are_a_fault_and_say_what_to_look_at(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(40), conversation_id="one"))
    with pytest.raises(
        TooFewGroupsError, match=r"no dataset was made.*holds 100% of them.*conversation_id.*common_share"
    ):
        build(lake)


def test_an_empty_split_is_refused(tmp_path: Path):
    rows = examples(range(40))
    lake = lake_with(tmp_path, rows)
    split = splits(lake, build(lake))
    lake = lake_with(tmp_path, [row for row in rows if split[row["interaction_id"]] == "train"])
    with pytest.raises(SegmentTooSmallError, match=r"none of which is in validation or test"):
        build(lake, days_later=1)
    assert len(list_versions(lake, SEGMENT)) == 1


def test_a_day_that_changes_under_the_build_stops_it(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(20)))
    rows, table = first_pass(lake, scope_of(lake, SEGMENT, {}), ["question"], lambda table: table)
    assert table is not None
    lake_with(tmp_path, examples(range(1, 21)))
    with pytest.raises(DaysChangedError, match="Build it again"):
        list(later_pass(lake, rows, np.ones(20, bool), ["question"], len))


def test_a_lake_that_is_not_on_a_local_disk_works_too():
    lake = lake_with("memory://datasets", examples(range(40)))
    assert sum(build(lake).manifest.counts.values()) == 40
    assert build(lake).reused

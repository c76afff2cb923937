"""Parents, mixtures and thin segments: one dataset of several segments, in which nothing leaks from one into another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE, FUNNEL
from lyo_pipelines.dataset.build import DatasetVersion, build_dataset
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import EmptySegmentError, SegmentTooSmallError, UnknownMixtureError
from lyo_pipelines.dataset.fallback import build_or_fall_back
from lyo_pipelines.dataset.scope import is_below
from lyo_pipelines.dataset.versions import latest_version, read_split, why_served
from lyo_pipelines.segments import SegmentKeyError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, example, examples, lake_with, question
from lyo_pipelines_tests.hypothesis_profile import draws

MATH, PHYSICS = "tutoring.en.math", "tutoring.en.physics"


def build(lake: Lake, key: str, *, later: int = 0, **config: Any) -> DatasetVersion:
    return build_dataset(lake, key, CONFIG.model_copy(update=config), CURATION, now=NOW + timedelta(days=later))


def physics(*numbers: int | range) -> list[dict[str, Any]]:
    return examples(*numbers, segment=PHYSICS, subject="physics")


def splits(lake: Lake, version: DatasetVersion) -> dict[str, str]:
    return {
        found: name
        for name in SPLITS
        for found in read_split(lake, version.segment, version.fingerprint, name)["interaction_id"].to_pylist()
    }


def test_a_parent_holds_the_examples_of_all_segments_below_it(tmp_path: Path):
    lake = lake_with(tmp_path, [*examples(range(40)), *physics(range(100, 130))])
    for key in ("tutoring.en", "tutoring"):
        version = build(lake, key)
        assert version.manifest.segments == {MATH: 40, PHYSICS: 30}
        assert len(splits(lake, version)) == 70
    names = read_split(lake, "tutoring", version.fingerprint, "train", ["segment"])["segment"].to_pylist()
    assert set(names) == {MATH, PHYSICS}
    assert "tutoring.en.physics | 30" in lake.read_text(f"{version.path}/README.md")


def test_a_mixture_formats_each_example_by_its_own_task(tmp_path: Path):
    rows = [*examples(range(40)), *examples(range(100, 140), segment="programming.en", task="programming")]
    lake = lake_with(tmp_path, rows)
    version = build(lake, "mixture.help", mixtures={"help": ("tutoring.en", "programming.en")})
    assert len(splits(lake, version)) == 80
    for name in SPLITS:
        table = read_split(lake, "mixture.help", version.fingerprint, name, ["segment", "messages", "interaction_id"])
        for row in table.to_pylist():
            expected = "tutor" if row["segment"] == MATH else "programming assistant"
            assert expected in row["messages"][0]["content"]
            assert row["messages"][1]["content"] == question(int(row["interaction_id"].removeprefix("int-")))


def test_keys_that_name_nothing_say_what_there_is(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(40)))
    with pytest.raises(UnknownMixtureError, match=r"Did you mean mixture\.everything"):
        build(lake, "mixture.everythin", mixtures={"everything": ("tutoring",)})
    with pytest.raises(EmptySegmentError, match=r"Segments with examples: tutoring\.en\.math"):
        build(lake, "search")
    with pytest.raises(SegmentKeyError):
        build(lake, "a.b.c.d")


@given(
    below_it=st.sampled_from(["tutoring.en.math", "tutoring.en.math2", "tutoring.en", "tutoring", "tutoring.enx.math"])
)
def test_only_whole_parts_of_a_key_lie_below_another(below_it: str):
    assert is_below(below_it, "tutoring.en") == (below_it.split(".")[:2] == ["tutoring", "en"])


@settings(max_examples=draws(5))
@given(order=st.permutations([MATH, PHYSICS, "tutoring.en"]), shared=st.integers(3, 15))
def test_what_one_segment_holds_out_no_relative_trains_on(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], shared: int
):
    """The same exercises stand in two segments, and the versions are made in any order, twice."""
    folder = tmp_path_factory.mktemp("lake")
    copies = [
        example(200 + n, segment=PHYSICS, subject="physics", question=question(n)) for n in range(shared)
    ]  # exercises of mathematics, asked in physics
    lake = lake_with(folder, [*examples(range(60)), *physics(range(100, 170)), *copies])
    found: dict[str, set[str]] = {name: set() for name in SPLITS}
    for later, key in enumerate([*order, *order]):
        version = build(lake, key, later=later)
        for name in SPLITS:
            asked = [
                messages[1]["content"]
                for messages in read_split(lake, key, version.fingerprint, name, ["messages"])["messages"].to_pylist()
            ]
            found[name] |= set(asked)
    parent = build(lake, "tutoring.en", later=9)
    train = {
        messages[1]["content"]
        for messages in read_split(lake, "tutoring.en", parent.fingerprint, "train", ["messages"])[
            "messages"
        ].to_pylist()
    }
    assert train.isdisjoint(found["test"])
    assert train.isdisjoint(found["validation"])


def test_a_child_built_after_its_parent_keeps_the_parents_splits(tmp_path: Path):
    lake = lake_with(tmp_path, [*examples(range(40)), *physics(range(100, 130))])
    parent = splits(lake, build(lake, "tutoring"))
    child = splits(lake, build(lake, MATH, later=1))
    assert child.items() <= parent.items()


def test_a_thin_segment_is_served_by_its_nearest_parent_that_is_large_enough(tmp_path: Path):
    rows = [*examples(range(60), language="hi", segment="tutoring.hi.science"), *physics(range(100, 105))]
    lake = lake_with(tmp_path, [*rows, *examples(range(200, 204), language="hi", segment="tutoring.hi.math")])
    config = CONFIG.model_copy(update={"minimum_groups": 10})
    served = build_or_fall_back(lake, "tutoring.hi.math", config, CURATION, now=NOW)
    assert served.segment == "tutoring.hi"
    assert why_served(lake, "tutoring.hi.math").startswith("tutoring.hi.math: too small to split (4 examples")
    found = latest_version(lake, "tutoring.hi.math")
    assert found is not None
    assert (found.segment, found.fingerprint) == ("tutoring.hi", served.fingerprint)
    # tutoring.en holds nothing but its one thin segment, so the task's root serves it
    assert build_or_fall_back(lake, PHYSICS, config, CURATION, now=NOW).segment == "tutoring"


def test_a_segment_that_has_grown_trains_for_itself_again(tmp_path: Path):
    config = CONFIG.model_copy(update={"minimum_groups": 10})
    lake = lake_with(tmp_path, [*examples(range(60)), *physics(range(100, 104))])
    assert build_or_fall_back(lake, PHYSICS, config, CURATION, now=NOW).segment == "tutoring.en"
    lake = lake_with(tmp_path, [*examples(range(60)), *physics(range(100, 160))])
    assert build_or_fall_back(lake, PHYSICS, config, CURATION, now=NOW).segment == PHYSICS
    assert why_served(lake, PHYSICS) == ""


def test_when_no_parent_is_large_enough_the_error_names_them(tmp_path: Path):
    lake = lake_with(tmp_path, [*examples(range(4)), *physics(range(100, 103))])
    with pytest.raises(SegmentTooSmallError, match=r"Its parents are too small as well \(tutoring\.en\)"):
        build_or_fall_back(lake, PHYSICS, CONFIG.model_copy(update={"minimum_groups": 10}), CURATION, now=NOW)


def test_document_sets_are_read_beside_the_days(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(30)))
    rows = examples(range(50, 90), segment="documents.en.notes", task="documents", source="documents")
    lake.write_table(pa.Table.from_pylist(rows, schema=EXAMPLE), lake.documents("notes"))
    funnel = [{"segment": "documents.en.notes", "rule": "any", "order": 0, "removed": 0, "remaining": 40}]
    lake.write_table(pa.Table.from_pylist(funnel, schema=FUNNEL), lake.documents("notes", "funnel"))
    strict = CURATION.model_copy(
        update={"segment_minimum_interactions": 100}
    )  # a minimum of interactions, not of chunks
    version = build_dataset(lake, "documents.en.notes", CONFIG, strict, now=NOW)
    assert sum(version.manifest.counts.values()) == 40
    assert (version.manifest.source_days, version.manifest.document_sets) == ((), ("notes",))
    assert "Documents (notes)" in lake.read_text(f"{version.path}/README.md")
    assert sum(build(lake, MATH).manifest.counts.values()) == 30

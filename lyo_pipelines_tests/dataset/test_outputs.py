"""What a version looks like to others: exports, card, picture, read side, segment list, pool digests, threads."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.pool import apply_pool_rules
from lyo_pipelines.dataset.build import DatasetVersion, build_dataset
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.parallel import ordered_map
from lyo_pipelines.dataset.plots import split_plot
from lyo_pipelines.dataset.pooling import POOL_COLUMNS, without_texts
from lyo_pipelines.dataset.segments import segments_in
from lyo_pipelines.dataset.versions import (
    get_version,
    latest_version,
    list_versions,
    point_to_version,
    read_split,
    why_served,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import DamagedFileError
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, example, examples, lake_with
from lyo_pipelines_tests.hypothesis_profile import draws


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, DatasetVersion]:
    history = [
        {"role": "user", "content": "Where shall we begin with this one?"},
        {"role": "assistant", "content": "At the start."},
    ]
    rows = [*examples(range(58)), example(58, weight=0.25), example(59, history=history, turn=1)]
    lake = lake_with(tmp_path_factory.mktemp("lake"), rows)
    return lake, build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)


# -- for people --------------------------------------------------------------------------------------------------------
def test_the_card_says_what_it_is(built: tuple[Lake, DatasetVersion]):
    lake, version = built
    text = lake.read_text(f"{version.path}/README.md")
    _, header, body = text.split("---\n", 2)
    meta = yaml.safe_load(header)
    assert meta["language"] == ["en"]
    assert [entry["path"] for entry in meta["configs"][0]["data_files"]] == [f"{name}.parquet" for name in SPLITS]
    for heading in (
        "Sizes",
        "How it was made",
        "Composition",
        "Leakage",
        "Fields",
        "Known limits",
        "Licence and contact",
    ):
        assert f"## {heading}" in body
    assert "| no_shared_group | passed |" in body
    assert str(version.manifest.counts["train"]) in body


def test_the_picture_is_a_small_png_however_many_strata(built: tuple[Lake, DatasetVersion]):
    manifest = built[1].manifest
    many = {
        f"en · a long subject name {n} · {n} · and a topic that never ends": {"train": 8, "validation": 1, "test": 1}
        for n in range(60)
    }
    totals = {"train": 480, "validation": 60, "test": 60}
    for one in (manifest, manifest.model_copy(update={"strata": many, "counts": totals, "strata_not_listed": 5})):
        plot = split_plot(one)
        assert plot.startswith(b"\x89PNG")
        assert len(plot) < 30_000


# -- read side ---------------------------------------------------------------------------------------------------------
def test_versions_are_listed_and_read(built: tuple[Lake, DatasetVersion]):
    lake, version = built
    assert [v.fingerprint for v in list_versions(lake, SEGMENT)] == [version.fingerprint]
    assert list_versions(lake, "tutoring.hi.math") == []
    assert latest_version(lake, "tutoring.hi.math") is None
    assert get_version(lake, SEGMENT, version.fingerprint).manifest == version.manifest
    with pytest.raises(ValueError, match="not a split"):
        read_split(lake, SEGMENT, version.fingerprint, "dev")
    with pytest.raises(UnknownVersionError, match=version.fingerprint):
        read_split(lake, SEGMENT, "missing", "train")


def test_a_lost_pointer_is_no_harm(tmp_path: Path):
    lake = lake_with(tmp_path, examples(range(40)))
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    pointer = Path(lake.dataset_dir(SEGMENT)) / "latest.json"
    for content in (None, '{"fingerprint": "0000000000000000"}'):
        pointer.unlink(missing_ok=True)
        if content:
            pointer.write_text(content)
        found = latest_version(lake, SEGMENT)
        assert found is not None
        assert found.fingerprint == version.fingerprint


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]"])
def test_a_damaged_pointer_is_named_kept_aside_and_written_anew_by_the_next_build(tmp_path: Path, content: bytes):
    lake = Lake(str(tmp_path))
    point_to_version(lake, SEGMENT, {"served_by": "tutoring.en", "reason": "too thin"})
    pointer = Path(lake.dataset_dir(SEGMENT)) / "latest.json"
    pointer.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"latest\.json"):
        why_served(lake, SEGMENT)
    point_to_version(lake, SEGMENT, {"served_by": "tutoring.en", "reason": "still too thin"})
    assert why_served(lake, SEGMENT) == "still too thin"
    assert [kept.read_bytes() for kept in Path(lake.path("quarantine")).rglob("latest.json.*")] == [content]


def test_segments_are_listed_largest_first(tmp_path: Path):
    rows = [*examples(range(3)), *examples(range(10, 15), segment="tutoring.hi.math", language="hi")]
    assert list(segments_in(lake_with(tmp_path, rows)).items()) == [("tutoring.hi.math", 5), ("tutoring.en.math", 3)]


def test_the_manifest_tells_lengths_days_and_rules(built: tuple[Lake, DatasetVersion]):
    manifest = built[1].manifest
    assert manifest.lengths["messages"] == {"p00": 3, "p25": 3, "p50": 3, "p75": 3, "p95": 3, "p99": 3, "p100": 5}
    assert sum(manifest.examples_by_day.values()) == 60
    assert manifest.source_days == tuple(manifest.examples_by_day) == tuple(manifest.examples_read_by_day)
    assert sum(manifest.examples_read_by_day.values()) == manifest.examples_read
    assert sum(sum(row.values()) for row in manifest.strata.values()) == 60
    assert sum(manifest.groups.by_split.values()) == manifest.groups.groups == 60
    assert manifest.rule_versions.pool == ("segment_minimum", "judged_low", "exact_duplicate", "user_cap")


# -- pool digests ------------------------------------------------------------------------------------------------------
FEW = st.sampled_from(["x y", "X  y ", "z", ""])
HISTORY = st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": st.none() | FEW}), max_size=2)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"question": FEW, "answer": FEW, "context": st.none() | FEW, "system_prompt": st.none() | FEW, "history": HISTORY,
             "rating": st.none() | st.sampled_from([4.0, 5.0]), "user_pseudonym": st.none() | st.sampled_from("ab")}
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
@settings(max_examples=draws(40))
def test_the_pool_rules_decide_the_same_without_texts(rows: list[dict[str, Any]]):
    table = pa.Table.from_pylist(
        [example(n, example_id=f"e{n:02d}", **row) for n, row in enumerate(rows)], schema=EXAMPLE
    )
    config = CURATION.model_copy(update={"user_cap": 2})
    full = apply_pool_rules(table.select(POOL_COLUMNS), config, 12)
    small = apply_pool_rules(without_texts(table.select(POOL_COLUMNS)), config, 12)
    assert small.removed.to_pylist() == full.removed.to_pylist()
    assert small.kept["example_id"].to_pylist() == full.kept["example_id"].to_pylist()


# -- threads -----------------------------------------------------------------------------------------------------------
def test_ordered_map_keeps_order_and_passes_errors_on():
    def slow_first(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0)
        return n * n

    assert list(ordered_map(slow_first, range(7))) == [n * n for n in range(7)]
    assert list(ordered_map(slow_first, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda n: 1 // n, [1, 0, 2]))


def test_ordered_map_does_not_run_far_ahead():
    taken: list[int] = []

    def source():
        for n in range(100):
            taken.append(n)
            yield n

    next(iter(ordered_map(lambda n: n, source(), threads=2)))
    assert len(taken) <= 4

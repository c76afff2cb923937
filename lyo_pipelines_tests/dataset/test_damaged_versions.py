"""A version with a cut or missing file is written again; what was held out is never guessed; one damaged file stops nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.split_memory import load_split_memory
from lyo_pipelines.dataset.versions import read_split
from lyo_pipelines.storage.damage import DamagedFileError, DamagedTableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, examples, lake_with


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Lake, str, dict[str, bytes]]:
    lake = lake_with(tmp_path_factory.mktemp("lake"), examples(range(40)))
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    return lake, version.path, {path.name: path.read_bytes() for path in Path(version.path).iterdir()}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def wipe(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("train.parquet", cut),
        ("test.parquet", Path.unlink),
        ("removed.parquet", wipe),
        ("manifest.json", cut),
    ],
)
def test_what_can_be_made_again_is_written_with_the_same_bytes(built, name, how):
    lake, folder, before = built
    how(Path(folder) / name)
    if name != "removed.parquet" and name.endswith(".parquet"):
        with pytest.raises(DamagedFileError, match=name):
            read_split(lake, SEGMENT, Path(folder).name, name.removesuffix(".parquet"))
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    assert (version.reused, version.path) == (False, folder)
    after = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert {key: data for key, data in after.items() if key.endswith(".parquet")} == {
        key: data for key, data in before.items() if key.endswith(".parquet")
    }
    assert build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW).reused


@pytest.mark.parametrize("how", [cut, wipe, Path.unlink])
def test_the_memory_of_what_was_held_out_is_named_and_never_guessed(built, how):
    lake, folder, before = built
    how(Path(folder) / "groups.parquet")
    try:
        with pytest.raises(DamagedTableError, match=r"groups\.parquet") as raised:
            build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
        assert "held out" in raised.value.hint
    finally:
        (Path(folder) / "groups.parquet").write_bytes(before["groups.parquet"])


def test_a_damaged_manifest_loses_nothing_of_what_was_held_out(built):
    lake, folder, before = built
    scope = scope_of(lake, SEGMENT, {})
    whole = load_split_memory(lake, scope)[0]
    cut(Path(folder) / "manifest.json")
    try:
        assert load_split_memory(lake, scope)[0].keys.tolist() == whole.keys.tolist()
    finally:
        (Path(folder) / "manifest.json").write_bytes(before["manifest.json"])

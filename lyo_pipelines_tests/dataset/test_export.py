"""Exports: what other tools load is the version, whole or not at all, with its card and manifest."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from lyo_pipelines.cli import app
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.build import DatasetVersion, build_dataset
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import ExportError, UnknownVersionError
from lyo_pipelines.dataset.export import FORMATS, ExportFormat, export_version
from lyo_pipelines.dataset.preferences.build import build_preferences
from lyo_pipelines.dataset.versions import read_split
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, example, examples, lake_with

HISTORY = [
    {"role": "user", "content": "Where shall we begin with this one?"},
    {"role": "assistant", "content": "At the start."},
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, DatasetVersion]:
    rows = [*examples(range(58)), example(58, weight=0.25), example(59, history=HISTORY, turn=1)]
    corrected = [{**row, "original_answer": f"A first try at {row['answer']}"} for row in examples(range(60, 100))]
    lake = lake_with(tmp_path_factory.mktemp("lake"), [*rows, *corrected])
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    bad = [
        {**row, "example_id": f"bad-{n}", "answer": f"No idea, number {n}.", "rating": 1.0}
        for n, row in enumerate(rows[:20])
    ]
    day = bad[0]["occurred_at"].date()
    lake.write_table(
        pa.Table.from_pylist([row for row in bad if row["occurred_at"].date() == day], schema=EXAMPLE),
        lake.examples(day, "disliked"),
    )
    build_preferences(lake, SEGMENT, CONFIG, CURATION, now=NOW + timedelta(hours=1))
    return lake, version


def lines_of(folder: Path, splits: tuple[str, ...] = SPLITS) -> list[dict]:
    return [json.loads(line) for name in splits for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_a_hugging_face_export_is_loaded_by_datasets_with_its_splits_and_every_value(
    built: tuple[Lake, DatasetVersion], tmp_path: Path
):
    import datasets

    lake, version = built
    made = export_version(lake, SEGMENT, "huggingface", tmp_path / "out")
    loaded = datasets.load_dataset(str(made.folder), cache_dir=str(tmp_path / "cache"))
    assert {name: loaded[name].num_rows for name in SPLITS} == made.rows
    for name in SPLITS:
        ours = read_split(lake, SEGMENT, version.fingerprint, name, ["example_id", "messages"]).to_pylist()
        assert loaded[name].select_columns(["example_id", "messages"]).to_list() == ours


def test_openai_lines_learn_from_the_last_answer_only(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    made = export_version(lake, SEGMENT, "openai", tmp_path / "out")
    lines = lines_of(made.folder)
    assert len(lines) == sum(made.rows.values())
    assert all(set(line) == {"messages"} and line["messages"][-1]["role"] == "assistant" for line in lines)
    earlier = [m for line in lines for m in line["messages"][:-1] if m["role"] == "assistant"]
    assert earlier == [{"role": "assistant", "content": "At the start.", "weight": 0}]
    assert all("weight" not in line["messages"][-1] for line in lines)


def test_openai_lines_can_leave_light_examples_out(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    whole = export_version(lake, SEGMENT, "openai", tmp_path / "whole")
    heavy = export_version(lake, SEGMENT, "openai", tmp_path / "heavy", minimum_weight=0.5)
    assert sum(whole.rows.values()) - sum(heavy.rows.values()) == 1
    with pytest.raises(ExportError, match="belongs to the format openai"):
        export_version(lake, SEGMENT, "huggingface", tmp_path / "no", minimum_weight=0.5)


def test_pairs_are_in_trl_s_conversational_form(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    made = export_version(lake, SEGMENT, "dpo", tmp_path / "out")
    lines = lines_of(made.folder, ("train", "validation"))
    assert len(lines) == sum(made.rows.values()) > 0
    for line in lines:
        assert set(line) == {"prompt", "chosen", "rejected"}
        assert [[message["role"] for message in line[name]] for name in ("chosen", "rejected")] == [["assistant"]] * 2
        assert line["prompt"][-1]["role"] == "user"
        assert line["rejected"][0]["content"].startswith(("A first try", "No idea"))
        assert line["chosen"][0]["content"].startswith("The answer to")


def test_labelled_answers_are_in_trl_s_conversational_form(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    lines = lines_of(export_version(lake, SEGMENT, "kto", tmp_path / "out").folder, ("train", "validation"))
    assert {line["label"] for line in lines} == {True, False}
    for line in lines:
        assert set(line) == {"prompt", "completion", "label"}
        assert line["completion"][0]["content"].startswith("No idea") == (not line["label"])


@pytest.mark.parametrize("format", FORMATS)
def test_each_export_carries_its_card_and_the_manifest_of_the_version(
    built: tuple[Lake, DatasetVersion], tmp_path: Path, format: ExportFormat
):
    lake, _ = built
    made = export_version(lake, SEGMENT, format, tmp_path / "out")
    _, header, body = (made.folder / "README.md").read_text().split("---\n", 2)
    listed = [entry["path"] for entry in yaml.safe_load(header)["configs"][0]["data_files"]]
    assert format == "openai" or all((made.folder / name).exists() for name in listed)
    assert made.fingerprint in body
    assert json.loads((made.folder / "manifest.json").read_text())["fingerprint"] == made.fingerprint


def test_exporting_again_replaces_the_export_and_nothing_else(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    export_version(lake, SEGMENT, "huggingface", tmp_path / "out")
    export_version(lake, SEGMENT, "openai", tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.parquet"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("three years of work")
    with pytest.raises(ExportError, match="no export"):
        export_version(lake, SEGMENT, "openai", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_what_is_not_there_is_said_with_what_to_do(built: tuple[Lake, DatasetVersion], tmp_path: Path):
    lake, _ = built
    with pytest.raises(UnknownVersionError, match="Materialize"):
        export_version(lake, SEGMENT, "openai", tmp_path / "out", fingerprint="0" * 16)
    with pytest.raises(ExportError, match=r"lyo train search\.en"):
        export_version(lake, "search.en", "openai", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote_where_and_how_it_is_loaded(
    built: tuple[Lake, DatasetVersion], monkeypatch: pytest.MonkeyPatch
):
    lake, version = built
    monkeypatch.setenv("LYO_DATA_DIR", lake.root)
    told = CliRunner().invoke(app, ["export", SEGMENT, "--format", "kto"])
    folder = Path(lake.path("exports", SEGMENT))
    assert told.exit_code == 0, told.output
    assert "KTOTrainer" in told.output
    told = CliRunner().invoke(app, ["export", SEGMENT])
    assert f"version {version.fingerprint}: train" in told.output
    assert (folder / version.fingerprint / "huggingface" / "train.parquet").exists()

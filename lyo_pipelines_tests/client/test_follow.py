"""The live display reads what other processes are writing, so half-written lines and missing files are normal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import apply_run, evaluation_detail, new_stages, training_detail
from lyo_pipelines.client.graphql import DagsterRun
from lyo_pipelines.storage.lake import Lake


def _run(**steps: tuple[str, float | None, float | None]) -> DagsterRun:
    return DagsterRun("id", "retrain", "STARTED", 100.0, None, steps)


def test_stages_follow_the_states_of_steps() -> None:
    stages = new_stages("dataset_splits", "adapter", "eval_report")
    apply_run(
        stages,
        _run(dataset_splits=("SUCCESS", 100, 103), adapter=("IN_PROGRESS", 103, None), other=("SUCCESS", 1, 2)),
        now=110,
    )
    assert (stages["dataset_splits"].state, stages["dataset_splits"].seconds) == ("done", 3)
    assert (stages["adapter"].state, stages["adapter"].seconds) == ("running", 7)
    assert stages["eval_report"].state == "waiting"
    apply_run(stages, _run(adapter=("FAILURE", 103, 111)), now=112)
    assert stages["adapter"].state == "failed"


def test_a_run_shows_the_progress_of_the_version_that_it_says_it_trains(tmp_path: Path) -> None:
    lake, tags = Lake(str(tmp_path)), {"dagster/partition": "tutoring.en.math"}
    for version, step in (("v1", 3), ("v2", 7)):
        folder = Path(lake.adapter_dir("tutoring.en.math", version))
        folder.mkdir(parents=True)
        row = {
            "stage": "training",
            "step": step,
            "steps": 9,
            "loss": 1.5,
            "tokens_per_second": 700.4,
            "eta_seconds": 61,
        }
        (folder / "metrics.jsonl").write_text(json.dumps(row | {"eval_loss": None}) + "\n")
    of_v1 = replace(_run(), tags=tags | {"lyo/adapter": "v1"})
    written = (folder / "metrics.jsonl").stat().st_mtime
    assert training_detail(lake, of_v1, written) == "training · step 3/9 · loss 1.500 · 700 tokens/s · 1:01 left"
    assert training_detail(lake, replace(_run(), tags=tags)) == "starting"
    assert training_detail(lake, replace(_run(), tags=tags | {"lyo/adapter": "v3"})) == "starting"


def test_the_time_left_counts_down_between_two_lines(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    folder = Path(lake.adapter_dir("tutoring.en.math", "v1"))
    folder.mkdir(parents=True)
    path = folder / "metrics.jsonl"
    path.write_text('{"stage": "training", "eta_seconds": 100}\n')
    run = replace(_run(), tags={"dagster/partition": "tutoring.en.math", "lyo/adapter": "v1"})
    written = path.stat().st_mtime
    assert training_detail(lake, run, written + 60) == "training · 0:40 left"
    assert training_detail(lake, run, written + 600) == "training · any moment"


def test_a_run_shows_the_progress_of_the_report_that_it_says_it_writes(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    folder = Path(lake.report_dir("tutoring.en.math", "v1"))
    folder.mkdir(parents=True)
    (folder / "progress.jsonl").write_text(
        '{"stage": "answering", "model": "base", "done": 2, "total": 8, "eta_seconds": 5}\n'
    )
    run = replace(_run(), tags={"dagster/partition": "tutoring.en.math", "lyo/report": "v1"})
    written = (folder / "progress.jsonl").stat().st_mtime
    assert evaluation_detail(lake, run, written) == "answering · base · 2/8 · 0:05 left"
    assert evaluation_detail(lake, replace(run, tags={"dagster/partition": "tutoring.en.math"})) == "starting"


def test_without_a_terminal_the_next_step_of_a_long_stage_is_said_and_the_same_one_only_now_and_then() -> None:
    seconds = iter([0.0, 1.0, 20.0, 40.0, 120.0])
    console = Console(record=True, width=120, force_terminal=False)
    stages = new_stages("adapter")
    with Display(console, every_seconds=60, step_seconds=5, monotonic=lambda: next(seconds)) as display:
        for detail in ("loading", "training · 1/9", "training · 2/9", "training · 3/9", "training · 8/9"):
            stages["adapter"].state, stages["adapter"].detail = "running", detail
            display.show(stages)
    said = [line.split(" ", 3)[-1] for line in console.export_text().splitlines()]
    assert [line.split("running ")[1] for line in said] == ["loading", "training · 2/9", "training · 8/9"]


def test_without_a_terminal_only_changes_are_printed() -> None:
    console = Console(record=True, force_terminal=False, width=120)
    stages = new_stages("dataset_splits", "adapter", "eval_report")
    with Display(console, every_seconds=1000) as display:
        display.show(stages)
        stages["adapter"].state = "running"
        display.show(stages)
        display.show(stages)
        stages["adapter"].state = "done"
        display.show(stages)
    lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert [line.split(":")[1].split()[0] for line in lines] == ["running", "done"]


def test_what_a_run_waits_for_is_said_once_and_gone_when_it_runs() -> None:
    console = Console(record=True, force_terminal=False, width=120)
    stages = new_stages("dataset_splits")
    with Display(console) as display:
        for seconds in ("0:02", "0:04"):
            stages["dataset_splits"].detail = f"waits for retrain tutoring.hi.math (running {seconds})"
            display.show(stages)
        apply_run(stages, _run(dataset_splits=("IN_PROGRESS", 100, None)), now=101)
        display.show(stages)
    first, second = [line for line in console.export_text().splitlines() if line.strip()]
    assert "waits for retrain tutoring.hi.math" in first
    assert "waits" not in second and "running" in second

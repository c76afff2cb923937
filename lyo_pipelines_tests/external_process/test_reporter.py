"""A terminal sees every line; Dagster, whose every line is a row of its database, sees few and one materialization."""

from __future__ import annotations

import json

import pytest

from lyo_pipelines.external_process.json_lines import append_json_line, last_json_line, read_json_lines
from lyo_pipelines.external_process.progress import Progress
from lyo_pipelines.external_process.reporter import open_reporter
from lyo_pipelines.external_process.throttle import EVERY_SECONDS, Throttle
from lyo_pipelines_tests.external_process.pipes_made import pipes_files


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_message_is_due_at_once_and_the_next_when_its_time_has_come():
    clock = Clock()
    throttle = Throttle(10, clock)
    due = []
    for clock.now in (0.0, 9.9, 10.0, 15.0, 19.9, 20.0):
        due.append(throttle.due())
    assert due == [True, False, True, False, False, True]
    throttle.reset()
    assert throttle.due()


def test_dagster_reads_what_the_process_said_out_of_its_own_files(tmp_path, monkeypatch, capsys):
    files = pipes_files(tmp_path, "adapter")
    files.launch_this_process(monkeypatch)
    metadata = {"loss": {"raw_value": 0.5, "type": "float"}}
    with open_reporter("training") as report:
        assert report.launched_by_dagster
        report.say("it begins")
        for step in range(5):
            report.tell(f"step {step}")
        report.fail("it is broken")
        report.materialize(metadata, "version-1")
    assert [(line["level"], line["message"]) for line in files.sent("log")] == [
        ("INFO", "it begins"),
        ("INFO", "step 0"),
        ("ERROR", "it is broken"),
    ]
    (materialized,) = files.sent("report_asset_materialization")
    assert (materialized["asset_key"], materialized["data_version"]) == ("adapter", "version-1")
    assert materialized["metadata"] == metadata
    heard = capsys.readouterr().err.splitlines()
    assert heard == ["it begins", *(f"step {n}" for n in range(5)), "training failed: it is broken"]


def test_without_dagster_nothing_is_opened_and_a_materialization_goes_nowhere(monkeypatch, capsys):
    monkeypatch.delenv("DAGSTER_PIPES_CONTEXT", raising=False)
    with open_reporter("") as report:
        assert not report.launched_by_dagster
        report.fail("it is broken")
        report.materialize({}, "version-1")
    assert capsys.readouterr().err == "it is broken\n"


def test_of_several_processes_the_first_speaks_and_who_started_them_closes_the_pipe(tmp_path, monkeypatch, capsys):
    files = pipes_files(tmp_path, "adapter")
    for part in (0, 1):
        files.launch_this_process(monkeypatch)
        with open_reporter("training", part) as report:
            report.say(f"process {part} begins")
            report.fail("it is broken")
    assert [line["message"] for line in files.sent("log")] == ["process 0 begins", "it is broken"]
    assert files.sent("closed") == []
    assert capsys.readouterr().err.splitlines() == [
        "process 0 begins", "training failed: it is broken", "training, process 1, failed: it is broken",
    ]  # fmt: skip


def test_progress_writes_each_step_and_says_few_of_them(tmp_path):
    clock, said = Clock(), []
    progress = Progress(tmp_path / "progress.jsonl", said.append, clock=clock)
    progress.start("answers", "base", total=40, done=10)
    for done in range(11, 41):
        clock.now += 1
        progress.update(done, 40)
    lines = read_json_lines(tmp_path / "progress.jsonl")
    assert [line["done"] for line in lines] == list(range(10, 41))
    assert lines[0]["eta_seconds"] is None
    assert lines[10]["eta_seconds"] == pytest.approx(20)
    assert said == [
        "answers of base: 10/40 in 0 s",
        "answers of base: 20/40 in 10 s, about 20 s left",
        "answers of base: 30/40 in 20 s, about 10 s left",
        "answers of base: 40/40 in 30 s",
    ]
    assert EVERY_SECONDS == 10
    progress.start("answers", "candidate", total=2)
    assert said[-1] == "answers of candidate: 0/2 in 0 s", "a new stage is said at once"


def test_a_line_that_a_kill_tore_is_left_out_and_the_newest_whole_one_is_found(tmp_path):
    path = tmp_path / "lines.jsonl"
    assert (read_json_lines(path), last_json_line(path)) == ([], {})
    append_json_line(path, {"step": 1, "text": "நன்று"})
    append_json_line(path, {"step": 2})
    with path.open("ab") as handle:
        handle.write(json.dumps({"step": 3}).encode()[:-2])
    assert [line["step"] for line in read_json_lines(path)] == [1, 2]
    assert last_json_line(path) == {"step": 2}

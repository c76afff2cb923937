"""The evaluation as a process: the whole report, resuming after a kill, reusing answers, speaking to Dagster."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, ConfigDict

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.evaluation.command import evaluation_command, is_complete, write_config
from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.__main__ import main
from lyo_pipelines.evaluation.engine.ask_hosted import ask_all
from lyo_pipelines.evaluation.engine.ask_models import Asker
from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.engine.outputs import OutputsFolder, by_item
from lyo_pipelines.evaluation.measures.catalogue import load_metrics
from lyo_pipelines.evaluation.planning.assemble import AdapterError, gather_inputs
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import evaluate_gates
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.external_process.progress import Progress
from lyo_pipelines_tests.engine_process import EngineProcess, run_engine
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.external_process.pipes_made import pipes_files


def arguments(world, output: Path, config=None, **options: Path) -> list[str]:
    command = evaluation_command(
        world.dataset, world.candidate, output, world.root / "models",
        evaluation_config_path=write_config(config or world.config, output.parent / "figures"), **options,
    )  # fmt: skip
    assert command[:3] == [sys.executable, "-m", "lyo_pipelines.evaluation.engine"]
    return command[3:]


@pytest.fixture(scope="module")
def output(world) -> Path:
    folder = world.root / "reports" / "v1"
    assert main(arguments(world, folder, champion_dir=world.champion)) == 0
    return folder


class Known(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class ValueShape(Known):
    value: float | None
    n: int


class ComparisonShape(Known):
    metric: str
    a: str
    b: str
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p_adjusted: float | None
    verdict: str


class SliceShape(Known):
    dimension: str
    value: str
    n: int
    groups: int
    models: dict[str, dict[str, ValueShape]]
    comparisons: list[ComparisonShape]


class GateShape(Known):
    name: str
    passed: bool | None
    blocking: bool
    message: str


class ReportShape(Known):
    """The contract that others build on."""

    segment: str
    version: str
    dataset_fingerprint: str
    n_test: int
    groups: int
    models: dict[str, dict[str, ValueShape]]
    comparisons: list[ComparisonShape]
    slices: list[SliceShape]
    gates: list[GateShape]


def test_the_report_keeps_its_contract(world, output):
    text = (output / "report.json").read_text()
    assert "NaN" not in text
    report = ReportShape.model_validate(json.loads(text))
    assert (report.segment, report.version, report.dataset_fingerprint) == ("tutoring.en.math", "candidate", "d1")
    assert report.n_test == report.groups == 18
    assert set(report.models) == {"base", "candidate", "champion"}
    assert {(c.a, c.b) for c in report.comparisons} == {("candidate", "base"), ("candidate", "champion")}
    assert {c.verdict for c in report.comparisons} <= {"better", "worse", "cannot_tell"}
    assert {s.dimension for s in report.slices} == {"language", "subject", "grade", "topic", "reasoning_mode"}
    assert [g.name for g in report.gates] == [g.name for g in world.config.gates]


def test_the_gates_can_be_judged_again_from_the_report(world, output):
    report = read_report(output)
    assert tuple(evaluate_gates(report, world.config)) == report.gates


def test_loss_and_perplexity_belong_together(output):
    report = read_report(output)
    items = pq.read_table(output / "items.parquet").to_pylist()
    rows = [row for row in items if row["model"] == "base"]
    loss = sum(row["nll_sum"] for row in rows) / sum(row["nll_tokens"] for row in rows)
    assert report.metric("base", "loss") == pytest.approx(loss)
    assert report.metric("base", "perplexity") == pytest.approx(2.718281828**loss, rel=1e-6)
    assert len(items) == 3 * 18


def test_the_readable_report_stands_on_its_own(output):
    text = (output / "report.md").read_text()
    for needed in (
        "18 of 24 test items",
        "What the verdicts mean",
        "cannot tell",
        "Gates",
        "language hi",
        "checked_answer",
    ):
        assert needed in text
    for plot in re.findall(r"\]\((\w+\.png)\)", text):
        assert (output / plot).read_bytes().startswith(b"\x89PNG")


def test_what_a_model_wrote_cannot_become_mark_up(output):
    report = read_report(output)
    report.samples[0].answers["base"] = "```\n![x](http://example.org/x.png) <b>\x00"
    text = render_report(report)
    block = text[text.index("````text") : text.index("![x]") + 60]
    assert block.rstrip().count("````") >= 2
    assert "\x00" not in text


def test_progress_is_told_line_by_line(output):
    lines = [json.loads(line) for line in (output / "progress.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in lines} >= {"likelihood", "answers", "response time", "metrics and statistics"}
    assert all(set(line) >= {"stage", "model", "done", "total", "seconds", "eta_seconds"} for line in lines)
    answers = [line for line in lines if line["stage"] == "answers" and line["model"] == "base"]
    assert [line["done"] for line in answers] == [0, 5, 10, 15, 18]
    assert answers[0]["eta_seconds"] is None
    assert answers[-1]["eta_seconds"] == 0


def test_a_report_of_the_same_inputs_is_not_made_again(world, output, capsys):
    before = (output / "report.json").stat().st_mtime_ns
    assert main(arguments(world, output, champion_dir=world.champion)) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert (output / "report.json").stat().st_mtime_ns == before


def test_another_configuration_makes_another_report_from_the_same_answers(world, output, capsys):
    other = world.root / "reports" / "v2"
    assert (
        main(arguments(world, other, world.config.model_copy(update={"alpha": 0.01}), champion_dir=world.champion)) == 0
    )
    assert "reused answers of base: 18/18" in capsys.readouterr().err
    ours, theirs = read_report(other), read_report(output)
    assert ours.data_version != theirs.data_version
    assert ours.models == theirs.models


def test_the_base_answers_once_for_every_candidate(world, output, capsys):
    del output
    command = arguments(world, world.root / "reports" / "v3")
    command[command.index("--adapter") + 1] = str(world.champion)
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "reused answers of base" in said
    assert "champion" not in read_report(world.root / "reports" / "v3").models


def test_a_candidate_that_is_the_champion_has_only_the_base_to_beat(world):
    inputs = gather_inputs(
        world.dataset, world.candidate, world.candidate, world.config, curation=sample_reports.CURATION
    )
    assert inputs.same_as_champion
    assert [spec.role for spec in inputs.models] == ["base", "candidate"]
    alone = gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION)
    assert (alone.champion_version, inputs.champion_version) == ("", inputs.models[1].version)
    assert alone.data_version != inputs.data_version, "which champion it was is part of the fingerprint"


def test_what_a_candidate_was_tuned_from_is_a_model_of_its_own_unless_it_is_the_champion(world):
    started = gather_inputs(
        world.dataset, world.candidate, None, world.config, start_dir=world.champion, curation=sample_reports.CURATION
    )
    assert [spec.role for spec in started.models] == ["base", "candidate", "start"]
    assert started.before == "base", "what serves now is still nothing but the base"
    both = gather_inputs(
        world.dataset,
        world.candidate,
        world.champion,
        world.config,
        start_dir=world.champion,
        curation=sample_reports.CURATION,
    )
    assert [spec.role for spec in both.models] == ["base", "candidate", "champion"]


def test_a_teams_own_metric_reaches_the_report(world, output):
    del output
    own = sample_reports.short_metric(world.root / "own")
    folder = world.root / "reports" / "v4"
    config = world.config.model_copy(update={"metrics": ("loss", "shouts")})
    assert main(arguments(world, folder, config, metrics_dir=own.parent.parent)) == 0
    report = read_report(folder)
    assert report.metrics["shouts"].description == "Exclamation marks of an English answer."
    asked = gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION).items
    english = sum(item.language == "en" for item in asked)
    assert report.models["candidate"]["shouts"].n == english > 0
    assert "| shouts (marks, " in (folder / "report.md").read_text()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_losses_that_are_no_number_are_counted_shown_and_hold_the_release(world, tmp_path, monkeypatch, value):
    likelihood = generate.likelihood
    lost = (
        gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION)
        .items[3]
        .item_id
    )

    def broken(model, tokenizer, batch):
        found = likelihood(model, tokenizer, batch)
        adapted = hasattr(model, "peft_config") and not model._adapters_disabled
        sums = zip(found["ids"], found["nll_sums"], strict=True)
        return found | {"nll_sums": [value if adapted and item == lost else total for item, total in sums]}

    monkeypatch.setattr(generate, "likelihood", broken)
    assert main(arguments(world, tmp_path / "v")) == 0
    report = read_report(tmp_path / "v")
    assert report.models["candidate"]["loss_no_number"].value == pytest.approx(1 / 18)
    assert report.models["base"]["loss_no_number"].value == 0
    assert report.models["candidate"]["loss"].n == 17
    assert not report.may_be_released
    assert any("no number on 5.6% of the items" in gate.message for gate in report.gates)
    told = (tmp_path / "v/report.md").read_text()
    assert "The candidate's loss is no number (NaN or infinite) on 1 of 18 items." in told
    assert "The base's loss is no number" not in told


def undisturbed(world, cache: Path, say=lambda _: None) -> dict:
    inputs = gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION)
    host = ModelHost(world.root / "models", device="cpu", dtype="float32", attention=None)
    cache.mkdir(parents=True, exist_ok=True)
    return ask_all(Asker(inputs, host, cache, Progress(cache / "progress.jsonl", say)))


def test_an_interrupted_evaluation_goes_on_and_ends_the_same(world, tmp_path):
    def interrupt(message: str) -> None:
        if message.startswith("answers of candidate: 5/"):
            raise KeyboardInterrupt

    inputs = gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION)
    host = ModelHost(world.root / "models", device="cpu", dtype="float32", attention=None)
    every_batch = Progress(tmp_path / "progress.jsonl", interrupt, every_seconds=0)
    asker = Asker(inputs, host, tmp_path, every_batch)
    with pytest.raises(KeyboardInterrupt):
        ask_all(asker)
    spec = inputs.model("candidate")
    assert spec is not None
    kept = (tmp_path / asker.key(spec) / "answers.jsonl").read_bytes()
    assert len(kept.splitlines()) == 1

    resumed = undisturbed(world, tmp_path)
    straight = undisturbed(world, tmp_path / "other")
    assert (tmp_path / asker.key(spec) / "answers.jsonl").read_bytes().startswith(kept)
    assert resumed["base"].timing.reused
    for role in ("base", "candidate"):
        assert resumed[role].texts == straight[role].texts
        assert resumed[role].nll_sums == pytest.approx(straight[role].nll_sums)


def test_a_killed_process_leaves_work_that_the_next_one_uses(world, tmp_path):
    config = world.config.model_copy(update={"generation_batch": 1, "max_new_tokens": 60, "metrics": ("loss", "chrf")})
    command = [sys.executable, "-m", "lyo_pipelines.evaluation.engine", *arguments(world, tmp_path / "v", config)]
    cache = tmp_path / ".tmp-outputs"
    process = EngineProcess(command, os.environ)

    def batches() -> int:
        return sum(path.read_bytes().count(b"\n") for path in cache.glob("*/answers.jsonl"))

    end = time.monotonic() + 120
    while batches() < 2 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = batches()
    assert 2 <= there < 36
    assert not is_complete(tmp_path / "v")

    code, printed = run_engine(command, os.environ)
    assert code == 0, printed
    assert re.search(rf"answers of \w+: {there % 18}/18 in 0 s", printed)
    assert batches() == 36
    assert is_complete(tmp_path / "v")


def test_a_torn_line_of_a_killed_process_is_cut_off(tmp_path):
    folder = OutputsFolder(tmp_path)
    folder.append("answers", {"ids": ["a"], "texts": ["நன்று"]})
    with (tmp_path / "answers.jsonl").open("ab") as handle:
        handle.write('{"ids": ["b"], "texts": ["நன்'.encode()[:-2])
    assert folder.batches("answers") == [{"ids": ["a"], "texts": ["நன்று"]}]
    folder.append("answers", {"ids": ["b"], "texts": ["x"]})
    assert by_item(folder.batches("answers"), ("texts",)) == {"a": ("நன்று",), "b": ("x",)}
    (tmp_path / "answers.jsonl").write_bytes(b'{"ids": [}\n')
    assert folder.batches("answers") == []


def test_inputs_that_do_not_fit_end_with_what_to_do(world, tmp_path, capsys):
    no_adapter = arguments(world, tmp_path / "v")
    no_adapter[no_adapter.index("--adapter") + 1] = str(tmp_path)
    assert main(no_adapter) == 1
    assert "its training has not ended" in capsys.readouterr().err

    bad_config = arguments(world, tmp_path / "v")
    (tmp_path / "bad.json").write_text('{"max_itms": 3}')
    bad_config[bad_config.index("--evaluation-config") + 1] = str(tmp_path / "bad.json")
    assert main(bad_config) == 1
    assert "max_itms" in capsys.readouterr().err

    gone = shutil.copytree(world.candidate, tmp_path / "orphan")
    manifest = json.loads((gone / "adapter_manifest.json").read_text())
    manifest["base_model"]["name"] = "no-such-base"
    (gone / "adapter_manifest.json").write_text(json.dumps(manifest))
    orphan = arguments(world, tmp_path / "v")
    orphan[orphan.index("--adapter") + 1] = str(gone)
    assert main(orphan) == 1
    assert "no-such-base" in capsys.readouterr().err
    assert not is_complete(tmp_path / "v")

    (gone / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterError, match="train the adapter again"):
        gather_inputs(world.dataset, gone, None, world.config, curation=sample_reports.CURATION)
    with pytest.raises(DocumentError, match="has not finished"):
        read_report(tmp_path / "v")


def test_dagster_hears_of_the_finished_report(world, output, tmp_path, monkeypatch):
    files = pipes_files(tmp_path, "eval_report")
    files.launch_this_process(monkeypatch)
    assert main(arguments(world, output, champion_dir=world.champion)) == 0
    (materialized,) = files.sent("report_asset_materialization")
    assert materialized["data_version"] == read_report(output).data_version
    told = {name: entry["raw_value"] for name, entry in materialized["metadata"].items()}
    assert told == {"version": read_report(output).version}, "its page is drawn where Dagster runs"
    assert "DAGSTER_PIPES_CONTEXT" in os.environ


def test_every_packaged_metric_can_be_loaded_from_its_path(world):
    inputs = gather_inputs(
        world.dataset,
        world.candidate,
        None,
        world.config.model_copy(update={"metrics": None}),
        curation=sample_reports.CURATION,
    )
    assert [m.name for m in load_metrics(inputs.metric_files)] == sorted(inputs.metric_files)

"""Collateral damage: what else is looked at, when it counts as damaged, and that it costs nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyo_pipelines.config.evaluation import GateConfig
from lyo_pipelines.contracts.dataset import DataManifest
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.evaluation.answers.correctness import is_correct
from lyo_pipelines.evaluation.command import evaluation_command, write_config
from lyo_pipelines.evaluation.engine.__main__ import main
from lyo_pipelines.evaluation.inputs.item_sets import GENERAL, ItemSet, general_set, item_sets, other_segments
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.collateral import collateral_section
from lyo_pipelines.evaluation.report.gates import evaluate_gates
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.config.packaged import collateral_config
from lyo_pipelines_tests.contracts import reports_made
from lyo_pipelines_tests.evaluation import sample_reports

GATE = GateConfig(name="no_collateral_damage", metric="collateral", against="current", require="not_worse")
SEGMENT = "tutoring.en.math"


def dataset(lake: Lake, segment: str, n: int = 20) -> None:
    sample_reports.dataset(Path(lake.dataset_dir(segment, "d1")), sample_reports.rows(n, per_group=1), segment=segment)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    for segment in (
        SEGMENT,
        "tutoring.en",
        "tutoring.en.physics",
        "tutoring.hi.math",
        "programming.en",
        "tutoring.hi.science",
    ):
        dataset(lake, segment)
    return lake


def test_one_segment_of_each_task_and_language_comes_first_and_no_relative_at_all(lake):
    found = [key for key, _ in other_segments(lake, DataManifest(segment=SEGMENT, fingerprint="f"))]
    assert found == ["programming.en", "tutoring.en.physics", "tutoring.hi.math", "tutoring.hi.science"]
    trained_on = DataManifest(segment="mixture.all", fingerprint="f", segments={SEGMENT: 5, "tutoring.hi.math": 5})
    assert [key for key, _ in other_segments(lake, trained_on)] == [
        "programming.en",
        "tutoring.en.physics",
        "tutoring.hi.science",
    ]


def test_the_cost_is_bounded_by_segments_and_items(lake):
    sets = item_sets(lake, DataManifest(segment=SEGMENT, fingerprint="f"), collateral_config(segments=2, items=7))
    assert [(part.name, len(part.items), part.answers) for part in sets] == [
        ("programming.en", 7, False),
        ("tutoring.en.physics", 7, False),
        (GENERAL, 36, True),
    ]
    assert (
        item_sets(lake, DataManifest(segment=SEGMENT, fingerprint="f"), collateral_config(segments=0, general=False))
        == ()
    )
    assert [
        part.name for part in item_sets(None, DataManifest(segment=SEGMENT, fingerprint="f"), collateral_config())
    ] == [GENERAL]


def test_the_general_set_can_be_checked_and_asks_everything_once():
    items = general_set().items
    assert {language: sum(i.language == language for i in items) for language in ("en", "hi", "ta")} == {
        "en": 12,
        "hi": 12,
        "ta": 12,
    }
    assert len({item.question for item in items}) == len({item.item_id for item in items}) == 36
    for item in items:
        assert item.reference_answer
        assert is_correct(item.reference, item.reference_answer)
        assert not is_correct("I do not know", item.reference_answer)


def outputs(losses: list[float], texts: list[str] | None = None) -> ModelOutputs:
    n = len(losses)
    nll: list[float | None] = [10 * loss for loss in losses]
    return ModelOutputs(nll, [10] * n, [False] * n, texts or [""] * n, [1] * n, [False] * n, [1] * n, 9, None)


def judged(world, before: list[float], after: list[float], **config):
    items = tuple(Item(f"e{i}", f"g{i}", (("user", "q"),), "r", "en") for i in range(len(before)))
    wanted = world.config.model_copy(update={"collateral": collateral_config(**config)})
    said = {"other": {"base": outputs(before), "candidate": outputs(after)}}
    return collateral_section([ItemSet("other", items)], said, "base", wanted)


BEFORE = [1 + i / 20 for i in range(20)]


@pytest.mark.parametrize(
    ("rise", "tolerance", "damaged"), [(0.3, 0.1, True), (0.05, 0.1, False), (0.3, 0.5, False), (-0.5, 0.0, False)]
)
def test_a_set_is_damaged_where_its_loss_rose_by_more_than_is_tolerated(world, rise, tolerance, damaged):
    after = [loss + rise + (i % 3 - 1) / 50 for i, loss in enumerate(BEFORE)]
    told = judged(world, BEFORE, after, tolerance=tolerance)
    (row,) = told.rows
    assert row.damaged is damaged
    assert row.change == pytest.approx(rise, abs=0.01)
    assert told.damaged == (("other",) if damaged else ())


def test_a_rise_that_one_item_makes_is_not_shown(world):
    assert not judged(world, BEFORE, [BEFORE[0] + 20, *BEFORE[1:]]).damaged


def test_few_groups_judge_nothing_and_stop_nothing(world):
    told = judged(world, BEFORE[:5], [9.0] * 5)
    assert (told.rows[0].damaged, told.judged) == (None, 0)
    config = world.config.model_copy(update={"gates": (GATE,)})
    (gate,) = evaluate_gates(reports_made.report(collateral=told), config)
    assert (gate.passed, gate.blocking) == (None, False)
    (off,) = evaluate_gates(reports_made.report(), config)
    assert (off.passed, off.applies) == (True, False)


def evaluated(world, folder: Path, adapter: Path, lake: Lake, capsys) -> tuple[Report, str]:
    config = world.config.model_copy(
        update={"collateral": collateral_config(segments=1, items=16), "gates": (GATE,), "max_new_tokens": None}
    )
    command = evaluation_command(
        world.dataset, adapter, folder / "report", world.root / "models",
        evaluation_config_path=write_config(config, folder), cache_dir=lake.local(lake.path("cache")), data_dir=lake.root,
    )  # fmt: skip
    capsys.readouterr()
    assert main(command[3:]) == 0
    return read_report(folder / "report"), capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:Setting `save_embedding_layers`")  # the ruined adapter is one of the embeddings
def test_an_adapter_that_ruins_everything_else_does_not_pass_and_a_faint_one_does(world, lake, tmp_path, capsys):
    harmful = sample_reports.adapter(tmp_path / "harmful", world.base, world.base, scale=0.5, modules=["lm_head"])
    report, said = evaluated(world, tmp_path / "r1", harmful, lake, capsys)
    told = report.collateral
    assert told.before == "base"
    assert [(row.set, row.metric, row.n) for row in told.rows] == [
        ("programming.en", "loss", 16),
        (GENERAL, "loss", 36),
        (GENERAL, "checked_answer", 36),
    ]
    assert GENERAL in told.damaged
    (gate,) = report.gates
    assert gate.passed is False
    assert "general loss +" in gate.message
    assert "reused" not in said
    text = (tmp_path / "r1" / "report" / "report.md").read_text()
    assert "## Collateral damage" in text
    assert "**damaged**" in text

    faint = sample_reports.adapter(tmp_path / "faint", world.base, world.base, seed=7, scale=1e-5)
    report, said = evaluated(world, tmp_path / "r2", faint, lake, capsys)
    assert said.count("reused answers of base") == 3, "its own items and both sets: the base answers once"
    assert "reused answers of base on programming.en: 16/16" in said
    assert report.collateral.damaged == ()
    assert report.gates[0].passed is True


def test_another_test_set_of_another_segment_makes_another_report(world, lake, tmp_path, capsys):
    faint = sample_reports.adapter(tmp_path / "faint", world.base, world.base, seed=7, scale=1e-5)
    first, _ = evaluated(world, tmp_path / "r1", faint, lake, capsys)
    _, said = evaluated(world, tmp_path / "r1", faint, lake, capsys)
    assert "nothing to do" in said
    dataset(lake, "programming.en", 18)
    other, _ = evaluated(world, tmp_path / "r1", faint, lake, capsys)
    assert other.data_version != first.data_version
    assert other.models["base"]["loss"] == first.models["base"]["loss"]

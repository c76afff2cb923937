"""`lyo status`: where segments stand, what to do next, and that a release which nobody watches is said aloud."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from lyo_pipelines.commands import status
from lyo_pipelines.commands.status import ROLLOUT_SENSOR, Status, Watch, read_status
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.curation.contract import FUNNEL
from lyo_pipelines.registry.events import Who
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import SEGMENT
from lyo_pipelines_tests.retraining.health_histories import MATH, made_health, steady, write_days
from lyo_pipelines_tests.rollout.adapter_factory import GATES, adapter, ready, report

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
UI = "http://127.0.0.1:3000"
WATCHED = Watch(UI)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "data"))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config.yaml").write_text(GATES)
    return load_config(tmp_path / "config.yaml")


def found(lake: Lake, config: Config, watch: Watch = WATCHED) -> Status:
    return read_status(lake, config, watch, now=NOW)


def printed(one: Status) -> str:
    console = Console(record=True, width=200)
    status.print_status(console, one)
    return console.export_text()


def begin(lake: Lake, config: Config) -> None:
    start_release(
        lake, SEGMENT, config.evaluation, config.rollout, who=Who("a test"), reason="", now=NOW - timedelta(hours=1)
    )


def test_an_empty_lake_says_how_to_begin(lake: Lake, config: Config) -> None:
    empty = found(lake, config, Watch())
    assert (empty.waiting, empty.stale_days, empty.warnings, empty.segments) == (0, (), (), ())
    assert "lyo ingest" in printed(empty) and "No Dagster runs here" in printed(empty)


def test_a_segment_says_how_many_examples_its_first_training_waits_for(lake: Lake, config: Config) -> None:
    write_days(lake, made_health({MATH: steady(40)}, 10))
    (one,) = found(lake, config).segments
    assert (one.segment, one.interactions, one.examples, one.adapter) == (MATH, 400, 100, "")
    assert one.next == "900 more examples until its first training"


def test_what_comes_next_follows_an_adapter_from_its_report_to_its_release(lake: Lake, config: Config) -> None:
    adapter(lake)
    assert "makes the report" in found(lake, config).segments[0].next
    report(lake)
    (one,) = found(lake, config).segments
    assert (one.report, one.next) == ("may be released", f"`lyo release {SEGMENT} --reason …`")
    begin(lake, config)
    (one,) = found(lake, config).segments
    assert "10% of users" in one.release
    assert one.next.startswith(f"`lyo releases {SEGMENT}`")


def test_a_report_whose_gates_say_no_names_them_and_asks_for_nothing(lake: Lake, config: Config) -> None:
    adapter(lake)
    report(lake, verdict="cannot_tell")
    (one,) = found(lake, config).segments
    assert one.report == "not released: improves"
    assert one.next == ""


@pytest.mark.parametrize(
    ("watch", "why"),
    [(Watch(), "no Dagster runs here"), (Watch(UI, (ROLLOUT_SENSOR,)), "rollout_sensor is off")],
)
def test_a_release_that_nobody_watches_is_said_aloud(lake: Lake, config: Config, watch: Watch, why: str) -> None:
    ready(lake)
    assert not [one for one in found(lake, config, watch).warnings if SEGMENT in one]
    begin(lake, config)
    (warning,) = [one for one in found(lake, config, watch).warnings if SEGMENT in one]
    assert "nobody watches it" in warning and why in warning
    assert warning in printed(found(lake, config, watch)).replace("\n", "")
    assert not [one for one in found(lake, config).warnings if SEGMENT in one], "a sensor that runs watches it"


def test_a_dagster_that_does_not_answer_is_not_taken_for_none(lake: Lake, config: Config) -> None:
    ready(lake)
    begin(lake, config)
    silent = Watch(silent="the Dagster at http://127.0.0.1:3000 (process 7) does not answer; its log is dev.log")
    one = found(lake, config, silent)
    text = printed(one)
    assert "process 7" in text and "No Dagster runs here" not in text
    assert any("Dagster does not answer" in warning for warning in one.warnings)


def test_what_curation_kept_and_removed_most_is_said(lake: Lake, config: Config) -> None:
    table = pa.Table.from_pylist(
        [
            {"segment": MATH, "rule": "rated_low", "order": 0, "removed": 30, "remaining": 70},
            {"segment": MATH, "rule": "refusal", "order": 1, "removed": 10, "remaining": 60},
        ],
        schema=FUNNEL,
    )
    lake.write_table(table, lake.examples(NOW.date(), "funnel"))
    one = found(lake, config)
    assert (one.funnel.read, one.funnel.kept, one.funnel.removed) == (100, 60, {"rated_low": 30, "refusal": 10})
    assert "100 read, 60 kept (60%)" in printed(one) and "rated_low 30, refusal 10" in printed(one)


def test_a_thousand_segments_are_cut_short_and_none_with_an_adapter_is_left_out(lake: Lake, config: Config) -> None:
    write_days(lake, made_health({f"tutoring.en.s{n:02}": steady(4) for n in range(60)}, 2))
    adapter(lake, segment="tutoring.en.s59")
    console = Console(record=True, width=200)
    status.print_status(console, found(lake, config), every=False)
    text = console.export_text()
    assert "tutoring.en.s59" in text and "tutoring.en.s58" not in text
    assert "and 19 more without an adapter" in text
    assert "tutoring.en.s58" in printed(found(lake, config))


def test_one_damaged_segment_hides_no_other(lake: Lake, config: Config) -> None:
    ready(lake)
    begin(lake, config)
    broken = Path(lake.path("registry", "tutoring.hi.math", "00000001.json"))
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    adapter(lake, segment="tutoring.ta.math")
    Path(lake.adapter_dir("tutoring.ta.math"), "latest.json").write_text("{")
    one = found(lake, config)
    assert "00000001.json" in one.warnings[0]
    by_name = {segment.segment: segment for segment in one.segments}
    assert "canary" in by_name[SEGMENT].release
    assert "cannot be read" in by_name["tutoring.ta.math"].next or not by_name["tutoring.ta.math"].adapter


def test_files_that_wait_while_nobody_looks_are_said(lake: Lake, config: Config) -> None:
    inbox = Path(lake.side("inbox"))
    inbox.mkdir(parents=True)
    (inbox / "log.jsonl").write_text("{}\n")
    one = found(lake, config, Watch())
    assert one.waiting == 1
    assert any("no Dagster runs here" in warning for warning in one.warnings)
    assert "1 file to land" in printed(one)


def test_json_holds_the_same(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(lake)
    monkeypatch.setattr(status, "find_server", lambda: None)
    monkeypatch.setenv("LYO_DATA_DIR", lake.root)
    console = Console(record=True, width=80)
    status.show_status(console, as_json=True)
    told = json.loads(console.export_text())
    assert told["segments"][0]["segment"] == SEGMENT
    assert told["watch"] == {"url": "", "stopped": []}

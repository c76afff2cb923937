"""What the pages of the UI get: pictures that show without a click, tables, and checks that are neither green nor red for nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.contracts.report_values import Gate
from lyo_pipelines.curation.quality import CHECKS, QualityCheckResult
from lyo_pipelines.defs.checks.curation import quality_results
from lyo_pipelines.defs.checks.evaluation import gate_results
from lyo_pipelines.defs.checks.reported import make_room
from lyo_pipelines.defs.metadata import LONGEST_ROWS, counts_table, excerpt, metadata_table
from lyo_pipelines.defs.pictures import picture, served_file
from lyo_pipelines.defs.runs import why
from lyo_pipelines.plotting import MAXIMUM_BYTES

SHOWN_AT_ONCE = 1_000
"""Dagster's page shows Markdown shorter than this without a click."""


@pytest.fixture
def served(tmp_path: Path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def test_a_picture_is_served_as_a_file_and_shows_at_once(served: dg.DagsterInstance) -> None:
    png = b"\x89PNG" + bytes(50_000)
    told = picture(served, png, "a funnel").value or ""
    assert len(told) < SHOWN_AT_ONCE
    address = told.removeprefix("![a funnel](").removesuffix(")")
    assert address.startswith("/logs/")
    # as the webserver finds it: everything but the last part names the log, the last one is its ending
    *key, ending = address.removeprefix("/logs/").split("/")
    assert Path(served.compute_log_manager.get_captured_local_path(key, ending)).read_bytes() == png
    assert picture(served, png, "a funnel").value == told, "the same picture is the same file"


def test_where_logs_are_kept_elsewhere_a_picture_stands_in_the_text_or_is_said_to_be_too_large() -> None:
    elsewhere = SimpleNamespace(compute_log_manager=object())
    assert "data:image/png;base64," in (picture(elsewhere, b"\x89PNG", "small").value or "")
    assert "too large" in (picture(elsewhere, bytes(MAXIMUM_BYTES + 1), "large").value or "")
    assert served_file(elsewhere, "report.html", b"x") is None


def test_a_table_shows_at_once_unless_it_is_long() -> None:
    short = metadata_table([{"a": 1_234, "b": "x|y\nz"}], ["a", "b"])
    assert isinstance(short, dg.TableMetadataValue)
    assert short.records[0].data == {"a": "1,234", "b": "x|y z"}
    long = metadata_table([{"a": "x|y"}] * (LONGEST_ROWS + 1), ["a"])
    assert isinstance(long, dg.MarkdownMetadataValue)
    assert metadata_table([], ["a"]).value == "none"


def test_counts_of_very_many_names_show_the_largest_and_the_others_as_one() -> None:
    counts = {"small": 1, "large": 90, "middle": 6, "smaller": 3}
    all_of_them, some = counts_table("segment", counts), counts_table("segment", counts, most=2)
    assert isinstance(all_of_them, dg.TableMetadataValue)
    assert isinstance(some, dg.TableMetadataValue)
    assert [row.data["segment"] for row in all_of_them.records] == ["large", "middle", "smaller", "small"]
    assert [tuple(row.data.values()) for row in some.records] == [
        ("large", "90", "90.0%"),
        ("middle", "6", "6.0%"),
        ("2 others", "4", "4.0%"),
    ]


def test_an_excerpt_is_one_line() -> None:
    assert excerpt("  two\n\nlines ") == "two lines"
    assert len(excerpt("x" * 5_000)) < 300


CONFIG = load_config().evaluation


def judged(**outcomes: bool | None) -> dict[str, dg.AssetCheckResult]:
    """The checks of a report whose gates ended so; those that are not named do not apply."""
    gates = [
        Gate(name=gate.name, passed=outcomes.get(gate.name, True), blocking=gate.blocking, message=f"{gate.name} says",
             applies=gate.name in outcomes)
        for gate in CONFIG.gates
    ]  # fmt: skip
    return {str(one.check_name): one for one in gate_results(gates, CONFIG)}


def test_only_what_was_judged_is_a_result_and_the_answer_comes_first() -> None:
    found = judged(improves_on_base=True, language_kept=None, no_slice_worse=True)
    assert list(found) == ["may_be_released", "outdoes_base", "stays_good_elsewhere"]
    assert sorted(found) == list(found), "the page sorts checks by name"
    assert not found["may_be_released"].passed
    assert found["may_be_released"].severity == dg.AssetCheckSeverity.WARN, "held, but nothing failed"
    assert "Cannot judge" in (found["may_be_released"].description or "")


def test_a_failed_gate_says_no_and_names_itself() -> None:
    found = judged(improves_on_base=False, language_kept=True)
    assert found["may_be_released"].severity == dg.AssetCheckSeverity.ERROR
    assert found["may_be_released"].description == "No: 1 gate failed. improves on base: improves_on_base says."
    assert not found["outdoes_base"].passed and found["stays_in_language_and_culture"].passed


def test_all_that_applies_passed_says_yes() -> None:
    found = judged(improves_on_base=True, answer_length=True)
    assert found["may_be_released"].passed
    assert found["may_be_released"].description == "Yes: 2 gates passed."


def test_a_second_outcome_about_a_segment_is_stored_and_hides_no_other_segment(served: dg.DagsterInstance) -> None:
    def told(segment: str, passed: bool) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("release"), check_name="guardrails", passed=passed, partition=segment
        )

    for events in ([told("a", True), told("b", False)], [told("a", False)], [told("a", True)]):
        make_room(served, events)
        for event in events:
            served.report_runless_asset_event(event)
    newest = served.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("release"), "guardrails"), limit=10
    )
    assert [(one.partition, one.status.value) for one in newest] == [
        ("a", "SUCCEEDED"), ("a", "FAILED"), ("b", "FAILED"), ("a", "SUCCEEDED"),
    ]  # fmt: skip


def outcome(name: str, *, passed: bool = True, judged: bool = True) -> QualityCheckResult:
    return QualityCheckResult(name, passed, blocking=False, message=f"{name} told", judged=judged)


def test_a_good_day_hides_no_bad_one_and_too_few_rows_are_no_result() -> None:
    bad, good, few = date(2026, 1, 4), date(2026, 1, 5), date(2026, 1, 6)
    found = quality_results(
        {
            bad: [outcome(name, passed=name != "survival") for name in CHECKS],
            good: [outcome(name) for name in CHECKS],
            few: [outcome(name, judged=False) for name in CHECKS],
        }
    )
    by_name = {str(one.check_name): one for one in found}
    assert not by_name["survival"].passed
    assert by_name["survival"].description == "2026-01-04: survival told"
    assert by_name["pii_rate"].description == "2 days within bounds, 2026-01-04 to 2026-01-05"
    assert list(quality_results({few: [outcome(name, judged=False) for name in CHECKS]})) == []


def test_the_reason_of_a_run_is_short_and_counts_what_it_leaves_out() -> None:
    assert why("a day changed: 2026-01-04") == "a day changed: 2026-01-04"
    told = why("; ".join(f"mean rating 2.{n} of topic {n} is below 4" for n in range(9)))
    assert told == "mean rating 2.0 of topic 0 is below 4; mean rating 2.1 of topic 1 is below 4 (and 7 more)"
    assert len(why("x" * 900)) == 120

"""Days in tasks of a real cluster: the same files as on one machine, whatever is handed out together and whoever is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation import days as days_module
from lyo_pipelines.curation.contract import INPUTS_KEY, MissingDayError
from lyo_pipelines.curation.days import OtherNodeError, curate_days
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.object_store import TEMPORARY
from lyo_pipelines_tests.curation.interaction_rows import DAY, config, row, table

DAYS = [DAY + timedelta(days=n) for n in range(4)]
SETTINGS = config(batch_rows=40)
ON = load_config(None).cluster.model_copy(update={"curation": True, "minimum_days": 1})


def written(root: Path) -> Lake:
    """A lake with raw days, the last of which has several batches, and findings for the review queue in each."""
    lake = Lake(str(root))
    for number, day in enumerate(DAYS):
        rows = [
            row(
                100 * number + n,
                rating=(None, 5.0, 4.0, 2.0)[n % 4],
                complaint_category="cultural" if n % 9 == 0 else None,
                question=f"My name is Asha Rao. What is {n} + 1?",
            )
            for n in range(10 + 20 * number)
        ]
        made = table(*rows).replace_schema_metadata({INPUTS_KEY: str(number).encode()})
        lake.write_table(made, lake.interactions(day))
    return lake


def files(lake: Lake) -> dict[str, tuple[bytes, int]]:
    """Content and mode of every file that curation wrote."""
    root = Path(lake.root)
    found = [*root.glob("lake/examples/*/*"), *root.glob("review/*.csv")]
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode)
        for path in found
        if not path.name.startswith(TEMPORARY)  # which readers leave out
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> tuple[list, dict[str, tuple[bytes, int]]]:
    """What one machine reports and writes."""
    before = os.umask(0o077)  # as the command does
    try:
        lake = written(tmp_path_factory.mktemp("alone"))
        return list(curate_days(lake, DAYS, SETTINGS)), files(lake)
    finally:
        os.umask(before)


@pytest.mark.parametrize("days_per_task", [1, 3, len(DAYS)])
def test_the_same_bytes_come_out_whatever_is_handed_out_together(cluster, alone, tmp_path, days_per_task):
    lake = written(tmp_path)
    asked = ON.model_copy(update={"days_per_task": days_per_task})
    assert (list(curate_days(lake, DAYS, SETTINGS, asked)), files(lake)) == alone


_curate = days_module._curated_group


def killed_once(root: str, settings, rules: str, days: Sequence[date]) -> list:
    """In a worker: a group of days whose worker is killed between two files of a day, once for a lake."""
    mark, renamed, rename = Path(root) / "killed", [], Lake._rename

    def rename_or_die(lake: Lake, temporary: str, path: str) -> None:
        renamed.append(path)
        if len(renamed) == 3:
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        rename(lake, temporary, path)

    if DAYS[2] in days and not mark.exists():
        Lake._rename = rename_or_die
    return _curate(root, settings, rules, days)


def test_a_worker_that_is_killed_between_two_files_of_a_day_costs_nothing_but_time(
    cluster, alone, tmp_path, monkeypatch
):
    lake = written(tmp_path)
    monkeypatch.setattr(days_module, "_curated_group", killed_once)
    assert (list(curate_days(lake, DAYS, SETTINGS, ON)), files(lake)) == alone
    assert (tmp_path / "killed").exists()


def blind(root: str, settings, rules: str, days: Sequence[date]) -> list:
    """In a worker: what a node says whose folder of that name is another one."""
    return _curate(str(Path(root) / "elsewhere"), settings, rules, days)


def test_a_node_that_does_not_see_the_lake_is_told_from_a_day_that_is_missing(cluster, tmp_path, monkeypatch):
    lake = written(tmp_path)
    with pytest.raises(MissingDayError):
        list(curate_days(lake, [DAYS[0] - timedelta(days=1)], SETTINGS, ON))
    monkeypatch.setattr(days_module, "_curated_group", blind)
    with pytest.raises(OtherNodeError, match="does not see"):
        list(curate_days(lake, DAYS[:1], SETTINGS, ON))


def test_a_node_of_other_rules_curates_nothing(cluster, tmp_path, monkeypatch):
    lake = written(tmp_path)
    monkeypatch.setattr(days_module, "rules_signature", lambda *_: "of another version")
    with pytest.raises(OtherNodeError, match="other rules"):
        list(curate_days(lake, DAYS[:1], SETTINGS, ON))
    assert not lake.days("examples")


def test_few_days_are_no_matter_for_a_cluster(tmp_path, monkeypatch):
    lake = written(tmp_path)
    monkeypatch.setattr(days_module, "task_results", None)
    few = ON.model_copy(update={"minimum_days": 3})
    assert [day for day, _ in curate_days(lake, DAYS[:2], SETTINGS, few)] == DAYS[:2]

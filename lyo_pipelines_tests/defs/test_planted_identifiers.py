"""People planted in every field of logs, file names and feedback are in no byte of lake, review queue and Dagster's own files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg

from lyo_pipelines.defs.resources import Store
from lyo_pipelines_tests.defs.conftest import drop, today
from lyo_pipelines_tests.defs.test_data_assets import data_through
from lyo_pipelines_tests.planted import left_over, person, planted_feedback, planted_row


def test_nobody_is_in_a_byte_of_what_was_written(on_sqlite: dg.DagsterInstance, store: Store, tmp_path: Path) -> None:
    at = (today() - timedelta(days=2)).isoformat()
    rows = [planted_row(number, at) for number in range(60)]
    drop(store, f"export_{person(1)}_of_{person(2)}.jsonl", rows)
    drop(store, "late.jsonl", [planted_feedback(number, at) for number in range(60)])
    drop(
        store, f"{person(3)}.jsonl", [{person(4): 1, f"![x](https://{person(0)}.example/p.png)": 2}]
    )  # in no known format
    data_through(on_sqlite, store)
    lake = store.lake()
    (day,) = lake.days("interactions")
    ratings = lake.read_table(lake.interactions(day))["rating"].to_pylist()
    assert len(ratings) == 54
    assert set(ratings) == {4.0}, "feedback that quotes raw ids still finds its rows"
    data = tmp_path / "data"
    assert list(left_over(data / "lake", data / "review", tmp_path / "dagster_home")) == []
    assert list(left_over(data / "inbox")), "the scan sees what is there"

"""Documents in their folder become chunks, segments and metadata, seen from Dagster."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.commands.documents import copy_in
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.documents import documents_sensor
from lyo_pipelines.defs.sensors.segments import segments_sensor
from lyo_pipelines.documents.contract import DocumentSetError

NOTE = "# Note {n}\n\nPlant number {n} stands in the garden behind the school, and it needs water, light and soil to grow.\n"


def put(store: Store, name: str, text: str, age_seconds: float = 60) -> None:
    path = Path(store.data_dir) / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    then = clock.current_time().timestamp() - age_seconds
    os.utime(path, (then, then))


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, store: Store):
    return sensor(dg.build_sensor_context(instance=instance, resources={"store": store}))


def run(instance: dg.DagsterInstance, store: Store, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    job = build_defs(resources={"store": store}).resolve_job_def("read_documents")
    return job.execute_in_process(instance=instance, tags=dict(request.tags), raise_on_error=False)


def test_documents_go_through_the_sensor_into_chunks_and_a_segment(on_sqlite: dg.DagsterInstance, store: Store) -> None:
    for number in range(110):
        put(store, f"garden/{number}.md", NOTE.format(n=number * 7919))
    put(store, "garden/broken.pdf", "%PDF no")
    result = run(on_sqlite, store, tick(documents_sensor, on_sqlite, store).run_requests[0])
    assert result.success
    event = on_sqlite.get_latest_materialization_event(dg.AssetKey("document_chunks"))
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == 110
    assert "broken.pdf" in str(metadata["run_rejected"].value) and "Plant number" in str(metadata["samples"].value)
    assert "](/logs/lyo/" in str(metadata["tokens"].value), "a picture that the UI's server hands out"
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert checks == {"documents_conserved": True, "documents_readable": False}
    assert isinstance(tick(documents_sensor, on_sqlite, store), dg.SkipReason)
    added = tick(segments_sensor, on_sqlite, store).dynamic_partitions_requests
    assert [key for one in added for key in one.partition_keys] == ["documents.en.garden"]


def test_a_set_that_is_still_being_copied_waits(on_sqlite: dg.DagsterInstance, store: Store) -> None:
    put(store, "garden/1.md", NOTE.format(n=1), age_seconds=0)
    skipped = tick(documents_sensor, on_sqlite, store)
    assert isinstance(skipped, dg.SkipReason) and "copied" in skipped.skip_message


def test_no_documents_are_no_run(on_sqlite: dg.DagsterInstance, store: Store) -> None:
    assert isinstance(tick(documents_sensor, on_sqlite, store), dg.SkipReason)


def test_a_cause_that_fails_is_tried_three_times(on_sqlite: dg.DagsterInstance, store: Store) -> None:
    put(store, "garden/1.md", NOTE.format(n=1))
    put(store, "garden/set.yaml", "licence: [")
    for _ in range(3):
        assert not run(on_sqlite, store, tick(documents_sensor, on_sqlite, store).run_requests[0]).success
    skipped = tick(documents_sensor, on_sqlite, store)
    assert isinstance(skipped, dg.SkipReason) and "3 times" in skipped.skip_message


def test_a_set_that_cannot_be_read_does_not_keep_the_others_from_it(
    on_sqlite: dg.DagsterInstance, store: Store
) -> None:
    put(store, "attic/1.md", NOTE.format(n=1))
    put(store, "attic/set.yaml", "licence: [")
    put(store, "cellar/2.md", NOTE.format(n=2))
    put(store, "garden/3.md", NOTE.format(n=3), age_seconds=-9_999)  # a clock that is ahead
    assert not run(on_sqlite, store, tick(documents_sensor, on_sqlite, store).run_requests[0]).success
    assert store.lake().document_sets() == ["cellar", "garden"]


def test_the_command_copies_into_the_set_and_nothing_twice(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "My Notes"
    (folder / "hi").mkdir(parents=True)
    (folder / "hi" / "a.md").write_text(NOTE, encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x", encoding="utf-8")
    assert copy_in(store.lake(), folder, None) == (1, 0)
    assert copy_in(store.lake(), folder, None) == (0, 1)
    assert (Path(store.data_dir) / "documents/my_notes/hi/a.md").read_text(encoding="utf-8") == NOTE
    with pytest.raises(DocumentSetError, match="--set"):
        copy_in(store.lake(), folder / "hi" / "a.md", None)
    assert copy_in(store.lake(), folder / "hi" / "a.md", "Other") == (1, 0)

"""A document set that was set up over the gateway is trained on, once its documents are read."""

from __future__ import annotations

import dagster as dg

from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.setups import setups_sensor
from lyo_pipelines.documents.contract import FIRST, SET_TAG, SETUP_TAG
from lyo_pipelines_tests.defs.test_documents import NOTE, put, tick


def test_a_setup_whose_documents_are_read_launches_one_training_for_each_of_its_segments(
    on_sqlite, store: Store
) -> None:
    assert isinstance(tick(setups_sensor, on_sqlite, store), dg.SkipReason)
    for number in range(3):
        put(store, f"garden/{number}.md", NOTE.format(n=number * 7919))
    job = build_defs(resources={"store": store}).resolve_job_def("read_documents")
    run = job.execute_in_process(instance=on_sqlite, tags={SET_TAG: "garden", SETUP_TAG: FIRST})
    result = tick(setups_sensor, on_sqlite, store)
    (request,) = result.run_requests
    assert (request.partition_key, request.run_key) == ("documents.en.garden", f"{run.run_id}:documents.en.garden")
    assert (request.tags[SETUP_TAG], request.tags[SET_TAG]) == (run.run_id, "garden")
    assert request.run_config["ops"]["adapter"]["config"]["recipe"] == "owner"
    assert [key for one in result.dynamic_partitions_requests for key in one.partition_keys] == ["documents.en.garden"]
    job.execute_in_process(instance=on_sqlite)
    assert [one.run_key for one in tick(setups_sensor, on_sqlite, store).run_requests] == [request.run_key], (
        "others set up nothing"
    )

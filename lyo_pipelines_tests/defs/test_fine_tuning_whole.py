"""The openai client fine-tunes through a gateway: upload, job, training under Dagster, and the tiny model that came of it answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import openai
import pytest
import yaml
from dagster_graphql.schema import create_schema

from lyo_pipelines.client import tunings
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.tunings import DagsterTunings
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.fine_tuning import fine_tuning_sensor
from lyo_pipelines.fine_tuning.record import JOB_TAG
from lyo_pipelines.registry.log import registered_segments
from lyo_pipelines.serving.engines.torch_engine import TorchEngine
from lyo_pipelines_tests.fine_tuning.world import ON, SMALL, jsonl, taken_in
from lyo_pipelines_tests.serving.live_gateway import inbox_rows, running
from lyo_pipelines_tests.training.tiny import make_model


class InProcess(Client):
    """Dagster's GraphQL API without a webserver."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        super().__init__("in this process")
        object.__setattr__(self, "instance", instance)

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        told = create_schema().execute(text, variables=variables, context=SimpleNamespace(instance=self.instance))
        assert not told.errors, told.errors
        return told.data


def test_from_an_upload_to_an_answer_of_what_was_trained(
    on_sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_model(tmp_path / "base")
    launch = {"recipe": "tiny_test", "overrides": {"base_model": str(base)}}
    figures = {"gateway": ON, **SMALL, "retraining": {"launch": launch}}
    store = Store(data_dir=str(tmp_path / "data"), config_path=str(tmp_path / "config.yaml"))
    Path(store.config_path).write_text(yaml.safe_dump(figures))
    lake, now = store.lake(), clock.current_time().timestamp()
    monkeypatch.setattr(tunings, "running_client", lambda: InProcess(on_sqlite))
    engine = TorchEngine(tmp_path / "models", str(base), device="cpu", dtype="float32")
    with running(
        lake, engine=engine, base=str(base), changes=figures["gateway"], more=figures, tunings=DagsterTunings(), now=now
    ) as gateway:
        client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0)
        file = client.files.create(file=("mangoes.jsonl", jsonl(40)), purpose="fine-tune")
        jobs = client.fine_tuning.jobs
        job = jobs.create(model="base", training_file=file.id, suffix="mangoes", hyperparameters={"n_epochs": 1})
        assert job.status == "validating_files"
        taken_in(lake, store.load_config(), now)
        assert jobs.retrieve(job.id).status == "queued"

        result = fine_tuning_sensor(dg.build_sensor_context(instance=on_sqlite, resources={"store": store}))
        (request,) = result.run_requests
        for one in result.dynamic_partitions_requests:
            on_sqlite.add_dynamic_partitions(one.partitions_def_name, one.partition_keys)
        run = build_defs(resources={"store": store}).resolve_job_def("retrain").execute_in_process(
            instance=on_sqlite, partition_key=request.partition_key, run_config=request.run_config, tags=request.tags,
            asset_selection=[dg.AssetKey(name) for name in ("train_split", "validation_split", "test_split", "adapter")],
        )  # fmt: skip
        assert run.success and on_sqlite.get_run_by_id(run.run_id).tags[JOB_TAG] == job.id

        done = jobs.retrieve(job.id)
        assert (done.status, done.error, done.trained_tokens > 0) == ("succeeded", None, True)
        assert done.fine_tuned_model in [one.id for one in client.models.list()]
        assert "train_loss" in [one for one in jobs.list_events(job.id) if one.type == "metrics"][-1].data
        ask = [{"role": "user", "content": "A shop sells 3 mangoes."}]
        answers = {
            name: client.chat.completions.with_raw_response.create(model=name, messages=ask, max_tokens=8)
            for name in (done.fine_tuned_model, "base")
        }
        version = answers[done.fine_tuned_model].headers["x-lyo-adapter-version"]
        assert version and version != "base"
        assert answers[done.fine_tuned_model].parse().model == done.fine_tuned_model
    assert registered_segments(lake) == [], "nothing is released by itself"
    asked = {row["adapter_version"]: (row["task"], row.get("subject")) for row in inbox_rows(lake)}
    assert asked[version] == ("fine_tuning", "questions"), "no other segment learns from it, and no later job"

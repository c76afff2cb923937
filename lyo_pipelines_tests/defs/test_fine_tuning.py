"""A fine-tuning job of the gateway is trained once, when its examples are curated; never where that is off or it was cancelled."""

from __future__ import annotations

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.fine_tuning import fine_tuning_sensor
from lyo_pipelines.fine_tuning.files import keep_file
from lyo_pipelines.fine_tuning.jobs import base_model_of, create_job
from lyo_pipelines.fine_tuning.record import CANCELLED, JOB_TAG, TuningJob, end_job
from lyo_pipelines_tests.fine_tuning.world import configured, jsonl, taken_in


def tick(instance: dg.DagsterInstance, store: Store, cursor: str | None = None):
    return fine_tuning_sensor(dg.build_sensor_context(instance=instance, resources={"store": store}, cursor=cursor))


def test_a_job_is_launched_once_when_its_examples_are_curated(on_sqlite, store: Store, monkeypatch) -> None:
    assert "off" in (tick(on_sqlite, store).skip_message or "")
    config, lake, now = configured(), store.lake(), clock.current_time().timestamp()
    monkeypatch.setattr(Store, "load_config", lambda _: config)
    figures = config.gateway.fine_tuning
    made = []
    for suffix in ("first", "second"):
        file = keep_file(lake, f"{suffix}.jsonl", jsonl(), figures, now=now - 60, language_of=lambda _: "en")
        asked = TuningJob(
            id="", file_id=file.id, model=base_model_of(config, "fine_tuning.en"), suffix=suffix, seed=5,
            hyperparameters={"n_epochs": 1.0},
            segment="", landed_as="", file_hash="", rows=0, created_at=0,
        )  # fmt: skip
        made.append(create_job(lake, file, asked, config, now=now - 60))
    end_job(lake, made[1], CANCELLED, now=now)
    assert "1 jobs wait" in (tick(on_sqlite, store).skip_message or "")
    taken_in(lake, config, now)
    result = tick(on_sqlite, store)
    (request,) = result.run_requests
    assert (request.partition_key, request.run_key) == (made[0].segment, f"fine-tuning:{made[0].id}")
    assert request.tags[JOB_TAG] == made[0].id
    told = request.run_config["ops"]["adapter"]["config"]
    assert (told["overrides"]["budget.epochs"], told["overrides"]["seed"]) == (1.0, 5)
    assert [key for one in result.dynamic_partitions_requests for key in one.partition_keys] == [made[0].segment]
    assert isinstance(tick(on_sqlite, store, result.cursor), dg.SkipReason)


def test_a_cancelled_jobs_run_is_ended_even_where_the_gateway_died_before_it_said_so(
    on_sqlite, store: Store, monkeypatch
) -> None:
    config, lake, now = configured(), store.lake(), clock.current_time().timestamp()
    monkeypatch.setattr(Store, "load_config", lambda _: config)
    file = keep_file(lake, "a.jsonl", jsonl(), config.gateway.fine_tuning, now=now - 60, language_of=lambda _: "en")
    asked = TuningJob(
        id="", file_id=file.id, model=base_model_of(config, "fine_tuning.en"), suffix="a", seed=5, segment="", landed_as="",
        file_hash="", rows=0, created_at=0,
    )  # fmt: skip
    job = create_job(lake, file, asked, config, now=now - 60)
    going = dg.DagsterRunStatus.STARTED
    mine = create_run_for_test(on_sqlite, "retrain", status=going, tags={JOB_TAG: job.id})
    create_run_for_test(on_sqlite, "retrain", status=going, tags={JOB_TAG: "ftjob-other"})
    create_run_for_test(on_sqlite, "retrain", status=dg.DagsterRunStatus.SUCCESS, tags={JOB_TAG: job.id})
    ended: list[str] = []
    monkeypatch.setattr(type(on_sqlite.run_coordinator), "cancel_run", lambda _, run_id: ended.append(run_id))
    tick(on_sqlite, store)
    assert ended == [], "it goes on"
    end_job(lake, job, CANCELLED, now=now)
    tick(on_sqlite, store)
    assert ended == [mine.run_id]

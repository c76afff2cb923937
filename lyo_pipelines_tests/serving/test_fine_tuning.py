"""The unchanged openai client fine-tunes through our gateway; what runs in Dagster is told by a test."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest

from lyo_pipelines.serving.documents import Run
from lyo_pipelines.serving.running import keys_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.fine_tuning.world import ON, configured, jsonl, taken_in
from lyo_pipelines_tests.rollout.adapter_factory import adapter
from lyo_pipelines_tests.serving.live_gateway import NOW, FakeTunings, running

BASE = "smollm2-135m-instruct"


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    tunings = FakeTunings()
    with running(Lake(str(tmp_path)), changes=ON, tunings=tunings) as one:
        one.tunings = tunings
        one.openai = openai.OpenAI(base_url=f"{one.url}/v1", api_key="none", max_retries=0)
        yield one


def created(one, **more):
    file = one.openai.files.create(file=("mangoes.jsonl", jsonl()), purpose="fine-tune")
    base = one.openai.fine_tuning.jobs.create
    return file, base(model=launched_base(), training_file=file.id, suffix="mangoes", **more)


def launched_base() -> str:
    from lyo_pipelines.fine_tuning.jobs import base_model_of

    return base_model_of(configured(), "tutoring.en")


def trained(lake, job_id: str) -> Run:
    """The run that a sensor would have launched, and the adapter that it would have left."""
    from lyo_pipelines.fine_tuning.record import read_jobs

    (job,) = [one for one in read_jobs(lake) if one.id == job_id]
    folder = adapter(lake, "owner-1", job.segment)
    manifest = json.loads((folder / "adapter_manifest.json").read_text())
    manifest["metrics"] = {"tokens": 1234, "steps": 4, "best_step": 4, "loss": 1.5, "eval_loss": 1.2}
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    rows = [{"step": 1, "loss": 2.5, "tokens": 300}, {"step": 4, "eval_loss": 1.2}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Run("run-1", "retrain", "done", job.segment, "owner-1")


def test_files_are_uploaded_listed_read_and_deleted(gateway):
    files = gateway.openai.files
    file = files.create(file=("mangoes.jsonl", jsonl()), purpose="fine-tune")
    assert (file.object, file.filename, file.bytes, file.status) == ("file", "mangoes.jsonl", len(jsonl()), "processed")
    assert files.retrieve(file.id) == file
    assert [one.id for one in files.list()] == [file.id]
    assert files.content(file.id).content == jsonl()
    assert files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError, match="there is no file"):
        files.retrieve(file.id)


def test_a_job_goes_from_validating_to_a_model_that_can_be_asked_for(gateway):
    jobs, lake = gateway.openai.fine_tuning.jobs, gateway.lake
    file, job = created(gateway, metadata={"team": "x"}, hyperparameters={"n_epochs": 2})
    assert (job.object, job.status, job.training_file) == ("fine_tuning.job", "validating_files", file.id)
    assert (job.metadata, job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == ({"team": "x"}, 2, "auto")
    taken_in(lake, configured(), NOW + 60)
    assert jobs.retrieve(job.id).status == "queued"
    gateway.tunings.told[job.id] = Run("run-1", "retrain", "running", "", "")
    assert jobs.retrieve(job.id).status == "running"
    gateway.tunings.told[job.id] = trained(lake, job.id)
    done = jobs.retrieve(job.id)
    assert (done.status, done.trained_tokens, done.error) == ("succeeded", 1234, None)
    assert done.fine_tuned_model.endswith("@owner-1")
    assert [one.id for one in jobs.list()] == [job.id]
    events = list(jobs.list_events(job.id, limit=2))
    assert events[0].message == "The job has succeeded"
    assert [one.data for one in events if one.type == "metrics"][-1] == {"step": 1, "train_loss": 2.5, "tokens": 300}
    assert "curation kept 30 of 30 examples" in " ".join(one.message for one in events)
    (checkpoint,) = jobs.checkpoints.list(job.id)
    assert (checkpoint.step_number, checkpoint.metrics.valid_loss) == (4, 1.2)
    assert checkpoint.fine_tuned_model_checkpoint == done.fine_tuned_model
    gateway.tunings.told.clear()
    assert jobs.retrieve(job.id) == done, "how it ended is remembered, and needs no Dagster"


def test_a_cancelled_job_stays_cancelled_and_its_run_is_stopped(gateway):
    jobs = gateway.openai.fine_tuning.jobs
    _, job = created(gateway)
    gateway.tunings.told[job.id] = Run("run-7", "retrain", "running")
    assert jobs.cancel(job.id).status == "cancelled"
    assert gateway.tunings.stopped == ["run-7"]
    gateway.tunings.told[job.id] = Run("run-7", "retrain", "failed", why="it was stopped")
    assert jobs.retrieve(job.id).status == "cancelled"
    assert jobs.list_events(job.id).data[0].message == "The job has cancelled"


def test_a_failed_run_is_a_failed_job_with_its_reason(gateway):
    _, job = created(gateway)
    gateway.tunings.told[job.id] = Run("run-1", "retrain", "failed", why="no memory")
    found = gateway.openai.fine_tuning.jobs.retrieve(job.id)
    assert (found.status, found.error.message) == ("failed", "no memory")


def test_a_gateway_that_is_started_again_knows_its_jobs(tmp_path):
    lake = Lake(str(tmp_path))
    for _ in range(2):
        with running(lake, changes=ON) as one:
            one.openai = openai.OpenAI(base_url=f"{one.url}/v1", api_key="none", max_retries=0)
            _, job = created(one)
            assert [found.id for found in one.openai.fine_tuning.jobs.list()] == [job.id]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"validation_file": "file-x"}, "validation_file"),
        ({"method": {"type": "dpo"}}, "method"),
        ({"hyperparameters": {"batch_size": -1}}, "batch_size"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
    ],
)
def test_what_is_not_known_here_is_refused_by_name(gateway, more, param):
    with pytest.raises(openai.BadRequestError) as refused:
        created(gateway, **more)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"


def test_wrong_uploads_are_refused_in_the_apis_shape(gateway):
    files = gateway.openai.files
    with pytest.raises(openai.BadRequestError, match="only fine-tune"):
        files.create(file=("a.jsonl", jsonl()), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="line 1 is no JSON"):
        files.create(file=("a.jsonl", b"{"), purpose="fine-tune")
    with pytest.raises(openai.NotFoundError, match="there is no file"):
        gateway.openai.fine_tuning.jobs.create(model=BASE, training_file="file-none")


def test_it_is_off_as_delivered(tmp_path):
    with running(Lake(str(tmp_path))) as one:
        assert one.client.get("/v1/files").status_code == 404
        assert one.client.post("/v1/fine_tuning/jobs", json={}).status_code == 404


def test_elsewhere_it_takes_an_owners_key(tmp_path):
    lake = Lake(str(tmp_path))
    own, other = keys_of(lake).add("owner", owner=True), keys_of(lake).add("tutor-app")
    with running(lake, changes=ON, host="0.0.0.0") as one:
        for key, status in ((None, 401), (other, 403), (own, 200)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            for path in ("/v1/files", "/v1/fine_tuning/jobs"):
                assert one.client.get(path, headers=headers).status_code == status, path
        assert (
            one.client.get("/v1/files/file-1/content", headers={"Authorization": f"Bearer {other}"}).status_code == 403
        )
    assert not Path(tmp_path, "inbox").exists() or not any(Path(tmp_path, "inbox").glob("fine-tuning*"))

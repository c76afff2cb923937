"""The unchanged openai client fine-tunes through our gateway; what runs in Dagster is told by a test."""

from __future__ import annotations

import json

import openai
import pytest

from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.jobs import base_model_of
from lyo_pipelines.fine_tuning.record import read_jobs
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.serving.running import keys_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.fine_tuning.world import ON, SMALL, configured, jsonl, taken_in
from lyo_pipelines_tests.rollout.adapter_factory import adapter
from lyo_pipelines_tests.serving.live_gateway import NOW, FakeTunings, running
from lyo_pipelines_tests.serving.stub_engine import StubEngine

BASE = "smollm2-135m-instruct"


class Listening(StubEngine):
    """Remembers what it was asked."""

    async def write(self, choice, request):
        self.heard = request
        async for piece in super().write(choice, request):
            yield piece


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    tunings = FakeTunings()
    with running(Lake(str(tmp_path)), changes=ON, more=SMALL, engine=Listening(), tunings=tunings) as one:
        one.tunings = tunings
        one.openai = openai.OpenAI(base_url=f"{one.url}/v1", api_key="none", max_retries=0)
        yield one


def created(one, **more):
    file = one.openai.files.create(file=("mangoes.jsonl", jsonl()), purpose="fine-tune")
    base = one.openai.fine_tuning.jobs.create
    return file, base(model=launched_base(), training_file=file.id, suffix="mangoes", **more)


def launched_base() -> str:
    return base_model_of(configured(), "fine_tuning.en")


def trained(lake, job_id: str) -> Run:
    """The run that a sensor would have launched, and the adapter that it would have left."""
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
    assert done.fine_tuned_model == f"ft:{launched_base()}:lyo:mangoes_{file.id[5:13]}:{job.id[6:]}"
    with pytest.raises(openai.BadRequestError, match="succeeded already"):
        jobs.cancel(job.id)
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
        with running(lake, changes=ON, more=SMALL) as one:
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


def client_of(one, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{one.url}/v1", api_key=key, max_retries=0)


def test_elsewhere_it_takes_a_key_with_the_scope_for_it(tmp_path):
    lake = Lake(str(tmp_path))
    keys = keys_of(lake)
    own, plain, tuner = keys.add("owner", owner=True), keys.add("tutor-app"), keys.add("team", fine_tune=True)
    with running(lake, changes=ON, more=SMALL, host="0.0.0.0") as one:
        for key, status in ((None, 401), (plain, 403), (own, 200), (tuner, 200)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            for path in ("/v1/files", "/v1/fine_tuning/jobs"):
                assert one.client.get(path, headers=headers).status_code == status, path
        refused = one.client.get("/v1/files/file-1/content", headers={"Authorization": f"Bearer {plain}"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_for_fine_tuning")
        setup = one.client.post("/fine-tuning/setup", headers={"Authorization": f"Bearer {tuner}"})
        assert (setup.status_code, setup.json()["error"]["code"]) == (403, "not_an_owner"), "and opens nothing else"


def test_files_jobs_and_models_are_those_of_the_key_that_made_them(tmp_path):
    lake = Lake(str(tmp_path))
    keys = keys_of(lake)
    told = {
        name: keys.add(name, fine_tune=name in ("a", "b"), owner=name == "owner") for name in ("a", "b", "app", "owner")
    }
    tunings = FakeTunings()
    with running(lake, changes=ON, more=SMALL, host="0.0.0.0", engine=Listening(), tunings=tunings) as one:
        clients = {name: client_of(one, key) for name, key in told.items()}
        one.openai = clients["a"]
        file, job = created(one)
        one.openai = clients["b"]
        other, others = created(one)
        assert file.id != other.id and job.id != others.id, "the same bytes of another key are another file"
        with pytest.raises(openai.NotFoundError):
            clients["b"].files.content(file.id)
        with pytest.raises(openai.NotFoundError):
            clients["b"].fine_tuning.jobs.cancel(job.id)
        with pytest.raises(openai.NotFoundError):
            clients["b"].fine_tuning.jobs.create(model=launched_base(), training_file=file.id)
        assert [found.id for found in clients["a"].fine_tuning.jobs.list()] == [job.id]
        assert {found.id for found in clients["owner"].fine_tuning.jobs.list()} == {job.id, others.id}

        tunings.told[job.id] = trained(lake, job.id)
        model = clients["a"].fine_tuning.jobs.retrieve(job.id).fine_tuned_model
        segment, version = next(one.segment for one in read_jobs(lake) if one.id == job.id), "owner-1"
        ask = {"messages": [{"role": "user", "content": "How many mangoes?"}]}
        for name in ("a", "owner"):
            said = clients[name].chat.completions.create(model=model, **ask)
            assert (said.model, said.system_fingerprint) == (model, version)
            assert model in [found.id for found in clients[name].models.list()]
        for name in ("b", "app"):
            assert not any(segment in found.id or found.id == model for found in clients[name].models.list())
            for asked in (model, segment, f"{segment}@{version}"):
                with pytest.raises(openai.NotFoundError, match="no model"):
                    clients[name].chat.completions.create(model=asked, **ask)
        with pytest.raises(openai.BadRequestError, match="task"):
            clients["app"].chat.completions.create(model="auto", metadata={"task": "Fine tuning"}, **ask)
        system = one.engine.heard.messages[0]
        assert (system.role, system.content) == ("system", "You are a helpful assistant. Answer in English."), (
            "as the examples were learnt that had none"
        )


def test_lists_come_in_pages_that_the_client_walks_through(gateway):
    made = set()
    for number in range(3):
        file = gateway.openai.files.create(file=(f"{number}.jsonl", jsonl()), purpose="fine-tune")
        made.add(file.id)
        gateway.openai.fine_tuning.jobs.create(
            model=launched_base(), training_file=file.id, metadata={"number": str(number)}
        )
    there = [one.id for one in gateway.openai.files.list(limit=1)]
    assert set(there) == made and len(there) == 3
    assert [one.id for one in gateway.openai.files.list(limit=2, order="asc")] == there[::-1]
    jobs = gateway.openai.fine_tuning.jobs
    walked = [one.training_file for one in jobs.list(limit=2)]
    assert set(walked) == made and len(walked) == 3
    (found,) = jobs.list(extra_query={"metadata[number]": "2"})
    assert (found.training_file, found.metadata) == (file.id, {"number": "2"})
    assert jobs.list(limit=2).has_more and not jobs.list(limit=3).has_more


def test_a_dagster_that_is_silent_is_said_and_nothing_is_lost(gateway, monkeypatch):
    _, job = created(gateway)

    def silent(_: str) -> None:
        raise LyoError("Dagster does not run")

    monkeypatch.setattr(gateway.tunings, "run_of", silent)
    with pytest.raises(openai.InternalServerError, match="Dagster does not run") as told:
        gateway.openai.fine_tuning.jobs.retrieve(job.id)
    assert told.value.response.headers["retry-after"]
    monkeypatch.undo()
    assert gateway.openai.fine_tuning.jobs.retrieve(job.id).id == job.id

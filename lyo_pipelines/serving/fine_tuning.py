"""/v1/files and /v1/fine_tuning/jobs, in the shapes of the OpenAI API. What an upload and a job are here, fine_tuning/ knows.

Nothing of a job is kept in this process: its record, its Dagster run and its adapter are read each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.config.loading import Config
from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.files import UploadError, content_of, delete_file, keep_file, remove_forgotten
from lyo_pipelines.fine_tuning.jobs import HYPERPARAMETERS, JobRequestError, create_job
from lyo_pipelines.fine_tuning.progress import progress_of
from lyo_pipelines.fine_tuning.record import (
    CANCELLED,
    FAILED,
    SUCCEEDED,
    TuningJob,
    UploadedFile,
    end_job,
    read_files,
    read_jobs,
)
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.serving.tuning_events import checkpoints_of, events_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import is_complete, read_adapter

FILES, JOBS = "/v1/files", "/v1/fine_tuning"
_MOST_IN_A_PAGE = 100
_DEFAULT_SEED = 7
_Told = TypeVar("_Told")


class Tunings(Protocol):
    """What reaches Dagster. Every method blocks; all raise LyoError where it does not answer."""

    def run_of(self, job: str) -> Run | None:
        """The newest run that trains for a job; None while none was launched."""
        ...

    def stop(self, run_id: str) -> None:
        """Have a run end."""
        ...


class _Hyperparameters(BaseModel):
    model_config = ConfigDict(extra="ignore")

    n_epochs: int | str | None = None
    batch_size: int | str | None = None
    learning_rate_multiplier: float | str | None = None


class _Supervised(BaseModel):
    hyperparameters: _Hyperparameters = _Hyperparameters()


class _Method(BaseModel):
    type: str = "supervised"
    supervised: _Supervised | None = None


class _JobRequest(BaseModel):
    """What is asked for. Fields that would change the result and are not known here are refused by name."""

    model: str
    training_file: str
    suffix: str | None = Field(default=None, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    method: _Method | None = None
    hyperparameters: _Hyperparameters | None = None
    validation_file: str | None = None
    integrations: list[Any] | None = None


def fine_tuning_routes(
    lake: Lake, config: Config, tunings: Tunings, *, clock: Callable[[], float], language_of: Callable[[str], str]
) -> list[BaseRoute]:
    """All routes; none where they are switched off. clock: seconds since 1970; language_of: a text's language, "" where it tells
    none.
    """
    figures = config.gateway.fine_tuning
    if not figures.enabled:
        return []

    async def upload(request: Request) -> Response:
        async with request.form(max_files=1, max_fields=20) as form:
            file, purpose = form.get("file"), str(form.get("purpose") or "")
            if purpose != "fine-tune":
                raise RefusedError("purpose: only fine-tune is known here", param="purpose")
            if not isinstance(file, UploadFile):
                raise RefusedError("file: send the examples as a file", param="file")
            if (file.size or 0) > figures.largest_file:
                raise RefusedError(f"the file is larger than {figures.largest_file:,} bytes", status=413, param="file")
            name, content = file.filename or "", await file.read()
        kept = await _told(lambda: keep_file(lake, name, content, figures, now=clock(), language_of=language_of))
        return JSONResponse(_file(kept))

    async def list_files(request: Request) -> Response:
        def found() -> list[dict[str, Any]]:
            remove_forgotten(lake, figures, now=clock())
            wanted = request.query_params.get("purpose") in (None, "fine-tune")
            return [_file(one) for one in read_files(lake)] if wanted else []

        return _page(await _told(found), request, default=_MOST_IN_A_PAGE * 100)

    async def one_file(request: Request) -> Response:
        file = await _told(lambda: _known_file(lake, request))
        if request.method == "DELETE":
            await _told(lambda: delete_file(lake, file))
            return JSONResponse({"id": file.id, "object": "file", "deleted": True})
        return JSONResponse(_file(file))

    async def content(request: Request) -> Response:
        return Response(
            await _told(lambda: content_of(lake, _known_file(lake, request))), media_type="application/jsonl"
        )

    async def create(request: Request) -> Response:
        wanted = _parsed(await request.body())
        job = await _told(lambda: _create(lake, config, wanted, now=clock()))
        return JSONResponse(await _told(lambda: _job(lake, config, tunings, job, now=clock())))

    async def list_jobs(request: Request) -> Response:
        def found() -> list[dict[str, Any]]:
            return [_job(lake, config, tunings, one, now=clock()) for one in read_jobs(lake)]

        return _page(await _told(found), request)

    async def one_job(request: Request) -> Response:
        return JSONResponse(await _told(lambda: _job(lake, config, tunings, _known_job(lake, request), now=clock())))

    async def cancel(request: Request) -> Response:
        def stopped() -> dict[str, Any]:
            job = end_job(lake, _known_job(lake, request), CANCELLED, now=clock())
            if (
                job.status == CANCELLED
                and (run := tunings.run_of(job.id)) is not None
                and run.state in ("waiting", "running")
            ):
                tunings.stop(run.run_id)
            return _shape(job, job.status)

        return JSONResponse(await _told(stopped))

    async def events(request: Request) -> Response:
        def found() -> list[dict[str, Any]]:
            job = _settled(lake, config, tunings, _known_job(lake, request), now=clock())[0]
            run = None if job.ended and not job.adapter else tunings.run_of(job.id)
            return events_of(lake, job, None if job.status == CANCELLED else progress_of(lake, job, config), run)

        return _page(await _told(found), request)

    async def checkpoints(request: Request) -> Response:
        def found() -> list[dict[str, Any]]:
            return checkpoints_of(lake, _settled(lake, config, tunings, _known_job(lake, request), now=clock())[0])

        return _page(await _told(found), request, default=10)

    return [
        Route(FILES, upload, methods=["POST"]),
        Route(FILES, list_files),
        Route(f"{FILES}/{{id}}", one_file, methods=["GET", "DELETE"]),
        Route(f"{FILES}/{{id}}/content", content),
        Route(f"{JOBS}/jobs", create, methods=["POST"]),
        Route(f"{JOBS}/jobs", list_jobs),
        Route(f"{JOBS}/jobs/{{id}}", one_job),
        Route(f"{JOBS}/jobs/{{id}}/cancel", cancel, methods=["POST"]),
        Route(f"{JOBS}/jobs/{{id}}/events", events),
        Route(f"{JOBS}/jobs/{{id}}/checkpoints", checkpoints),
    ]


def _parsed(body: bytes) -> _JobRequest:
    try:
        wanted = _JobRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or None
        raise RefusedError(f"{place or 'request'}: {first['msg']}", param=place) from error
    if wanted.method is not None and wanted.method.type != "supervised":
        raise RefusedError(f"method: {wanted.method.type} is not known here, only supervised", param="method")
    if wanted.validation_file is not None:
        raise RefusedError(
            "validation_file: validation and test examples are split off the training file here, so that nothing leaks",
            param="validation_file",
        )
    if wanted.integrations:
        raise RefusedError("integrations: trackers are set by the recipe here", param="integrations")
    return wanted


def _create(lake: Lake, config: Config, wanted: _JobRequest, *, now: float) -> TuningJob:
    file = next((one for one in read_files(lake) if one.id == wanted.training_file), None)
    if file is None:
        raise RefusedError(f"there is no file {wanted.training_file}", status=404, param="training_file")
    told = wanted.method.supervised if wanted.method and wanted.method.supervised else None
    given = told.hyperparameters if told else wanted.hyperparameters or _Hyperparameters()
    figures = {name: _figure(name, getattr(given, name)) for name in HYPERPARAMETERS}
    job = TuningJob(
        id="", file_id=file.id, model=wanted.model, suffix=wanted.suffix or "", metadata=wanted.metadata or {},
        seed=_DEFAULT_SEED if wanted.seed is None else wanted.seed,
        hyperparameters={name: value for name, value in figures.items() if value is not None},
        segment="", landed_as="", file_hash="", rows=0, created_at=0,
    )  # fmt: skip
    return create_job(lake, file, job, config, now=now)


def _figure(name: str, value: float | str | None) -> float | None:
    """A number that was given; None for auto."""
    if value in (None, "auto"):
        return None
    if isinstance(value, str) or value <= 0:
        raise RefusedError(f"{name}: a number above 0, or auto", param=name)
    return value


def _known_file(lake: Lake, request: Request) -> UploadedFile:
    wanted = request.path_params["id"]
    found = next((one for one in read_files(lake) if one.id == wanted), None)
    if found is None:
        raise RefusedError(f"there is no file {wanted}", status=404, param="id", code="not_found")
    return found


def _known_job(lake: Lake, request: Request) -> TuningJob:
    wanted = request.path_params["id"]
    found = next((one for one in read_jobs(lake) if one.id == wanted), None)
    if found is None:
        raise RefusedError(f"there is no fine-tuning job {wanted}", status=404, param="id", code="not_found")
    return found


def _job(lake: Lake, config: Config, tunings: Tunings, job: TuningJob, *, now: float) -> dict[str, Any]:
    return _shape(*_settled(lake, config, tunings, job, now=now))


def _settled(lake: Lake, config: Config, tunings: Tunings, job: TuningJob, *, now: float) -> tuple[TuningJob, str]:
    """The job with its status as Dagster and the lake say now; how it ended is written down. Raises LyoError without Dagster."""
    run = None if job.ended else tunings.run_of(job.id)
    if job.ended:
        status = job.status
    elif run is None:
        found = progress_of(lake, job, config)
        if found.stage == "refused":
            job = end_job(lake, job, FAILED, now=now, error=found.says)
        status = job.status or ("queued" if found.stage == "ready" else "validating_files")
    else:
        if run.state == "failed":
            job = end_job(lake, job, FAILED, now=now, error=run.why or "the run failed")
        elif run.state == "done":
            job = _done(lake, job, run, now)
        status = job.status or ("running" if run.state == "running" else "queued")
    return job, status


def _done(lake: Lake, job: TuningJob, run: Run, now: float) -> TuningJob:
    """The job after its run has ended well. A segment that its parent serves was not trained."""
    folder = fetched(lake, lake.adapter_dir(job.segment, run.version))
    if not run.version or not is_complete(folder):
        return end_job(lake, job, FAILED, now=now, error=f"the run {run.run_id} left no adapter of {job.segment}")
    tokens = read_adapter(folder).metrics.tokens
    return end_job(lake, job, SUCCEEDED, now=now, adapter=run.version, trained_tokens=tokens)


def _file(file: UploadedFile) -> dict[str, Any]:
    return {
        "id": file.id, "object": "file", "bytes": file.bytes, "created_at": file.created_at, "filename": file.filename,
        "purpose": "fine-tune", "status": "processed", "status_details": None,
    }  # fmt: skip


def _shape(job: TuningJob, status: str) -> dict[str, Any]:
    figures = {name: job.hyperparameters.get(name, "auto") for name in HYPERPARAMETERS}
    return {
        "id": job.id, "object": "fine_tuning.job", "created_at": job.created_at, "finished_at": job.finished_at, "model": job.model,
        "fine_tuned_model": job.fine_tuned_model, "organization_id": "lyo_pipelines", "result_files": [], "status": status,
        "training_file": job.file_id, "validation_file": None, "trained_tokens": job.trained_tokens, "seed": job.seed,
        "error": {"code": "failed", "message": job.error, "param": None} if job.error else None, "estimated_finish": None,
        "integrations": [], "metadata": job.metadata, "user_provided_suffix": job.suffix or None, "hyperparameters": figures,
        "method": {"type": "supervised", "supervised": {"hyperparameters": figures}},
    }  # fmt: skip


def _page(rows: Sequence[dict[str, Any]], request: Request, *, default: int = 20) -> Response:
    """The rows after `after`, at most `limit`, as the API lists them."""
    try:
        limit = int(request.query_params.get("limit") or default)
    except ValueError:
        raise RefusedError("limit: a whole number", param="limit") from None
    if limit < 1:
        raise RefusedError("limit: a whole number from 1", param="limit")
    after, begin = request.query_params.get("after"), 0
    if after:
        begin = next((number for number, row in enumerate(rows, 1) if row["id"] == after), len(rows))
    page = list(rows[begin : begin + limit])
    return JSONResponse({
        "object": "list", "data": page, "has_more": begin + limit < len(rows),
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    })  # fmt: skip


async def _told(ask: Callable[[], _Told]) -> _Told:
    """What is found, in a thread. Raises RefusedError for what does not fit, and where Dagster does not answer."""
    try:
        return await asyncio.to_thread(ask)
    except RefusedError:
        raise
    except UploadError as error:
        raise RefusedError(str(error), status=error.status, param="file") from error
    except JobRequestError as error:
        raise RefusedError(str(error), param=error.param) from error
    except LyoError as error:
        raise RefusedError(str(error), status=503, code="no_dagster", retry_after=30) from error

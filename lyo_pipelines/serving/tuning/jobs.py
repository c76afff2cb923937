"""/v1/fine_tuning/jobs: intents to train, which are fine_tuning/jobs.py; a sensor of Dagster launches them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.config.loading import Config
from lyo_pipelines.fine_tuning.jobs import create_job
from lyo_pipelines.fine_tuning.progress import progress_of
from lyo_pipelines.fine_tuning.record import CANCELLED, TuningJob, end_job, read_files, read_jobs
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.tuning.answers import is_theirs, listed, named, part_of, told
from lyo_pipelines.serving.tuning.events import checkpoints_of, events_of
from lyo_pipelines.serving.tuning.requests import wanted_job
from lyo_pipelines.serving.tuning.standing import Tunings, settled, shape_of
from lyo_pipelines.storage.lake import Lake

JOBS = "/v1/fine_tuning"


def job_routes(lake: Lake, config: Config, tunings: Tunings, *, clock: Callable[[], float]) -> list[BaseRoute]:
    """All routes. clock: seconds since 1970."""

    def jobs_of(request: Request) -> list[TuningJob]:
        return [one for one in read_jobs(lake) if is_theirs(request, one.of)]

    def now_of(job: TuningJob) -> TuningJob:
        return settled(lake, config, tunings, job, now=clock())[0]

    def told_of(job: TuningJob) -> dict[str, Any]:
        return shape_of(*settled(lake, config, tunings, job, now=clock()))

    def asked_for(request: Request) -> TuningJob:
        return named(jobs_of(request), request, "fine-tuning job")

    async def create(request: Request) -> Response:
        wanted = wanted_job(await request.body())

        def made() -> dict[str, Any]:
            file = next((one for one in read_files(lake) if one.id == wanted.file_id), None)
            if file is None or not is_theirs(request, file.of):
                raise RefusedError(f"there is no file {wanted.file_id}", status=404, param="training_file")
            return told_of(create_job(lake, file, wanted, config, now=clock()))

        return JSONResponse(await told(made))

    async def list_jobs(request: Request) -> Response:
        asked = {
            key.removeprefix("metadata[").removesuffix("]"): value
            for key, value in request.query_params.items()
            if key.startswith("metadata[")
        }
        fitting = await told(lambda: [one for one in jobs_of(request) if asked.items() <= one.metadata.items()])
        page, more = part_of(fitting, request, default=20)
        return listed(await told(lambda: [told_of(one) for one in page]), more=more)

    async def one_job(request: Request) -> Response:
        return JSONResponse(await told(lambda: told_of(asked_for(request))))

    async def cancel(request: Request) -> Response:
        def stopped() -> dict[str, Any]:
            job = end_job(lake, now_of(asked_for(request)), CANCELLED, now=clock())
            if job.status != CANCELLED:
                raise RefusedError(f"{job.id} has {job.status} already", code="invalid_state")
            if (run := tunings.run_of(job.id)) is not None and run.state in ("waiting", "running"):
                tunings.stop(run.run_id)  # where we die before this, the sensor does it
            return shape_of(job, job.status)

        return JSONResponse(await told(stopped))

    async def events(request: Request) -> Response:
        def found() -> list[dict[str, Any]]:
            job = now_of(asked_for(request))
            run = None if job.ended and not job.adapter else tunings.run_of(job.id)
            return events_of(lake, job, None if job.status == CANCELLED else progress_of(lake, job, config), run)

        page, more = part_of(await told(found), request, default=20)
        return listed(page, more=more)

    async def checkpoints(request: Request) -> Response:
        found = await told(lambda: checkpoints_of(lake, now_of(asked_for(request))))
        page, more = part_of(found, request, default=10)
        return listed(page, more=more)

    return [
        Route(f"{JOBS}/jobs", create, methods=["POST"]),
        Route(f"{JOBS}/jobs", list_jobs),
        Route(f"{JOBS}/jobs/{{id}}", one_job),
        Route(f"{JOBS}/jobs/{{id}}/cancel", cancel, methods=["POST"]),
        Route(f"{JOBS}/jobs/{{id}}/events", events),
        Route(f"{JOBS}/jobs/{{id}}/checkpoints", checkpoints),
    ]

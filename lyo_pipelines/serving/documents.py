"""/fine-tuning/*: the owner's documents become an adapter, and questions about them are answered by it.

What a training is at is read from Dagster, the lake and the registry each time; nothing of it is kept in this process. How a run is
launched, the caller passes in.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.documents.contract import TASK, DocumentSetError
from lyo_pipelines.documents.files import set_name, source_folder, source_sets
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.json_lines import last_json_line
from lyo_pipelines.interactions.landing.inbox_listing import is_unfinished
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest, RefusedError
from lyo_pipelines.serving.door import Door
from lyo_pipelines.serving.sources import NO_SOURCE, NOTHING_FITS, SourceFinder
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import METRICS
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter

SETUP = "/fine-tuning/setup"
_MOST_FILES = 500
_Told = TypeVar("_Told")


@dataclass(frozen=True)
class Run:
    """One run of a setup, as Dagster tells it. state: waiting, running, done or failed; why: of a failure; version: of the adapter it
    trains, once it is known; step: what it is doing.
    """

    run_id: str
    job: str
    state: str
    segment: str = ""
    version: str = ""
    step: str = ""
    why: str = ""


class Trainings(Protocol):
    """What reaches Dagster. Every method blocks; all raise LyoError where it does not answer."""

    def begin(self, name: str) -> str:
        """Read a document set and train on what comes of it; the id of the run that everything else belongs to."""
        ...

    def runs(self, setup: str | None) -> tuple[str, str, list[Run]]:
        """Id and set name of a setup (None: of the newest; "" and "" where there is none), and its runs, oldest first."""
        ...


def document_routes(door: Door, trainings: Trainings) -> list[BaseRoute]:
    """The three routes."""
    lake = door.models.lake
    finder = SourceFinder(lake, door.config.sources, door.clock) if door.config.sources.enabled else None

    async def setup(request: Request) -> Response:
        async with request.form(max_files=_MOST_FILES, max_fields=20) as form:
            files = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
            name = str(form.get("set") or "")
            return JSONResponse(await asyncio.to_thread(_begin, lake, trainings, name, files), status_code=202)

    async def status(request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(_status, lake, trainings, request.query_params.get("id")))

    async def query(request: Request) -> Response:
        async with request.form() as form:
            text, name = str(form.get("query") or "").strip(), str(form.get("set") or "")
        if not text:
            raise RefusedError("query: say what is asked", param="query")
        return await _answered(door, request, text, name, finder)

    return [
        Route(SETUP, setup, methods=["POST"]),
        Route("/fine-tuning/status", status),
        Route("/fine-tuning/query", query, methods=["POST"]),
    ]


def _begin(lake: Lake, trainings: Trainings, name: str, files: list[UploadFile]) -> dict[str, object]:
    """Keep the documents and launch."""
    try:
        wanted = set_name(name) if name else ""
    except DocumentSetError as error:
        raise RefusedError(str(error), param="set") from error
    if not wanted:
        raise RefusedError("set: name the document set", param="set")
    for file in files:
        _keep(lake, wanted, file)
    found = source_sets(lake).get(wanted)
    if found is None or not found.documents:
        raise RefusedError(f"the set {wanted} has no documents: upload some as `files`", param="files", status=404)
    return {"id": _told(lambda: trainings.begin(wanted)), "set": wanted, "documents": len(found.documents)}


def _keep(lake: Lake, name: str, file: UploadFile) -> None:
    plain = PurePosixPath((file.filename or "").replace("\\", "/")).name
    if not plain or is_unfinished(plain) or "\x00" in plain or len(plain.encode()) > 200:
        raise RefusedError(f"files: {plain!r} cannot be the name of a document", param="files")
    with lake.replacing(f"{source_folder(lake, name)}/{plain}") as temporary, lake.fs.open(temporary, "wb") as target:
        shutil.copyfileobj(file.file, target)


def _status(lake: Lake, trainings: Trainings, setup: str | None) -> dict[str, object]:
    identity, name, runs = _told(lambda: trainings.runs(setup))
    if not identity:
        if setup is not None:
            raise RefusedError(f"there is no setup {setup}", status=404, param="id")
        return {"state": "none", "model_available": False}
    models = dict(_adapters(lake, name))
    told: dict[str, object] = {
        "id": identity,
        "set": name,
        "state": _state(runs),
        "runs": [asdict(run) for run in runs],
        "model_available": bool(models),
        "models": models,
    }
    now = next((run for run in reversed(runs) if run.state == "running"), None)
    if now is not None and now.version:
        row = last_json_line(fetched(lake, lake.adapter_dir(now.segment, now.version)) / METRICS)
        known = {"step": "step", "steps": "steps", "loss": "loss", "eta_seconds": "seconds_left"}
        told |= {ours: row[theirs] for theirs, ours in known.items() if theirs in row}
    return told


def _state(runs: list[Run]) -> str:
    """reading, training, done, failed or waiting, of all runs together."""
    if any(run.state == "failed" for run in runs):
        return "failed"
    if any(run.state == "running" for run in runs):
        return "training" if len(runs) > 1 else "reading"
    return "done" if len(runs) > 1 and all(run.state == "done" for run in runs) else "waiting"


def _adapters(lake: Lake, name: str) -> Iterable[tuple[str, str]]:
    """Segments of a set that an adapter serves, and its version."""
    for segment in _segments(lake, name):
        try:
            yield segment, latest_adapter(lake, segment).version
        except NoAdapterError:
            continue


def _segments(lake: Lake, name: str) -> list[str]:
    """Segments of one set (of all, where it has no name) that were ever trained."""
    found = []
    for key in lake.names(lake.path("adapters")):
        parsed = parse_parent(key) if key.startswith(f"{TASK}.") else None
        if parsed is not None and parsed.facet and name in ("", parsed.facet):
            found.append(key)
    return found


async def _answered(door: Door, request: Request, text: str, name: str, finder: SourceFinder | None) -> Response:
    """Through the same door as every question: by the documents' adapter, else by the base.

    finder: where answers rest on passages; without one that fits, no model is asked, and the answer says so.
    """
    headers = dict(request.headers) | {"x-lyo-task": TASK}
    door.enter()
    try:
        segments = await asyncio.to_thread(lambda: [key for key, _ in _adapters(door.models.lake, name)])
        language = door.language_of(text)
        model = next((key for key in segments if parse_parent(key).language == language), None) or next(
            iter(segments), None
        )
        model = model or door.models.base_name
        sources = None if finder is None else await finder.find(text, name)
        if sources is None:
            asked = ChatRequest(model=model, messages=(ChatMessage(role="user", content=text),))
        else:
            asked = sources.request(model, text, language, name)
        exchange = await door.accept(asked, headers)
        refused = sources is not None and not sources.fitting
        if refused:
            answer = NOTHING_FITS.get(language, NOTHING_FITS["en"])
            await door.answer_without_model(exchange, answer, NO_SOURCE)
        else:
            answer = (await door.answer(exchange, _nobody)).text
    finally:
        door.leave()
    told: dict[str, object] = {
        "answer": answer,
        "answered_by": "nobody" if refused else exchange.choice.segment or "base",
        "version": "" if refused else exchange.choice.version,
        "interaction_id": exchange.interaction,
    }
    if sources is not None:
        told |= {"sources": sources.told(), "refused": refused}
    named = {} if refused else exchange.headers  # an application counts an answer for whom the headers name
    return JSONResponse(told, headers=named)


async def _nobody(_: str) -> None:
    """The answer is told at its end."""


def _told(ask: Callable[[], _Told]) -> _Told:
    """What Dagster says. Raises RefusedError where it does not."""
    try:
        return ask()
    except LyoError as error:
        raise RefusedError(str(error), status=503, code="no_dagster", retry_after=30) from error

"""/v1/files: uploads, which are fine_tuning/files.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.config.gateway import FineTuningConfig
from lyo_pipelines.fine_tuning.files import content_of, delete_file, keep_file, remove_forgotten
from lyo_pipelines.fine_tuning.record import UploadedFile, read_files
from lyo_pipelines.serving.access.guard import KEY_NAME
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.tuning.answers import is_theirs, listed, named, part_of, told
from lyo_pipelines.storage.lake import Lake

FILES = "/v1/files"
_FILES_IN_A_PAGE = 10_000


def file_routes(
    lake: Lake, figures: FineTuningConfig, *, clock: Callable[[], float], language_of: Callable[[str], str]
) -> list[BaseRoute]:
    """All routes. clock: seconds since 1970; language_of: a text's language, "" where it tells none."""

    def files_of(request: Request) -> list[UploadedFile]:
        return [one for one in read_files(lake) if is_theirs(request, one.of)]

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
        of = request.scope.get(KEY_NAME, "")
        kept = await told(lambda: keep_file(lake, name, content, figures, now=clock(), language_of=language_of, of=of))
        return JSONResponse(_file(kept))

    async def list_files(request: Request) -> Response:
        def found() -> list[UploadedFile]:
            remove_forgotten(lake, figures, now=clock())
            wanted = request.query_params.get("purpose") in (None, "fine-tune")
            files = files_of(request) if wanted else []
            return files[::-1] if request.query_params.get("order") == "asc" else files

        page, more = part_of(await told(found), request, default=_FILES_IN_A_PAGE)
        return listed([_file(one) for one in page], more=more)

    async def one_file(request: Request) -> Response:
        file = await told(lambda: named(files_of(request), request, "file"))
        if request.method == "DELETE":
            await told(lambda: delete_file(lake, file))
            return JSONResponse({"id": file.id, "object": "file", "deleted": True})
        return JSONResponse(_file(file))

    async def content(request: Request) -> Response:
        return Response(
            await told(lambda: content_of(lake, named(files_of(request), request, "file"))),
            media_type="application/jsonl",
        )

    return [
        Route(FILES, upload, methods=["POST"]),
        Route(FILES, list_files),
        Route(f"{FILES}/{{id}}", one_file, methods=["GET", "DELETE"]),
        Route(f"{FILES}/{{id}}/content", content),
    ]


def _file(file: UploadedFile) -> dict[str, Any]:
    return {
        "id": file.id, "object": "file", "bytes": file.bytes, "created_at": file.created_at, "filename": file.filename,
        "purpose": "fine-tune", "status": "processed", "status_details": None,
    }  # fmt: skip

"""What all fine-tuning calls share: whose things are whose, pages of a list, and what an error of ours is for a client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.files import UploadError
from lyo_pipelines.fine_tuning.jobs import JobRequestError
from lyo_pipelines.fine_tuning.record import TuningJob, UploadedFile
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.serving.access.guard import HOLDER
from lyo_pipelines.serving.access.keys import KeyHolder
from lyo_pipelines.serving.contract import RefusedError

_Told = TypeVar("_Told")
_Row = TypeVar("_Row")
_Record = TypeVar("_Record", UploadedFile, TuningJob)


def is_theirs(request: Request, of: str) -> bool:
    """Whether whoever asks may see what `of` uploaded or created: an owner everything, others what is their own."""
    holder: KeyHolder | None = request.scope.get(HOLDER)
    return holder is None or holder.may_ask(of)


def named(found: Sequence[_Record], request: Request, kind: str) -> _Record:
    """The one that the path names. Raises RefusedError."""
    wanted = request.path_params["id"]
    one = next((one for one in found if one.id == wanted), None)
    if one is None:
        raise RefusedError(f"there is no {kind} {wanted}", status=404, param="id", code="not_found")
    return one


def part_of(rows: Sequence[_Row], request: Request, *, default: int) -> tuple[list[_Row], bool]:
    """The rows after `after`, at most `limit`, and whether more follow. Raises RefusedError."""
    try:
        limit = int(request.query_params.get("limit") or default)
    except ValueError:
        raise RefusedError("limit: a whole number", param="limit") from None
    if limit < 1:
        raise RefusedError("limit: a whole number from 1", param="limit")
    after, begin = request.query_params.get("after"), 0
    if after:
        begin = next((number for number, row in enumerate(rows, 1) if _id(row) == after), len(rows))
    return list(rows[begin : begin + limit]), begin + limit < len(rows)


def _id(row: object) -> str:
    return str(row["id"] if is_dict(row) else getattr(row, "id", ""))


def listed(page: Sequence[dict[str, Any]], *, more: bool) -> Response:
    """A page as the API lists it."""
    return JSONResponse({
        "object": "list", "data": page, "has_more": more,
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    })  # fmt: skip


async def told(ask: Callable[[], _Told]) -> _Told:
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

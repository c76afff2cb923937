"""Uploaded files: checked line by line, kept until a job takes them, and removed where none does."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from lyo_pipelines.config.gateway import FineTuningConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.fine_tuning.record import (
    CONTENT,
    UploadedFile,
    content_path,
    folder_of,
    read_files,
    read_jobs,
    record_path,
)
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.formats.openai_messages import chat_in_row
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.storage.lake import Lake

_ROLES = {"system", "developer", "user", "assistant"}
_SHOWN_NAME = 200


class UploadError(LyoError):
    """A file is not taken; the message names the line. status: of the HTTP answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def keep_file(
    lake: Lake,
    filename: str,
    content: bytes,
    config: FineTuningConfig,
    *,
    now: float,
    language_of: Callable[[str], str],
    of: str = "",
) -> UploadedFile:
    """Check and keep an upload; the same name and content again is the same file. now: seconds since 1970; of: whose it is.

    Raises UploadError.
    """
    name = filename.replace("\\", "/").rpartition("/")[2][:_SHOWN_NAME] or "upload.jsonl"
    digest = hashlib.sha256(b"\0".join((of.encode(), name.encode(), content))).hexdigest()
    identity = f"file-{digest[:24]}"
    known = {one.id: one for one in read_files(lake)}
    if found := known.get(identity):
        return found
    remove_forgotten(lake, config, now=now)
    taken = {job.file_id for job in read_jobs(lake)}
    if sum(one not in taken for one in known) >= config.files:
        raise UploadError(
            f"{config.files} uploaded files wait for a job already: delete some, or create their jobs", 429
        )
    if len(content) > config.largest_file:
        raise UploadError(f"the file is larger than {config.largest_file:,} bytes", 413)
    questions = [question for _, question in checked_rows(content)]
    if len(questions) > config.largest_rows:
        raise UploadError(f"{len(questions):,} examples; at most {config.largest_rows:,} are taken", 413)
    languages = Counter(told for text in questions if (told := language_of(text)))
    record = UploadedFile(
        id=identity, of=of, filename=name, bytes=len(content), rows=len(questions), created_at=int(now),
        language=languages.most_common(1)[0][0] if languages else "",
    )  # fmt: skip
    lake.write_text(content.decode(), content_path(lake, identity))
    lake.write_text(record.to_json(), record_path(lake, "files", identity))
    return record


def checked_rows(content: bytes) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """(messages, question) of every line that is not empty, as logs in this form are read.

    Raises UploadError naming the first line that is no chat example.
    """
    rows = 0
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UploadError(f"line {number} is no JSON") from error
        messages = row.get("messages") if is_dict(row) else None
        if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
            raise UploadError(
                f"line {number}: expected an object with `messages`, each with a role ({', '.join(sorted(_ROLES))}) and a text"
            )
        try:
            read = chat_in_row(row, messages)
        except RowError as error:
            raise UploadError(f"line {number}: {error}") from error
        if (
            messages[-1]["role"] != "assistant"
            or not (question := (read.question or "").strip())
            or not (read.answer or "").strip()
        ):
            raise UploadError(f"line {number}: the messages must hold a question and end with the assistant's answer")
        rows += 1
        yield messages, question
    if not rows:
        raise UploadError("the file holds no examples")


def content_of(lake: Lake, file: UploadedFile) -> bytes:
    """The examples of an upload, without what we added when they went to the inbox. Raises UploadError where they are gone."""
    if lake.exists(path := content_path(lake, file.id)):
        return lake.read_bytes(path)
    for job in read_jobs(lake):
        if job.file_id == file.id and lake.exists(landed := lake.side("inbox", job.landed_as)):
            rows = (orjson.loads(line) for line in lake.read_bytes(landed).splitlines())
            return b"".join(orjson.dumps({"messages": row["messages"]}) + b"\n" for row in rows)
    raise UploadError(f"{file.id} is not there any more", 404)


def delete_file(lake: Lake, file: UploadedFile) -> None:
    """Remove an upload that no job has taken. Raises UploadError for another one: its rows are in the lake."""
    if any(job.file_id == file.id for job in read_jobs(lake)):
        raise UploadError(
            f"{file.id} was taken by a job: its examples are rows of the lake now, and `lyo erase` takes people out of it",
            409,
        )
    for path in (content_path(lake, file.id), record_path(lake, "files", file.id)):
        if lake.exists(path):
            lake.fs.rm(path)


def remove_forgotten(lake: Lake, config: FineTuningConfig, *, now: float) -> int:
    """Remove uploads that no job took in time, as nobody who is erased is looked for in them; how many."""
    taken = {job.file_id for job in read_jobs(lake)}
    old = [one for one in read_files(lake) if one.id not in taken and now - one.created_at > config.keep_hours * 3600]
    for file in old:
        delete_file(lake, file)
    return len(old)


def remove_orphans(lake: Lake) -> None:
    """Remove contents whose record was never written, as the gateway died in between: at a start, when nobody uploads."""
    known = {content_path(lake, one.id) for one in read_files(lake)}
    folder = folder_of(lake, "files")
    for name in lake.names(folder):
        if (path := f"{folder}/{name}").endswith(CONTENT) and path not in known:
            lake.fs.rm(path)


def _is_message(one: object) -> bool:
    return is_dict(one) and one.get("role") in _ROLES and isinstance(one.get("content"), str)

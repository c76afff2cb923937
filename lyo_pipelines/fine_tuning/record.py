"""What is kept of uploads and jobs: one JSON file each, below data/gateway/fine_tuning. What follows from them: progress.py."""

from __future__ import annotations

import logging
import re
from pathlib import PurePosixPath
from threading import Lock
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from lyo_pipelines.contracts.document import Document, DocumentError
from lyo_pipelines.storage.lake import Lake

JOB_TAG = "lyo/fine_tuning"
"""Tag of the Dagster run that trains for a job: the job's id."""
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
ENDED = (SUCCEEDED, FAILED, CANCELLED)
_RECORD, CONTENT = ".json", ".jsonl"
MODEL_PREFIX = "ft:"
_MODEL = re.compile(r"ft:[^:]+:lyo:[^:]*:([0-9a-f]{24})")


class UploadedFile(Document):
    """A file of chat examples. id: of its name, content and owner, so that the same upload is the same file; created_at: seconds since
    1970. of: name of the key that uploaded it, "" where none was needed.

    language: that most of its questions are written in. Its content is kept until a job has taken it to the inbox, and then read from
    there.
    """

    KIND: ClassVar[str] = "record of an uploaded file"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    id: str
    of: str = ""
    filename: str
    bytes: int
    rows: int
    language: str
    created_at: int


class TuningJob(Document):
    """An intent: train on one file. id: of everything that was asked for, so that the same request is the same job.

    of: as of its file. segment: of its own, so that nobody else's rows are learnt from; landed_as: name of its file in the inbox;
    file_hash: as the ledger of landed files knows it. hyperparameters: those that were given. status: "" until it has ended; the rest
    says how it ended.
    """

    KIND: ClassVar[str] = "record of a fine-tuning job"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    id: str
    of: str = ""
    file_id: str
    model: str
    suffix: str
    metadata: dict[str, str] = Field(default_factory=dict)
    seed: int
    hyperparameters: dict[str, float] = Field(default_factory=dict)
    segment: str
    landed_as: str
    file_hash: str
    rows: int
    created_at: int
    status: str = ""
    finished_at: int | None = None
    error: str = ""
    adapter: str = ""
    trained_tokens: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ENDED

    @property
    def fine_tuned_model(self) -> str | None:
        """What the result is asked for by, as the API has it: base, who trained, suffix, job. None while there is none."""
        if self.status != SUCCEEDED:
            return None
        facet, base = self.segment.rpartition(".")[2], PurePosixPath(self.model).name
        return f"{MODEL_PREFIX}{base}:lyo:{facet}:{self.id.removeprefix('ftjob-')}"


_Record = TypeVar("_Record", UploadedFile, TuningJob)
_log = logging.getLogger(__name__)


def folder_of(lake: Lake, kind: str) -> str:
    """Folder of the `files` or `jobs`."""
    return lake.side("gateway", "fine_tuning", kind)


def content_path(lake: Lake, file_id: str) -> str:
    """Where an upload's content lies until it has gone to the inbox."""
    return f"{folder_of(lake, 'files')}/{file_id}{CONTENT}"


def record_path(lake: Lake, kind: str, identity: str) -> str:
    """Where a record lies."""
    return f"{folder_of(lake, kind)}/{identity}{_RECORD}"


def read_files(lake: Lake) -> list[UploadedFile]:
    """Every upload, newest first."""
    return _read(lake, "files", UploadedFile)


def read_jobs(lake: Lake) -> list[TuningJob]:
    """Every job, newest first."""
    return _read(lake, "jobs", TuningJob)


def job_of_model(lake: Lake, model: str) -> TuningJob | None:
    """The job whose result has this name, None where there is none. Raises DocumentError."""
    found = _MODEL.fullmatch(model)
    path = record_path(lake, "jobs", f"ftjob-{found[1]}") if found else ""
    if not found or not lake.exists(path):
        return None
    job = TuningJob.parse(lake.read_bytes(path), path)
    return job if job.fine_tuned_model == model else None


_ENDING = Lock()
"""One process keeps the records of a data directory (the gateway, whose journal has one writer), in several threads."""


def end_job(lake: Lake, job: TuningJob, status: str, *, now: float, **told: Any) -> TuningJob:
    """Write down how a job ended, and return it; one that has ended already stays as it is. told: fields that are known with it."""
    path = record_path(lake, "jobs", job.id)
    with _ENDING:
        kept = TuningJob.parse(lake.read_bytes(path), path)
        if not kept.ended:
            kept = kept.model_copy(update={"status": status, "finished_at": int(now), **told})
            lake.write_text(kept.to_json(), path)
    return kept


def _read(lake: Lake, kind: str, record: type[_Record]) -> list[_Record]:
    """All records of a kind, newest first; a damaged one is logged, and keeps none of the others back."""
    folder, found = folder_of(lake, kind), list[_Record]()
    for name in lake.names(folder):
        if name.endswith(_RECORD) and not name.startswith("."):
            try:
                found.append(record.parse(lake.read_bytes(f"{folder}/{name}"), f"{folder}/{name}"))
            except DocumentError as error:
                _log.error("%s", error)
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

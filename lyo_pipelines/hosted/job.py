"""A hosted job from its intent to its model: never two for one cause, whatever dies at whatever call.

There is no idempotency key. So the record is written before a call that changes something, and after it; and a file or job that may be
there is looked for by its name, suffix, metadata or training file before it is made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.hosted.client import HostedClient, HostedError, UnsureError
from lyo_pipelines.hosted.prepare import SENT_SPLITS, Prepared
from lyo_pipelines.hosted.record import EVENTS, HostedJob, read_job, write_job
from lyo_pipelines.json_types import JsonObject, is_dict
from lyo_pipelines.storage.whole_files import write_whole

SEED = 7
_LOOKS = 3
"""How often a job that may have been created is looked for before it counts as not created."""


def new_job(cause: str, segment: str, fingerprint: str, config: HostedConfig, prepared: Prepared) -> HostedJob:
    """The intent."""
    return HostedJob(
        cause=cause, segment=segment, dataset_fingerprint=fingerprint, base_url=config.base_url or "", model=config.model,
        hyperparameters={
            "n_epochs": config.n_epochs, "batch_size": config.batch_size,
            "learning_rate_multiplier": config.learning_rate_multiplier,
        },
        examples=prepared.examples, redacted=prepared.redacted, bytes=len(prepared.files["train"]), tokens=prepared.tokens,
        estimate=round(prepared.estimate, 6), currency=config.currency,
    )  # fmt: skip


def run_job(
    folder: Path,
    intent: HostedJob,
    prepared: Prepared,
    client: HostedClient,
    *,
    sleep: Callable[[float], object],
    say: Callable[[str], None] = lambda _: None,
) -> HostedJob:
    """Upload, create, follow to the end; or go on where an earlier call was. Raises HostedError.

    The same folder again: nothing is uploaded, created or paid a second time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise HostedError(f"the job of {intent.segment} is followed by another process already.") from None
    with lock:
        job = read_job(folder) or write_job(folder, intent)
        if not job.job_id:
            client.require_open()
            job = _uploaded(folder, job, prepared, client, say)
            job = _created(folder, job, client, sleep, say)
        return follow_job(folder, job, client, sleep=sleep, say=say)


def follow_job(
    folder: Path,
    job: HostedJob,
    client: HostedClient,
    *,
    sleep: Callable[[float], object],
    say: Callable[[str], None] = lambda _: None,
) -> HostedJob:
    """Ask until the provider has finished, keeping events, checkpoints and metrics; returns the job as it ended."""
    seen = ""
    while True:
        found = client.job(job.job_id)
        events = client.events(job.job_id)
        write_whole(folder / EVENTS, b"".join(orjson.dumps(one) + b"\n" for one in events))
        job = job.model_copy(update=_told(found, client))
        if job.ended:
            job = job.model_copy(update={"checkpoints": client.checkpoints(job.job_id)})
            return write_job(folder, job)
        write_job(folder, job)
        if (state := f"{job.status} {events[-1].get('message', '') if events else ''}".strip()) != seen:
            say(f"{job.job_id}: {state}")
            seen = state
        sleep(client.config.poll_seconds)


def cancel_job(folder: Path, client: HostedClient) -> HostedJob:
    """Cancel a job that runs. Raises HostedError where there is none."""
    job = read_job(folder)
    if job is None or not job.job_id:
        raise HostedError("there is no job to cancel.")
    if job.ended:
        return job
    try:
        found = client.cancel(job.job_id)
    except UnsureError:
        found = client.job(job.job_id)
    return write_job(folder, job.model_copy(update=_told(found, client)))


def metrics_of(events: Path) -> list[JsonObject]:
    """Metrics out of stored events, by step, as providers put them into `data`."""
    if not events.is_file():
        return []
    rows = (orjson.loads(line) for line in events.read_bytes().splitlines())
    found = (row.get("data") for row in rows if row.get("type") == "metrics")
    return sorted((one for one in found if is_dict(one)), key=lambda one: one.get("step") or 0)


def _uploaded(
    folder: Path, job: HostedJob, prepared: Prepared, client: HostedClient, say: Callable[[str], None]
) -> HostedJob:
    for split in SENT_SPLITS:
        if split in job.files or not prepared.examples[split]:
            continue
        name, content = f"lyo-{job.cause}-{split}.jsonl", prepared.files[split]
        there = next(
            (one for one in client.files() if one.get("filename") == name and one.get("bytes") == len(content)), None
        )
        if there is None:
            say(f"sending {prepared.examples[split]:,} {split} examples ({len(content):,} bytes)")
            there = client.upload(name, content)
        job = write_job(folder, job.model_copy(update={"files": {**job.files, split: str(there["id"])}}))
    return job


def _created(
    folder: Path, job: HostedJob, client: HostedClient, sleep: Callable[[float], object], say: Callable[[str], None]
) -> HostedJob:
    found = _find(job, client, sleep, looks=_LOOKS if job.creating else 1)
    if found is None:
        job = write_job(folder, job.model_copy(update={"creating": True}))
        try:
            found = client.create(_request(job))
        except UnsureError:
            found = _find(job, client, sleep, looks=_LOOKS)
            if found is None:
                raise  # the next run looks again before it creates
        except HostedError:  # refused: nothing was created
            write_job(folder, job.model_copy(update={"creating": False}))
            raise
    else:
        say(f"the job is there already: {found.get('id')}")
    return write_job(
        folder, job.model_copy(update={"creating": False, "job_id": str(found["id"]), **_told(found, client)})
    )


def _request(job: HostedJob) -> JsonObject:
    files: JsonObject = {"training_file": job.files["train"]}
    if "validation" in job.files:
        files["validation_file"] = job.files["validation"]
    return {
        "model": job.model, **files, "suffix": _suffix(job), "seed": SEED,
        "metadata": {"lyo_cause": job.cause, "lyo_segment": job.segment[:64]},
        "method": {"type": "supervised", "supervised": {"hyperparameters": dict(job.hyperparameters)}},
    }  # fmt: skip


def _suffix(job: HostedJob) -> str:
    """At most 64 characters, of letters, digits and hyphens: the cause first, as providers cut."""
    return f"lyo-{job.cause}-{re.sub('[^a-z0-9]+', '-', job.segment)}"[:64].rstrip("-")


def _find(job: HostedJob, client: HostedClient, sleep: Callable[[float], object], *, looks: int) -> JsonObject | None:
    """Our job among the account's; one that failed or was cancelled before counts too, as it may be paid for."""
    for look in range(looks):
        if look:
            sleep(client.config.wait_seconds)
        for one in client.jobs():
            metadata = one.get("metadata")
            names = {str(one.get("suffix") or ""), str(one.get("user_provided_suffix") or "")}
            if (
                (is_dict(metadata) and metadata.get("lyo_cause") == job.cause)
                or any(name.startswith(f"lyo-{job.cause}") for name in names)
                or one.get("training_file") == job.files.get("train")
            ):
                return one
    return None


def _told(found: JsonObject, client: HostedClient) -> dict[str, object]:
    """What the provider says of the job. `error` may be null, {} or an object without a message."""
    error = found.get("error")
    said = str(error.get("message") or error.get("code") or "") if is_dict(error) else str(error or "")
    trained = found.get("trained_tokens")
    tokens = trained if isinstance(trained, int) else None
    price = client.config.price_per_million_tokens or 0.0
    return {
        "status": str(found.get("status") or ""), "error": said, "trained_tokens": tokens,
        "cost": None if tokens is None else round(tokens / 1e6 * price, 6),
        "fine_tuned_model": str(found.get("fine_tuned_model") or ""),
    }  # fmt: skip

"""What every launching sensor needs: one run per cause, bounded attempts, nothing while one is in flight."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import dagster as dg

CAUSE = "lyo/cause"
"""Names what a run was launched for; runs of the same cause are attempts at it."""
ATTEMPT, TRIGGER, CAUSES, WHY = "lyo/attempt", "lyo/trigger", "lyo/causes", "lyo/why"
"""Of a retraining that a trigger launched: which attempt, kinds of trigger, identities of the causes, a sentence for people."""
PARTITION = "dagster/partition"
MAX_ATTEMPTS = 3
IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Attempt:
    """Whether a cause may be launched now; `run_key` when it may, `reason` when it may not."""

    run_key: str | None
    reason: str = ""


def cause_hash(*parts: object) -> str:
    """A short, stable name of a cause (tag values are indexed, so they stay short)."""
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def job_in_flight(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Whether a run of the job is queued or running."""
    return bool(instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=IN_FLIGHT), limit=1))


def next_attempt(instance: dg.DagsterInstance, cause: str) -> Attempt:
    """The run key of the next attempt at a cause: a run key blocks for ever, so each attempt has its own."""
    records = instance.get_run_records(dg.RunsFilter(tags={CAUSE: cause}))
    statuses: Sequence[dg.DagsterRunStatus] = [record.dagster_run.status for record in records]
    if any(status in IN_FLIGHT for status in statuses):
        return Attempt(None, f"a run for cause {cause} is in flight")
    failed = sum(status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED) for status in statuses)
    if failed >= MAX_ATTEMPTS:
        return Attempt(None, f"cause {cause} failed {failed} times; mend it, then re-execute its last run")
    return Attempt(f"{cause}:attempt{len(statuses) + 1}")

"""What every launching sensor needs: one run for each cause, bounded attempts, nothing while one is in flight."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import dagster as dg

CAUSE = "lyo/cause"
"""Names what a run was launched for; runs of the same cause are attempts at it."""
ATTEMPT, TRIGGER, CAUSES, WHY = "lyo/attempt", "lyo/trigger", "lyo/causes", "lyo/why"
"""Of a retraining that a trigger launched: which attempt, kinds of trigger, identities of the causes, a sentence for people."""
MAX_ATTEMPTS = 3
IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_TAG_CHARACTERS = 120
_CAUSE = re.compile(r"[a-z]+\.[a-z_]+")


def cause_hash(*parts: object) -> str:
    """A short, stable name of a cause (tag values are indexed, so they stay short)."""
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def run_key(cause: str, attempt: int) -> str:
    """The run key of one attempt: Dagster launches a run key once and never again, so each attempt has its own."""
    return f"{cause}:attempt{attempt}"


def why(sentence: str) -> str:
    """The reason for a run as the value of a tag: short enough to be read in the list of runs. Of several reasons that do not fit, the
    first ones, and how many more there are.
    """
    reasons = sentence.split("; ")
    for count in range(len(reasons), 0, -1):
        rest = f" (and {len(reasons) - count} more)" if count < len(reasons) else ""
        if len(told := "; ".join(reasons[:count]) + rest) <= _TAG_CHARACTERS:
            return told
    return f"{sentence[: _TAG_CHARACTERS - 1]}…"


def listed(parts: Iterable[str]) -> str:
    """Texts as the value of one tag: a JSON list, as a topic may hold any sign that could separate them."""
    return json.dumps(list(parts), ensure_ascii=False)


def parts_of(tag: str) -> tuple[str, ...]:
    """The texts of such a tag. One that was written before (separated by commas) is still read; a part of a name that held a comma
    is put back where it came from: every cause has its kind, a dot and a rule in front."""
    try:
        told = json.loads(tag)
    except ValueError:
        told = None
    if isinstance(told, list):
        return tuple(str(part) for part in told)
    found: list[str] = []
    for part in filter(None, tag.split(",")):
        if found and not _CAUSE.match(part):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return tuple(found)


def gave_up(cause: str, failed: int) -> str | None:
    """Why a cause is given up after MAX_ATTEMPTS."""
    return (
        f"its runs failed {failed} times: mend what their pages say, then re-execute the last one (cause {cause})"
        if failed >= MAX_ATTEMPTS
        else None
    )


def run_for_cause(
    instance: dg.DagsterInstance,
    *cause: object,
    tags: Mapping[str, str],
    job_name: str | None = None,
    partition_key: str | None = None,
    held_by: Callable[[str, int], str | None] = gave_up,
) -> dg.RunRequest | dg.SkipReason:
    """Request the next attempt at a cause, or say why not: a run for it is in flight, or too many have failed.

    cause: what the run is for; the same parts are the same cause. job_name: of a sensor with several jobs. held_by: name of the cause
    and how many of its runs failed -> why no further one is launched now (None: one is); without it there are MAX_ATTEMPTS.
    """
    name = cause_hash(*cause)
    records = instance.get_run_records(dg.RunsFilter(tags={CAUSE: name}))
    statuses = [record.dagster_run.status for record in records]
    if any(status in IN_FLIGHT for status in statuses):
        return dg.SkipReason(_about(tags, f"its run is in flight (cause {name})"))
    if (why_not := held_by(name, sum(status in _FAILED for status in statuses))) is not None:
        return dg.SkipReason(_about(tags, why_not))
    return dg.RunRequest(
        run_key(name, len(statuses) + 1), job_name=job_name, partition_key=partition_key, tags={**tags, CAUSE: name}
    )


def _about(tags: Mapping[str, str], says: str) -> str:
    """What a tick says of a run: what the run is for comes first."""
    return f"{tags[WHY]}: {says}" if WHY in tags else says


def one_run(
    instance: dg.DagsterInstance, job_name: str, *cause: object, tags: Mapping[str, str], waiting: str
) -> dg.SensorResult | dg.SkipReason:
    """A sensor's answer for a job of which only one run is wanted at a time; `waiting` names what waits for the one in flight."""
    told = {WHY: why(waiting), **tags}
    found = held_by_run(instance, job_name, waiting) or run_for_cause(instance, *cause, tags=told)
    return found if isinstance(found, dg.SkipReason) else dg.SensorResult(run_requests=[found])


def held_by_run(instance: dg.DagsterInstance, job_name: str, waiting: str) -> dg.SkipReason | None:
    """Why nothing is launched while a run of the job is queued or running; None when there is none."""
    if instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=IN_FLIGHT), limit=1):
        return dg.SkipReason(f"{waiting} wait for the {job_name} run in flight")
    return None

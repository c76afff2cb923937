"""Checks of releases: what is served is what was registered, and the newest release was not sent back."""

from collections.abc import Iterator

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.release import RELEASE
from lyo_pipelines.defs.checks.optional import optional_check
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.registry.events import RegistryEvent
from lyo_pipelines.registry.log import read_history
from lyo_pipelines.rollout.after_erasure import tainted_serving
from lyo_pipelines.rollout.release import adapter_fault
from lyo_pipelines.rollout.state_findings import obstructions

GUARDRAILS = "guardrails"
UNOBSTRUCTED = "unobstructed"
UNTAINTED = "untainted"
BACK = ("fell_back", "rolled_back")
_UNTAINTED = "nothing that serves learnt from people who were erased"


@optional_check(
    "release",
    name=GUARDRAILS,
    partitions_def=SEGMENTS,
    description=(
        "The newest release has not been sent back. When the rollout sensor sends a release back, it reports the failed check in the "
        "same tick. Skipped while nothing was released."
    ),
)
def guardrails(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Whether the last thing that happened to the segment is not a way back."""
    history = read_history(store.lake(), context.op_execution_context.partition_key)
    if not any(event.kind == "canary" for event in history.events):
        return
    last = history.events[-1]
    passed = last.kind not in BACK
    yield dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=history.release.situation if passed else last.reason,
    )


@optional_check(
    "release",
    name="files_as_registered",
    partitions_def=SEGMENTS,
    description=(
        "Every file of the current champion, the candidate and the previous champion still has its registered SHA-256 "
        "checksum. Skipped where nothing of the segment's own is served."
    ),
)
def files_as_registered(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Whether what is served, and what a rollback would bring back, is whole."""
    lake = store.lake()
    release = read_history(lake, context.op_execution_context.partition_key).release
    versions = [version for version in (release.champion, release.candidate, *release.formers[-1:]) if version]
    if not versions:
        return
    wrong = {version: why for version in versions if (why := adapter_fault(lake, release, version)) is not None}
    yield dg.AssetCheckResult(
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(wrong.values()) or f"verified: {', '.join(versions)}",
    )


@dg.asset_check(
    asset="release",
    name=UNOBSTRUCTED,
    partitions_def=SEGMENTS,
    description=(
        "Nothing but evidence holds this segment: its files of state can be read, its adapters are as registered, it is at a "
        "configured stage, clocks agree and its runs do not fail. When that changes, the rollout sensor reports it, with what to do."
    ),
)
def unobstructed(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Whether anything but evidence keeps the segment where it is."""
    lake, segment = store.lake(), context.op_execution_context.partition_key
    says = "; ".join(obstructions(lake, segment, store.load_config().rollout, now=clock.current_time()))
    return dg.AssetCheckResult(
        passed=not says, severity=dg.AssetCheckSeverity.ERROR, description=says or "nothing but evidence holds it"
    )


@dg.asset_check(
    asset="release",
    name=UNTAINTED,
    partitions_def=SEGMENTS,
    description=(
        "Nobody is served by an adapter that learnt from people who were erased since. When that changes, the rollout sensor reports "
        "it; `release.after_erasure` says when such an adapter makes room."
    ),
)
def untainted(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Whether what serves the segment is marked."""
    serving = tainted_serving(store.lake(), store.load_config().release.after_erasure)
    says = "; ".join(one.says for one in serving.get(context.op_execution_context.partition_key, ()))
    return dg.AssetCheckResult(passed=not says, severity=dg.AssetCheckSeverity.ERROR, description=says or _UNTAINTED)


def untainted_check(segment: str, says: str) -> dg.AssetCheckEvaluation:
    """The outcome of `untainted` as a sensor reports it; says: what serves and is marked ("" : nothing does any more)."""
    return dg.AssetCheckEvaluation(
        asset_key=RELEASE,
        check_name=UNTAINTED,
        passed=not says,
        severity=dg.AssetCheckSeverity.ERROR,
        description=says or _UNTAINTED,
        partition=segment or None,
    )


def obstruction_check(segment: str, says: str) -> dg.AssetCheckEvaluation:
    """The outcome of `unobstructed` as a sensor reports it; says: what holds the segment ("" : nothing does any more).

    segment: "" for what concerns all of them.
    """
    return dg.AssetCheckEvaluation(
        asset_key=RELEASE,
        check_name=UNOBSTRUCTED,
        passed=not says,
        severity=dg.AssetCheckSeverity.ERROR,
        description=says or "nothing but evidence holds it",
        partition=segment or None,
    )


def told_check(event: RegistryEvent, segment: str) -> dg.AssetCheckEvaluation:
    """The outcome of `guardrails` that follows from an event, as a sensor reports it."""
    return dg.AssetCheckEvaluation(
        asset_key=RELEASE,
        check_name=GUARDRAILS,
        passed=event.kind not in BACK,
        metadata={"why": event.reason, "version": event.version, "by": event.who.name},
        severity=dg.AssetCheckSeverity.ERROR,
        description=event.reason,
        partition=segment,
    )

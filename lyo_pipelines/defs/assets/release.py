"""`release`: the newest adapter on its way to users, by segment; and how a release looks on its page."""

import math
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field

from lyo_pipelines.config.loading import Config
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.evaluation import eval_report
from lyo_pipelines.defs.metadata import Metadata, metadata_table
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.defs.report_page import gates_metadata
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.report.gates import describe
from lyo_pipelines.hosted.prepare import HostedRefusedError
from lyo_pipelines.registry.events import RegistryEvent, Who
from lyo_pipelines.registry.fold import IllegalEventError
from lyo_pipelines.registry.log import MovedOnError, ReleaseHistory, read_history
from lyo_pipelines.rollout.findings import told_time
from lyo_pipelines.rollout.monitor import ReleaseCheck, decision_evidence
from lyo_pipelines.rollout.plots import stages_plot
from lyo_pipelines.rollout.start import ErasedPeopleError, OutdatedReportError, ServedByParentError, start_release
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines.training.versions import NoAdapterError

GROUP = "release"
OWNERS = ["team:release"]
RELEASE = dg.AssetKey("release")
RELEASE_VERSION = "1"
_WILL_NEVER_WORK = (
    NoAdapterError,
    DocumentError,
    OutdatedReportError,
    MovedOnError,
    DamagedAdapterError,
    ServedByParentError,
    ErasedPeopleError,
    IllegalEventError,
    HostedRefusedError,
)


class ReleaseRunConfig(dg.Config):
    """Options of a release."""

    reason: str = Field(
        "its report passes the gates",
        description="Why the adapter is released. The reason is kept in the release history.",
    )
    version: str = Field(
        "",
        description="The version to release; by default the segment's newest adapter. A hosted model has to be named.",
    )
    person: str = Field("", description="Login of the person who starts the release; empty for an automatic run.")


@dg.asset(
    partitions_def=SEGMENTS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "json"},
    deps=[eval_report],
    code_version=RELEASE_VERSION,
    description=(
        "The release of the segment's newest adapter: it is registered, its gates are checked, and it is served to the "
        "first 10 % of users. From there the rollout sensor moves it forward or sends it back. Every step is an event "
        "here, with the evidence behind it."
    ),
)
def release(context: dg.AssetExecutionContext, config: ReleaseRunConfig, store: Store) -> dg.MaterializeResult:
    """Begin the release of the newest adapter, or record which gate it did not pass."""
    lake, project_config, segment, now = store.lake(), store.load_config(), context.partition_key, clock.current_time()
    who = Who(config.person, person=True) if config.person else Who(f"run of {context.job_name}")
    try:
        begun = start_release(
            lake, segment, project_config.evaluation, project_config.rollout, who=who, reason=config.reason, now=now,
            version=config.version, provider=project_config.hosted,
        )  # fmt: skip
    except _WILL_NEVER_WORK as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    (context.log.info if begun.release.candidate else context.log.warning)(begun.summary)
    gates = [gate for gate in begun.gates if gate.applies]
    return dg.MaterializeResult(
        metadata={
            "says": begun.summary,
            **release_metadata(context.instance, read_history(lake, segment), project_config, now),
            **gates_metadata(gates, describe(project_config.evaluation)),
        },
        data_version=dg.DataVersion(str(begun.release.sequence)),
    )


def release_metadata(
    instance: dg.DagsterInstance, history: ReleaseHistory, project_config: Config, now: datetime
) -> Metadata:
    """The state of a segment's releases, its plot and its newest events."""
    release, events = history.release, history.events
    png = stages_plot(events, project_config.rollout.stages, segment=release.segment, now=now)
    shown = list(reversed(events))[: project_config.release.shown_events]
    served = [
        {
            "served by": one.version or "a parent's adapter or the base",
            "arm": one.arm,
            "share": f"{one.share:.0%}",
            "from": told_time(one.since),
            "to": told_time(one.until) if one.until else "now",
        }
        for one in reversed(release.served[-project_config.release.shown_events :])
    ]
    return {
        "situation": release.situation,
        "stages": picture(instance, png, f"share of {release.segment}'s users on the candidate, by day"),
        "champion": release.champion or "none",
        "candidate": release.candidate or "none",
        "stage": release.stage,
        "share": f"{release.share:.0%}",
        "history": metadata_table([_event_row(one) for one in shown], ["at", "event", "version", "by", "reason"]),
        "served": metadata_table(served, ["served by", "arm", "share", "from", "to"]),
    }


def event_metadata(
    instance: dg.DagsterInstance, event: RegistryEvent, history: ReleaseHistory, project_config: Config, now: datetime
) -> Metadata:
    """One event with the figures it was decided on."""
    return {
        "why": event.reason,
        "event": event.kind.replace("_", " "),
        "version": event.version,
        "by": event.who.name,
        **finding_metadata(event.figures),
        **release_metadata(instance, history, project_config, now),
        "dataset": event.adapter.dataset_fingerprint,
        "sequence": event.sequence,
    }


def look_metadata(
    instance: dg.DagsterInstance, look: ReleaseCheck, history: ReleaseHistory, project_config: Config, now: datetime
) -> Metadata:
    """A look that changed nothing: what was decided, on what evidence, and when more is expected to be known."""
    days = look.decision.until_known_days
    return {
        "why": look.summary,
        "decision": look.decision.action.replace("_", " "),
        "known_in": "not in sight" if days is None else f"about {days:.1f} days",
        "mismatched_rows": look.collected.mismatched,
        **finding_metadata(decision_evidence(look.decision, look.collected, project_config.rollout)),
        **release_metadata(instance, history, project_config, now),
    }


def finding_metadata(figures: Any) -> Metadata:
    """What each rule found and how many users and answers it rests on, where a decision was made."""
    found = figures.get("findings", ())
    rows = [{"rule": one["rule"], "outcome": one["outcome"], "found": one["says"]} for one in found]
    arms = [{"arm": name, **counts} for name, counts in figures.get("arms", {}).items()]
    columns = ["arm", "users", "answers", "rated", "mean_rating", "errors"]
    metrics = [
        {
            "metric": one["name"].replace("_", " "),
            "candidate": _number(one["value"]),
            "current": _number(one["value_current"]),
            "difference": f"{_number(one['estimate'])} [{_number(one['low'])}, {_number(one['high'])}]",
            "verdict": one["verdict"].replace("_", " "),
        }
        for one in figures.get("success_metrics", ())
    ]
    return {
        **(
            {"success_metrics": metadata_table(metrics, ["metric", "candidate", "current", "difference", "verdict"])}
            if metrics
            else {}
        ),
        **({"findings": metadata_table(rows, ["rule", "outcome", "found"])} if rows else {}),
        **({"arms": metadata_table(arms, columns)} if arms else {}),
    }


def _number(value: float | None) -> str:
    return "unknown" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _event_row(event: RegistryEvent) -> dict[str, str]:
    return {
        "at": told_time(event.happened_at),
        "event": event.kind.replace("_", " ") + (f" ({event.share:.0%})" if event.share else ""),
        "version": event.version,
        "by": event.who.name,
        "reason": event.reason,
    }

"""Beginning a release: the newest adapter is registered, its report's gates are asked, and it goes to its first users.

Each part is an event of its own, so a run that died in between goes on where it ended. What happens then belongs to monitor.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Gate
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import evaluate_gates, held_because
from lyo_pipelines.hosted.reaching import require_askable
from lyo_pipelines.registry.events import Adapter, RegistryEvent, Who, json_values
from lyo_pipelines.registry.log import RegistryDamagedError, append_event, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.routing import refresh_routing
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.tasks.fine_tuning import is_fine_tuned
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.tainted import read_tainted
from lyo_pipelines.training.verified_loading import published_files
from lyo_pipelines.training.versions import DamagedPointerError, NoAdapterError, chosen_adapter, latest_adapter


class ServedByParentError(LyoError):
    """The segment is served by a parent's adapter: that one is released; the message says how."""


class ErasedPeopleError(LyoError):
    """The adapter learnt from people who were erased since: it is trained again instead of released."""


class OutdatedReportError(LyoError):
    """The report compares the candidate with another champion than the one that serves now."""


@dataclass(frozen=True)
class StartOutcome:
    """What became of the newest adapter. events: those that this call appended; gates: as they were judged now."""

    release: Release
    summary: str
    events: tuple[RegistryEvent, ...]
    gates: tuple[Gate, ...] = ()


def start_release(
    lake: Lake,
    segment: str,
    evaluation: EvaluationConfig,
    rollout: RolloutConfig,
    *,
    who: Who,
    reason: str,
    now: datetime,
    version: str = "",
    provider: HostedConfig | None = None,
) -> StartOutcome:
    """Bring the segment's newest adapter (or the named version) to its first users, or say which gate it did not pass.

    provider: what the configuration allows where the version is a provider's model (None: nothing); HostedRefusedError where it may
    not be served.

    The first adapter of a segment is compared with what serves until then: a parent's champion or the base model. Raises
    NoAdapterError, DocumentError (of the report), OutdatedReportError, DamagedAdapterError, ErasedPeopleError, ServedByParentError,
    IllegalEventError while another version is on its way, and MovedOnError when somebody else changed the segment meanwhile.
    """
    trained = chosen_adapter(lake, segment, version)
    if trained.segment != segment:
        raise ServedByParentError(
            f"{segment} has no adapter of its own, {trained.segment} serves it: `lyo release {trained.segment}`."
        )
    release = read_release(lake, segment)
    state = release.states.get(trained.version)
    if state in ("canary", "champion"):
        refresh_routing(lake)  # whoever began it may have died before the file was written
        return StartOutcome(release, f"{trained.version} is {state} already: {release.situation}", ())
    if _learnt_from_erased(lake, trained):
        raise ErasedPeopleError(
            f"{trained.version} learnt from people who were erased since, so it is not released.",
            hint="Train again: `lyo train` (business_sensor does so by itself).",
        )
    if trained.manifest.is_hosted:
        require_askable(HostedModel.read(trained.path / HOSTED_FILE), provider, "serve")
    report = read_report(fetched(lake, lake.report_dir(segment, trained.version)))
    _require_current(report, release, trained.version)
    outcomes = evaluate_gates(report, evaluation)
    draft = _Draft(lake, adapter_of(trained), who, reason, now, _metrics(report))
    events: list[RegistryEvent] = []
    if state is None:
        release = draft.append(
            events, release, "registered", figures={"training": json_values(trained.metrics.model_dump())}
        )
    told = {"gates": [gate.model_dump() for gate in outcomes], "report": report.data_version}
    if says := held_because(outcomes):
        if release.states[trained.version] in ("registered", "candidate"):
            release = draft.append(events, release, "rejected", figures=told, reason=f"gates not passed: {says}")
        return StartOutcome(release, f"{trained.version} is rejected: {says}", tuple(events), tuple(outcomes))
    if release.states[trained.version] != "candidate":
        release = draft.append(events, release, "candidate", figures=told)
    first, attempt = rollout.stage(1), release.attempts.get(trained.version, 0) + 1
    named = [segment, trained.version, *([attempt] if attempt > 1 else [])]
    release = draft.append(events, release, "canary", figures={"salt_of": named}, stage=1, share=first.share)
    refresh_routing(lake)
    compared = release.champion or "what served until now (a parent's adapter, or the base model)"
    says = f"{trained.version} serves {first.share:.0%} of users for at least {first.days:g} days, compared with {compared}"
    return StartOutcome(release, says, tuple(events), tuple(outcomes))


def waiting_adapters(lake: Lake) -> tuple[list[TrainingResult], dict[str, Exception]]:
    """Newest adapters whose report compares them with what serves now, and that no release was begun for.

    Segments with another version on its way are left out. The second value says, by segment, what could not be read: one damaged
    file keeps no other segment's adapter waiting.
    """
    found: list[TrainingResult] = []
    troubles: dict[str, Exception] = {}
    for segment in lake.names(lake.path("adapters")):
        if is_fine_tuned(segment):  # it answers whoever asked for it by name; a person may release it
            continue
        try:
            found += _waiting(lake, segment)
        except (
            DamagedPointerError,
            DocumentError,
            RegistryDamagedError,
            DamagedFileError,
            OSError,
            ValueError,
        ) as error:
            troubles[segment] = error
        except NoAdapterError:
            continue
    return found, troubles


def _waiting(lake: Lake, segment: str) -> list[TrainingResult]:
    """The segment's newest adapter where it waits for its release."""
    trained = latest_adapter(lake, segment)
    report = fetched(lake, lake.report_dir(segment, trained.version))
    if trained.segment != segment or not is_complete(report) or _learnt_from_erased(lake, trained):
        return []
    release = read_release(lake, segment)
    new = not release.candidate and release.states.get(trained.version, "registered") == "registered"
    return [trained] if new and read_report(report).champion_version == release.champion else []


def _learnt_from_erased(lake: Lake, trained: TrainingResult) -> bool:
    return f"{trained.segment}/{trained.version}" in read_tainted(lake)


def _require_current(report: Report, release: Release, version: str) -> None:
    """Raise OutdatedReportError unless the champion that the report names is the registry's."""
    if (compared := report.champion_version) != release.champion:
        raise OutdatedReportError(
            f"the report of {version} compares it with {compared or 'the base model'} as what serves {release.segment}, but "
            f"{release.champion or 'no adapter of its own'} serves it now.",
            hint="Report again: materialize eval_report for this segment (answers that are kept are not asked for anew).",
        )


def adapter_of(trained: TrainingResult) -> Adapter:
    """What the registry remembers of a finished adapter, its files verified now. Raises DamagedAdapterError."""
    return Adapter(
        version=trained.version,
        segment=trained.segment,
        method=trained.manifest.method,
        base_model=trained.base_model,
        dataset_fingerprint=trained.dataset_fingerprint,
        files=published_files(trained.path),
    )


@dataclass(frozen=True)
class _Draft:
    """What all events of one beginning share."""

    lake: Lake
    adapter: Adapter
    who: Who
    reason: str
    now: datetime
    metrics: Mapping[str, Any]

    def append(
        self, events: list[RegistryEvent], seen: Release, kind: Any, *, figures: Mapping[str, Any], **more: Any
    ) -> Release:
        """Append one event to the state that it was decided on; another champion meanwhile would make the report outdated."""
        draft = RegistryEvent(
            kind,
            self.adapter,
            self.who,
            more.pop("reason", self.reason),
            self.now,
            metrics=self.metrics,
            figures=figures,
            **more,
        )
        event, release = append_event(self.lake, draft, now=self.now, expected=seen.sequence)
        events.append(event)
        return release


def _metrics(report: Report) -> Mapping[str, object]:
    """The candidate's values, and the verdicts about them, out of a report."""
    values = {name: found.value for name, found in report.models["candidate"].items()}
    verdicts = {f"{c.metric} against {c.b}": c.verdict for c in report.comparisons if c.a == "candidate"}
    return json_values({"values": values, "verdicts": verdicts, "n_test": report.n_test, "groups": report.groups})

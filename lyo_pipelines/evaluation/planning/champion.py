"""What a candidate has to beat: the champion of the registry, and the adapter that it was tuned from. Nothing is guessed.

The registry is the only source of who serves: a version in canary, one that was never released and one that was sent back are no
champion, whatever their reports say and however new their files are. What a champion must be shown to lose on: report/gates.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.log import read_release
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import TrainingResult, read_adapter
from lyo_pipelines.training.verified_loading import DamagedAdapterError, load_checked


class UnusableBaselineError(LyoError):
    """What the candidate has to be compared with cannot be loaded. It is never left out: an easier comparison would let it through."""


@dataclass(frozen=True)
class Baselines:
    """Adapters that a candidate is compared with besides its base model.

    champion: what serves everybody who is in no canary; None: nothing of the segment's own does, so users get the base model.
    start: what the candidate was tuned further from, where that is another adapter than the champion; else None.
    """

    champion: TrainingResult | None = None
    start: TrainingResult | None = None


def baselines(lake: Lake, segment: str, *, candidate: TrainingResult) -> Baselines:
    """What the candidate is compared with in a report on `segment`. Raises UnusableBaselineError and RegistryDamagedError.

    A thin segment (one that its candidate's segment serves) has that segment's champion, unless an adapter of its own serves it still.
    """
    champion = None
    for key in dict.fromkeys((segment, candidate.segment)):
        champion = champion or _champion(lake, key)
    start = _start(lake, candidate)
    if champion and start and (champion.segment, champion.version) == (start.segment, start.version):
        start = None
    return Baselines(champion, start)


def _champion(lake: Lake, segment: str) -> TrainingResult | None:
    """The champion with its files as they were registered; None where the segment has none."""
    release = read_release(lake, segment)
    registered = release.adapter(release.champion)
    if registered is None:
        return None
    try:
        return load_checked(fetched(lake, lake.adapter_dir(registered.segment, registered.version)), registered.files)
    except (DamagedAdapterError, DocumentError) as error:
        raise UnusableBaselineError(
            f"{segment}: {registered.version} serves everybody, but its files are not as they were registered ({error})",
            hint=f"Restore them, or take it out with `lyo rollback {segment}` or `lyo retire {segment}`; then report again.",
        ) from error


def _start(lake: Lake, candidate: TrainingResult) -> TrainingResult | None:
    """The adapter that the candidate's manifest says it was tuned from; None for one that began at its base model."""
    if not (version := candidate.manifest.start_from):
        return None
    try:
        return read_adapter(fetched(lake, lake.adapter_dir(candidate.segment, version)))
    except DocumentError as error:
        raise UnusableBaselineError(
            f"{candidate.version} was tuned from {version}, which is not among the adapters of {candidate.segment} ({error})",
            hint="Restore it, or tune again from an adapter that is there.",
        ) from error

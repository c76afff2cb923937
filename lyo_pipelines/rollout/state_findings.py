"""What holds a release although its evidence may be good: files, stages and clocks are not as they should be.

Each finding says what is wrong, that the guardrails go on, and what a person does about it. Evidence belongs to requirements.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.clocks import by_real_time
from lyo_pipelines.rollout.findings import ReleaseDecision, ReleaseFinding, rounded_measurements
from lyo_pipelines.rollout.release import adapter_fault
from lyo_pipelines.rollout.routing import read_sources
from lyo_pipelines.storage.lake import Lake, NotLocalError

PREFIX = "state."
CANDIDATE_FILES = "state.candidate_files"
_DAYS_TOLD = 3


@dataclass
class VerifiedFiles:
    """Adapters whose files were found whole, each with the fingerprint that they had then, so that no look hashes them again.

    known: `segment@version` to fingerprint; plain values, kept by the caller. read: adapters that were read by this object.
    """

    known: dict[str, str] = field(default_factory=dict)
    read: int = 0

    def fault(self, lake: Lake, release: Release, version: str, *, most: int | None = None) -> str | None:
        """Why a registered version cannot be served; None where it can (or where the lake is no local disk).

        most: where so many adapters were read already, another one is left for the next look (None: it is read all the same).
        """
        name, mark = f"{release.segment}@{version}", files_fingerprint(lake, release, version)
        if mark and self.known.get(name) == mark:
            return None
        self.known.pop(name, None)
        if mark and most is not None and self.read >= most:
            return None
        self.read += 1
        try:
            found = adapter_fault(lake, release, version)
        except NotLocalError:
            return None
        if found is None:
            self.known[name] = mark
        return found


def files_fingerprint(lake: Lake, release: Release, version: str) -> str:
    """A text that changes when one of a registered version's files does; empty while one of them is missing."""
    adapter = release.adapter(version)
    if adapter is None:
        return ""
    folder = lake.adapter_dir(adapter.segment, version)
    try:
        return " ".join(f"{name}:{lake.fingerprint(f'{folder}/{name}')}" for name in sorted(adapter.files))
    except OSError:
        return ""


def changed_stages(release: Release, config: RolloutConfig) -> ReleaseFinding | None:
    """The release is at a share of users that is no stage (any more)."""
    if config.is_listed(release.share):
        return None
    listed = ", ".join(f"{stage.share:.0%}" for stage in config.stages)
    position = config.position(release.share)
    before = config.share_before(release.share)
    back = f"`lyo step-back {release.segment}` goes to {before:.0%}, or " if before and release.stage > 1 else ""
    says = (
        f"the configured stages changed: {release.share:.0%} of users have it, and the stages are {listed} now. It is watched as at "
        f"{config.stage(position).share:.0%} and takes no step: {back}list {release.share:.0%} among `rollout.stages` again"
    )
    return ReleaseFinding(
        "state.stages", "hold", says, rounded_measurements(share=release.share, stages=len(config.stages))
    )


def unreadable_days(unreadable: Mapping[date, str]) -> ReleaseFinding | None:
    """Days of this stage whose interactions cannot be read, so that nobody knows what they would say."""
    if not unreadable:
        return None
    told = "; ".join(f"{day.isoformat()} ({reason})" for day, reason in sorted(unreadable.items())[:_DAYS_TOLD])
    more = f" and {len(unreadable) - _DAYS_TOLD} more" if len(unreadable) > _DAYS_TOLD else ""
    says = (
        f"interactions of {told}{more} cannot be read: guardrails act on the other days, and no step is taken. Materialize "
        "raw_interactions for these days again"
    )
    return ReleaseFinding("state.days", "hold", says, rounded_measurements(days=len(unreadable)))


def files_at_fault(lake: Lake, release: Release, verified: VerifiedFiles) -> ReleaseFinding | None:
    """An adapter of this release is not as it was registered: a candidate that cannot be served goes, a champion holds it."""
    if (fault := verified.fault(lake, release, release.candidate)) is not None:
        says = (
            f"its files are not as they were registered, so nobody can be served by it: {fault} When it is whole again, a person may "
            f"release it again (`lyo release {release.segment}`)"
        )
        return ReleaseFinding(CANDIDATE_FILES, "fire", says)
    if release.champion and (fault := verified.fault(lake, release, release.champion)) is not None:
        says = (
            f"{release.champion}, which it is compared with and which would serve after a fallback, is not as it was registered: "
            f"{fault} Guardrails go on, and no step is taken. Restore its files, or `lyo rollback {release.segment}`"
        )
        return ReleaseFinding("state.champion_files", "hold", says)
    return None


def champion_fault(lake: Lake, release: Release, verified: VerifiedFiles, *, most: int | None = None) -> str | None:
    """What is said of a champion whose files are not as they were registered, while nobody is in canary; most: see VerifiedFiles."""
    if not release.champion or (fault := verified.fault(lake, release, release.champion, most=most)) is None:
        return None
    return (
        f"{release.champion} serves everybody, but its files are not as they were registered: {fault} Restore them, or "
        f"`lyo rollback {release.segment}`"
    )


def with_state(decision: ReleaseDecision, found: list[ReleaseFinding]) -> ReleaseDecision:
    """The decision with what its state adds: a candidate that cannot be served falls back, anything else holds it where it is.

    What guardrails decided stands.
    """
    if not found:
        return decision
    reasons = (*decision.reasons, *found)
    if decision.action == "fall_back":
        return replace(decision, reasons=reasons)
    says = "; ".join(finding.says for finding in found)
    if any(finding.outcome == "fire" for finding in found):
        return replace(decision, action="fall_back", says=says, reasons=reasons, until_known_days=None)
    held = f"{says}. Evidence: {decision.says}" if decision.action == "hold" else f"{says}. Else: {decision.says}"
    return replace(decision, action="hold", says=held, reasons=reasons, until_known_days=None)


def state_says(decision: ReleaseDecision) -> str:
    """What the state of a release adds to its decision, in words; empty where nothing does."""
    return "; ".join(one.says for one in decision.reasons if one.rule.startswith(PREFIX))


def obstructions(lake: Lake, segment: str, config: RolloutConfig, *, now: datetime) -> list[str]:
    """What of a segment's state holds it now, as far as files say; its adapters are read to their ends."""
    sources = read_sources(lake)
    if segment in sources.troubles:
        return [sources.troubles[segment]]
    history = sources.histories.get(segment)
    if history is None:
        return []
    release, verified = history.release, VerifiedFiles()
    if not release.in_canary:
        return [says] if (says := champion_fault(lake, release, verified)) is not None else []
    found = (by_real_time(release, now)[1], changed_stages(release, config), files_at_fault(lake, release, verified))
    return [one.says for one in found if one is not None]

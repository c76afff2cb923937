"""Adapters that learnt from people who were erased since, and serve: who they are, and when they make room by themselves.

The marks are of erasure/ (`lake/erased/tainted.json`), the setting is `release.after_erasure`; a move is an event of the registry like
any other. Off unless somebody sets it: who is served changes here without evidence about the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lyo_pipelines.config.release import AfterErasureConfig
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import MovedOnError, read_all, read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.findings import told_time
from lyo_pipelines.rollout.release import Act, fall_back, plan_rollback, promote, roll_back
from lyo_pipelines.storage.damage import RESTORE, DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.tainted import read_tainted, tainted_path


@dataclass(frozen=True)
class TaintedServing:
    """An adapter of this segment that serves and learnt from an erased person. due: when it makes room; None: never by itself."""

    segment: str
    version: str
    since: datetime
    due: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.due is not None and self.due <= now

    @property
    def says(self) -> str:
        """What people are told of it."""
        until = (
            f"it makes room at {told_time(self.due)} for the newest adapter that did not, else for the base"
            if self.due is not None
            else "it goes on serving until a new one is released or somebody rolls it back (release.after_erasure.deadline_days)"
        )
        return f"{self.version} serves and learnt from people who were erased on {self.since:%Y-%m-%d}: {until}"


@dataclass(frozen=True)
class Settled:
    """moved: segments of which something made room now; serving: what still serves; troubles: by segment ("" : all of them)."""

    moved: tuple[str, ...]
    serving: Mapping[str, tuple[TaintedServing, ...]]
    troubles: Mapping[str, str | Exception]

    @property
    def says(self) -> dict[str, str]:
        """By segment, what is to be told of it."""
        return {segment: "; ".join(one.says for one in found) for segment, found in self.serving.items()}


def tainted_serving(lake: Lake, config: AfterErasureConfig) -> dict[str, tuple[TaintedServing, ...]]:
    """By segment, every adapter that serves and is marked. Raises DamagedFileError."""
    marked = _marked(lake)
    releases = {segment: history.release for segment, history in read_all(lake)[0].items()} if marked else {}
    found = {segment: _serving(release, marked, config) for segment, release in releases.items()}
    return {segment: serving for segment, serving in found.items() if serving}


def settle_tainted(lake: Lake, config: AfterErasureConfig, *, now: datetime, who: Who) -> Settled:
    """Let those make room whose time is over, and an untainted candidate in canary take over from a tainted champion.

    One segment that cannot be moved keeps no other from being; what another writer did meanwhile is left to the next call.
    """
    moved, left = list[str](), dict[str, tuple[TaintedServing, ...]]()
    troubles = dict[str, str | Exception]()
    try:
        for segment, serving in tainted_serving(lake, config).items():
            try:
                if _settle(lake, segment, serving, config, now, who):
                    moved.append(segment)
            except MovedOnError:
                continue
            except Exception as error:  # whatever is wrong with one of them
                troubles[segment] = error
        left = tainted_serving(lake, config)
    except Exception as error:  # nobody can tell who must make room; guardrails go on
        troubles[""] = error
    return Settled(tuple(moved), left, troubles)


def _settle(
    lake: Lake, segment: str, serving: tuple[TaintedServing, ...], config: AfterErasureConfig, now: datetime, who: Who
) -> bool:
    """One segment; whether anything moved."""
    release, marked = read_release(lake, segment), {one.version: one for one in serving}
    before, candidate, champion = release.sequence, marked.get(release.candidate), marked.get(release.champion)
    if candidate is not None and candidate.is_due(now):
        release = fall_back(lake, segment, _act(candidate, release, now, who))
    if champion is None or release.champion != champion.version:
        return release.sequence != before
    takes_over = release.in_canary and candidate is None and not release.paused
    if takes_over and (config.skip_stages or champion.is_due(now)):
        release = promote(lake, segment, _act(champion, release, now, who))
    elif champion.is_due(now):
        if release.in_canary:  # somebody paused it, so it does not take over
            release = fall_back(lake, segment, _act(champion, release, now, who))
        if release.champion == champion.version:
            plan = plan_rollback(lake, release)
            release = roll_back(lake, segment, _act(champion, release, now, who), plan)
    return release.sequence != before


def _act(tainted: TaintedServing, release: Release, now: datetime, who: Who) -> Act:
    since = f"{tainted.version} learnt from people who were erased on {tainted.since:%Y-%m-%d}"
    over = "and its time to make room is over" if tainted.is_due(now) else "and the candidate did not"
    return Act(who, f"{since}, {over}", now, expected=release.sequence)


def _serving(
    release: Release, marked: Mapping[str, datetime], config: AfterErasureConfig
) -> tuple[TaintedServing, ...]:
    versions = [release.champion, *([release.candidate] if release.in_canary else [])]
    found = list[TaintedServing]()
    for version in versions:
        since = marked.get(f"{release.segment}/{version}")
        if version and since is not None:
            days = config.deadline_days
            due = None if days is None else since + timedelta(days=days)
            found.append(TaintedServing(release.segment, version, since, due))
    return tuple(found)


def _marked(lake: Lake) -> dict[str, datetime]:
    """Name of each marked adapter -> since when. Raises DamagedFileError."""
    try:
        return {name: datetime.fromisoformat(str(told["since"])) for name, told in read_tainted(lake).items()}
    except (KeyError, ValueError) as error:
        raise DamagedFileError(f"{tainted_path(lake)} is damaged: a mark without a time", hint=RESTORE) from error

"""The state of one segment's releases: champion, candidate, stage, and who was served what. How events change it: fold.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lyo_pipelines.registry.events import Adapter

State = Literal["registered", "candidate", "canary", "champion", "retired", "rejected", "fallen_back"]
Arm = Literal["candidate", "current"]


@dataclass(frozen=True)
class ServingPeriod:
    """Who was served by what: a version ("" : none of the segment's own), from when to when, from which event to which."""

    version: str
    arm: Arm
    share: float
    since: datetime
    by: int
    until: datetime | None = None
    ended_by: int | None = None


@dataclass(frozen=True)
class Release:
    """The state of one segment after its events so far.

    champion: version that serves everybody who is not in the candidate's arm ("" : none of the segment's own, so a parent's or the
    base). formers: champions before it that may come back, oldest first. candidate: the one version on its way ("" : none).
    attempts: how often each version went to its first users.
    clocks: when each event happened by the clock of its writer, oldest first. began_by, stage_began_by: the events (by number) that
    began the release and its stage.
    """

    segment: str
    sequence: int = 0
    adapters: Mapping[str, Adapter] = field(default_factory=dict[str, Adapter])
    states: Mapping[str, State] = field(default_factory=dict[str, State])
    champion: str = ""
    formers: tuple[str, ...] = ()
    candidate: str = ""
    stage: int = 0
    share: float = 0.0
    paused: bool = False
    began_at: datetime | None = None
    stage_began_at: datetime | None = None
    served: tuple[ServingPeriod, ...] = ()
    last_at: datetime | None = None
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    clocks: tuple[datetime, ...] = ()
    began_by: int = 0
    stage_began_by: int = 0

    @property
    def in_canary(self) -> bool:
        """Whether a candidate is in front of users."""
        return self.stage > 0

    def adapter(self, version: str) -> Adapter | None:
        """The registered adapter with this version; None for ""."""
        return self.adapters.get(version)

    @property
    def situation(self) -> str:
        """The state in one clause."""
        serves = f"{self.champion} serves" if self.champion else "no adapter of its own serves it"
        if not self.candidate:
            return serves
        if not self.in_canary:
            return f"{serves}, {self.candidate} is a candidate"
        paused = ", paused" if self.paused else ""
        return f"{serves}, {self.candidate} is in canary (stage {self.stage}, {self.share:.0%} of users{paused})"

    @property
    def possible(self) -> tuple[str, ...]:
        """What a person can do now, as names of commands."""
        if not self.in_canary:
            return ("release", "retire", "rollback") if self.champion else ("release",)
        first = "resume" if self.paused else "pause"
        return (first, *(("step-back",) if self.stage > 1 else ()), "retire", "rollback")

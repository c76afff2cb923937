"""One thing that is wrong with a file, and what was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["source", "derived", "leftover"]
"""source: nothing in the lake can make it again; derived: it is made from what is there; leftover: it counts for nothing."""


@dataclass(frozen=True)
class DamageFinding:
    """A file that is not what it should be. says: what is wrong; hint: what to do about it."""

    path: str
    kind: Kind
    says: str
    hint: str


@dataclass
class Verification:
    """What was compared (files by kind of content) and what was found; filled part by part."""

    deep: bool
    checked: Counter[str] = field(default_factory=Counter[str])
    findings: list[DamageFinding] = field(default_factory=list[DamageFinding])

    def add(self, found: Mapping[str, str], kind: Kind, hint: str) -> None:
        """Take findings in. found: path -> what is wrong."""
        self.findings += [DamageFinding(path, kind, says, hint) for path, says in found.items()]

    @property
    def damage(self) -> list[DamageFinding]:
        """Findings that are damage."""
        return [finding for finding in self.findings if finding.kind != "leftover"]

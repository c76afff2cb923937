"""What a team's own dataset must have beside everybody's: enough examples of enough people, and nobody who is most of it. Pure.

Who may be learnt from by themselves is configuration (consent); which rows are a team's, scope.py and read_examples.py know.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import TeamConfig
from lyo_pipelines.dataset.errors import SegmentTooSmallError
from lyo_pipelines.dataset.scope import Scope


def of_team(scope: Scope, config: TeamConfig, curation: CurationConfig, table: pa.Table) -> CurationConfig:
    """The figures of curation with the cap of a team's users. table: its examples, with `user_pseudonym`.

    Raises SegmentTooSmallError where too few examples are left under the cap, or it has too few users.
    """
    each = [one["counts"] for one in table["user_pseudonym"].drop_null().value_counts().to_pylist()]
    cap = fair_cap(each, config.user_share)
    cap = min(cap, curation.user_cap or cap)
    examples = table["user_pseudonym"].null_count + sum(min(count, cap) for count in each)
    if not cap or examples < config.minimum_examples or len(each) < config.minimum_users:
        raise too_small_team(scope, config, examples, len(each))
    return curation.model_copy(update={"user_cap": cap})


def fair_cap(each: Sequence[int], share: float) -> int:
    """The most examples that any user may give so that nobody gives more than a share of what is left; 0 where nothing does.

    each: examples of each user. What is left falls with the cap, so the share of all that there is would be too many.
    """
    low, high = 0, max(each, default=0)
    while low < high:  # what a cap allows, less the cap, is concave: it holds up to some cap, and not beyond
        middle = (low + high + 1) // 2
        holds = middle <= share * sum(min(count, middle) for count in each) * (1 + 1e-9)
        low, high = (middle, high) if holds else (low, middle - 1)
    return low


def too_small_team(scope: Scope, config: TeamConfig, examples: int, users: int) -> SegmentTooSmallError:
    """The error for a team with too few examples (of which nobody gives more than his share) or users; its parent serves it."""
    wanted = max(config.minimum_users, ceil(1 / config.user_share))
    return SegmentTooSmallError(
        f"{scope.key}: the team {scope.team} has {examples:,} of {config.minimum_examples:,} examples, of {users:,} of "
        f"{wanted:,} users, none of whom may give more than {config.user_share:.0%}. An adapter of so few would repeat single "
        "people: its parent serves it until there are more (dataset.teams in config.yaml)."
    )

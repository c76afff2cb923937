"""What a team's own dataset must have beside everybody's: enough examples of enough people, and nobody who is most of it. Pure.

Who may be learnt from by themselves is configuration (consent); which rows are a team's, scope.py and read_examples.py know.
"""

from __future__ import annotations

import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import TeamConfig
from lyo_pipelines.dataset.errors import SegmentTooSmallError
from lyo_pipelines.dataset.scope import Scope


def of_team(scope: Scope, config: TeamConfig, curation: CurationConfig, table: pa.Table) -> CurationConfig:
    """The figures of curation with the cap of a team's users. table: its examples, with `user_pseudonym`.

    Raises SegmentTooSmallError where it has too few examples or users.
    """
    examples = table.num_rows
    users = len(table["user_pseudonym"].drop_null().unique())
    if examples < config.minimum_examples or users < config.minimum_users:
        raise too_small_team(scope, config, examples, users)
    cap = max(1, int(config.user_share * examples))
    return curation.model_copy(update={"user_cap": min(cap, curation.user_cap or cap)})


def too_small_team(scope: Scope, config: TeamConfig, examples: int, users: int) -> SegmentTooSmallError:
    """The error for a team with too few examples or users; its parent serves it."""
    return SegmentTooSmallError(
        f"{scope.key}: the team {scope.team} has {examples:,} of {config.minimum_examples:,} examples, of {users:,} of "
        f"{config.minimum_users:,} users. An adapter of so few would repeat single people: its parent serves it until there are more "
        "(dataset.teams in config.yaml)."
    )

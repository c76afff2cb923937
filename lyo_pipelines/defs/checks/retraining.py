"""The check of what the triggers read: a damaged file of one segment is told, while they go on for the others."""

from collections.abc import Iterator, Sequence

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.monitoring import SIGNALS
from lyo_pipelines.defs.checks.optional import optional_check
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.retraining.assess import assess_segments
from lyo_pipelines.retraining.curriculum import load_curriculum

NAME = "files_readable"
_SHOWN = 5
_WELL = "every file that the triggers read is whole"


@optional_check(
    SIGNALS,
    name=NAME,
    description=(
        "Every file that the retraining triggers read is whole: days of health, the ledger, claims, and what is remembered of each "
        "segment's last training and report. The trigger sensors report it as soon as that changes; other segments go on meanwhile. "
        "Skipped before the first day of health."
    ),
)
def files_readable(store: Store) -> Iterator[dg.AssetCheckResult]:
    """Assess once and say what could not be read."""
    lake, now = store.lake(), clock.current_time()
    if not lake.days("health"):
        return
    found = assess_segments(lake, store.load_config().retraining, load_curriculum(lake), [], now, by=NAME)
    yield dg.AssetCheckResult(
        passed=not found.troubles, severity=dg.AssetCheckSeverity.ERROR, description=_told(found.troubles)
    )


def files_check(troubles: Sequence[str]) -> dg.AssetCheckEvaluation:
    """The outcome of `files_readable` as a sensor reports it."""
    return dg.AssetCheckEvaluation(
        asset_key=SIGNALS,
        check_name=NAME,
        passed=not troubles,
        severity=dg.AssetCheckSeverity.ERROR,
        description=_told(troubles),
    )


def _told(troubles: Sequence[str]) -> str:
    more = f" (and {len(troubles) - _SHOWN} more)" if len(troubles) > _SHOWN else ""
    return "; ".join(troubles[:_SHOWN]) + more or _WELL

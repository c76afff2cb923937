"""Several days: side by side on this machine, or in tasks of a cluster. What one day becomes belongs to day.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import date
from functools import partial
from itertools import groupby

from lyo_pipelines.cluster.tasks import task_results
from lyo_pipelines.config.cluster import ClusterConfig
from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.contract import CurationReport, MissingDayError
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.inputs import rules_signature
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


class OtherNodeError(LyoError):
    """A node of the cluster sees another lake than this machine, or has other rules."""


def curate_days(
    lake: Lake, days: Sequence[date], config: CurationConfig, cluster: ClusterConfig | None = None
) -> Iterator[tuple[date, CurationReport | DamagedFileError]]:
    """Curate days, in their order; of one whose rows are damaged the error is given, and the others go on.

    cluster: where it says so, and the days are enough, they are curated by its tasks; the same files come out. Raises what curate_day
    raises, and with a cluster ClusterError and OtherNodeError.
    """
    if cluster is not None and cluster.curation and len(days) >= cluster.minimum_days:
        yield from _in_tasks(lake, days, config, cluster)
    else:
        yield from _here(lake, days, config)


def _here(
    lake: Lake, days: Sequence[date], config: CurationConfig
) -> Iterator[tuple[date, CurationReport | DamagedFileError]]:
    """Days of one batch, which keeps one thread busy, are curated `workers` at a time.

    Where anything is raised, days that have begun are finished and no other begins.
    """
    pool = ThreadPoolExecutor(config.workers, thread_name_prefix="days")
    try:
        for small, group in groupby(days, lambda day: _is_one_batch(lake, day, config)):
            yield from (pool.map if small else map)(partial(_curated, lake, config=config), group)
    finally:
        pool.shutdown(cancel_futures=True)


def _curated(lake: Lake, day: date, config: CurationConfig) -> tuple[date, CurationReport | DamagedFileError]:
    try:
        return day, curate_day(lake, day, config)
    except DamagedFileError as error:
        return day, error


def _is_one_batch(lake: Lake, day: date, config: CurationConfig) -> bool:
    path = lake.interactions(day)
    with suppress(DamagedFileError):
        return lake.exists(path) and lake.table_footer(path).num_rows <= config.batch_rows
    return False


def _in_tasks(
    lake: Lake, days: Sequence[date], config: CurationConfig, cluster: ClusterConfig
) -> Iterator[tuple[date, CurationReport | DamagedFileError]]:
    """Days in tasks of `days_per_task`. Where anything is raised, what has begun ends as by a kill: nothing half-written counts."""
    size = cluster.days_per_task
    groups = [tuple(days[begin : begin + size]) for begin in range(0, len(days), size)]
    curate = partial(_curated_group, lake.root, config, rules_signature(config, load_wordlists(lake)))
    with closing(task_results(curate, groups, cluster)) as results:
        for group in results:
            for day, found in group:
                if isinstance(found, MissingDayError) and lake.exists(lake.interactions(day)):
                    raise OtherNodeError(
                        f"a node of the cluster does not see {lake.interactions(day)}, which is there.",
                        hint="LYO_DATA_DIR must be shared storage that every node sees under the same path.",
                    ) from found
                if isinstance(found, LyoError) and not isinstance(found, DamagedFileError):
                    raise found
                yield day, found


def _curated_group(
    root: str, config: CurationConfig, rules: str, days: Sequence[date]
) -> list[tuple[date, CurationReport | LyoError]]:
    """In a task: some days of the lake at `root`, one after the other, up to one that cannot be curated.

    rules: signature of the rules and word lists of whoever asks. An error is a result: raised, it would cost those before it.
    """
    lake, done = Lake(root), list[tuple[date, CurationReport | LyoError]]()
    other = rules_signature(config, load_wordlists(lake)) != rules
    for day in days:
        try:
            if other:
                raise OtherNodeError(
                    "a node of the cluster would curate by other rules or word lists than this machine.",
                    hint="Install the same version of lyo_pipelines on every node, and let all see the same LYO_DATA_DIR.",
                )
            done.append(_curated(lake, day, config))
        except LyoError as error:
            done.append((day, error))
            break
    return done

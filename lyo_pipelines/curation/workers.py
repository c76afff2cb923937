"""Curating batches in a few threads; results come back in the order of the batches.

Threads, not processes: most of the work is done by polars, which lets go of the interpreter, and a spawned process needs
seconds and 500 MB for its imports (measured: for a day of 100,000 rows two processes were slower than one).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.batch import BatchResult, curate_batch
from lyo_pipelines.curation.review import Decisions, PhraseRules
from lyo_pipelines.curation.wordlists import Wordlists


def curated_batches(
    batches: Iterable[pa.RecordBatch],
    config: CurationConfig,
    lists: Wordlists,
    decided: Decisions,
    phrases: PhraseRules,
) -> Iterator[BatchResult]:
    """Curate each batch, `workers` at a time; at most one more is waiting, so memory does not grow with the day."""
    if config.workers < 2:
        for batch in batches:
            yield curate_batch(batch, config, lists, decided, phrases)
        return
    source = iter(batches)
    with ThreadPoolExecutor(config.workers, thread_name_prefix="curation") as pool:
        under_way: deque[Future[BatchResult]] = deque(
            pool.submit(curate_batch, batch, config, lists, decided, phrases)
            for batch in islice(source, config.workers + 1)
        )
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(
                pool.submit(curate_batch, batch, config, lists, decided, phrases) for batch in islice(source, 1)
            )
            yield result

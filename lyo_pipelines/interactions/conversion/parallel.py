"""Lines of a large file through several processes, in order, with a bounded number of blocks under way."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pyarrow as pa

from lyo_pipelines.interactions.conversion.converter import Converted, Converter, FileSpec
from lyo_pipelines.interactions.reading.lines import Lines

_converter: Converter | None = None


def may_start_processes() -> bool:
    """Whether this process may have children (a daemonic one may not)."""
    return not multiprocessing.current_process().daemon


def convert_in_processes(blocks: Iterable[Lines], spec: FileSpec, workers: int) -> Iterator[Converted]:
    """Convert blocks in `workers` processes; results come in the order of the blocks."""
    context = multiprocessing.get_context("spawn")  # never fork: the caller may run threads
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(spec,)) as pool:
        running: deque[Future[Converted]] = deque()
        try:
            for lines in blocks:
                running.append(pool.submit(_convert, lines))
                if len(running) > 2 * workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start(spec: FileSpec) -> None:
    global _converter  # noqa: PLW0603 - one converter per worker process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    _converter = Converter(spec)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for blocks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _convert(lines: Lines) -> Converted:
    assert _converter is not None
    return _converter.lines(lines)

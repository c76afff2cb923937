"""Batches that become smaller when memory runs out, instead of a report that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lyo_pipelines.external_process.failures import is_out_of_memory

Row = TypeVar("Row")
Result = TypeVar("Result")


def asked_in_halves(
    batches: Sequence[Sequence[Row]],
    ask: Callable[[Sequence[Row]], Result],
    *,
    release: Callable[[], None],
    say: Callable[[str], None],
) -> Iterator[tuple[Sequence[Row], Result]]:
    """Ask every batch and yield it with its result; one that does not fit is asked in halves, and so are those after it.

    release: gives back what the failed attempt held. Raises what `ask` raises where a single row does not fit.
    """
    largest = max(map(len, batches), default=0)
    waiting = [list(batch) for batch in reversed(batches)]
    while waiting:
        batch = waiting.pop()
        if len(batch) > largest:
            waiting += [batch[largest:], batch[:largest]]
            continue
        asked = _asked(ask, batch)
        if not isinstance(asked, _OutOfMemory):
            yield batch, asked
            continue
        # outside of the except clause: its traceback would keep the failed attempt's tensors
        release()
        largest = (len(batch) + 1) // 2
        say(f"out of memory with {len(batch)} items together ({asked.why}): going on with {largest}")
        waiting.append(batch)


@dataclass(frozen=True)
class _OutOfMemory:
    """What came instead of a result."""

    why: str


def _asked(ask: Callable[[Sequence[Row]], Result], batch: Sequence[Row]) -> Result | _OutOfMemory:
    try:
        return ask(batch)
    except Exception as error:
        if len(batch) == 1 or not is_out_of_memory(error):
            raise
        return _OutOfMemory((str(error) or type(error).__name__).splitlines()[0][:100])

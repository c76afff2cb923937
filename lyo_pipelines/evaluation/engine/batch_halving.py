"""Fewer rows at once when memory runs out, instead of a report that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lyo_pipelines.evaluation.engine.encoding import Encoded
from lyo_pipelines.evaluation.engine.outputs import Batch
from lyo_pipelines.external_process.failures import is_out_of_memory

Ask = Callable[[Sequence[Encoded], int], Iterable[Batch]]
"""Asks items, so many at once, and yields the finished ones (`ids`) batch by batch."""


def asked_in_halves(
    items: Sequence[Encoded], at_once: int, ask: Ask, *, release: Callable[[], None], say: Callable[[str], None]
) -> Iterator[Batch]:
    """Ask every item once, `at_once` together; where memory runs out, what is not finished is asked half as many together.

    release: gives back what the failed attempt held. Raises what `ask` raises where a single item does not fit.
    """
    left, size = list(items), min(at_once, len(items))
    while left:
        finished: set[str] = set()
        full = None
        try:
            for batch in ask(left, size):
                finished.update(batch["ids"])
                yield batch
        except Exception as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            full = (str(error) or type(error).__name__).splitlines()[0][:100]
        left = [item for item in left if item.item_id not in finished]
        if full is None:
            return
        # outside of the except clause: its traceback would keep the failed attempt's tensors
        release()
        say(f"out of memory with {size} items together ({full}): going on with {(size + 1) // 2}")
        size = (size + 1) // 2

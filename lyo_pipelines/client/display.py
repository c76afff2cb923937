"""How progress looks: a live table on a terminal; elsewhere a line where a stage begins, gets on and ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from lyo_pipelines.client.follow import Stage, clock

_MARKS = {"waiting": "[dim]·[/]", "running": "[cyan]▶[/]", "done": "[green]✓[/]", "failed": "[red]✗[/]"}


class Display:
    """Shows stages; use as a context manager.

    Without a terminal a running stage says where it got on every so many seconds, and sooner (`step_seconds` after its last line)
    where another step of it has begun: the first part of its detail.
    """

    def __init__(
        self,
        console: Console,
        *,
        every_seconds: float = 60.0,
        step_seconds: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self._live = Live(console=console, refresh_per_second=4, transient=False) if console.is_terminal else None
        self._last: dict[str, tuple[str, float, str]] = {}
        self._every, self._step, self._monotonic = every_seconds, step_seconds, monotonic

    def __enter__(self) -> Display:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.__exit__(kind, error, trace)

    def show(self, stages: dict[str, Stage]) -> None:
        """Draw the stages (terminal) or print what changed (elsewhere; a running stage now and then, where it got on)."""
        if self._live:
            self._live.update(_table(stages))
            return
        now = self._monotonic()
        for stage in stages.values():
            state, at, said = self._last.get(stage.key, ("waiting", now, ""))
            patience = self._every if _step_of(stage.detail) == _step_of(said) else self._step
            got_on = stage.state == "running" and stage.detail != said and now - at >= patience
            waits = stage.state == "waiting" and stage.detail and not said  # said once, whatever it then waits for
            if stage.state == state and not got_on and not waits:
                continue
            self._last[stage.key] = (stage.state, now, stage.detail)
            took = f" ({clock(stage.seconds)})" if stage.seconds is not None else ""
            detail = "" if stage.state == "done" else stage.detail
            told = detail if stage.state == "waiting" and detail else f"{stage.state}{took} {detail}"
            line = f"{_MARKS[stage.state]} {stage.title}: {told}".rstrip()
            self.console.print(line, highlight=False, soft_wrap=True)


def _step_of(detail: str) -> str:
    return detail.split(" · ", maxsplit=1)[0]


def _table(stages: dict[str, Stage]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for stage in stages.values():
        took = clock(stage.seconds) if stage.seconds is not None else ""
        table.add_row(
            _MARKS[stage.state],
            stage.title,
            f"[dim]{took}[/]",
            stage.detail if stage.state in ("running", "waiting") else "",
        )
    return table

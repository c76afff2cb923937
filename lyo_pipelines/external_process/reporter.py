"""To whom a process speaks: always to the terminal, and to Dagster where Dagster Pipes launched it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lyo_pipelines.external_process.throttle import Throttle


class Reporter:
    """Sentences for people on stderr, and for Dagster in its log; at the end one materialization."""

    def __init__(self, name: str = "", pipes: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        """name: of the program, as it stands before the reason of a failure. pipes: an open PipesContext, or None."""
        self.name, self.pipes = name, pipes
        self._progress = Throttle(clock=clock)

    @property
    def launched_by_dagster(self) -> bool:
        """Whether a Dagster step started this process and listens."""
        return self.pipes is not None

    def say(self, text: str) -> None:
        """Something that happens once: always shown."""
        self._print(text)
        if self.pipes is not None:
            self.pipes.log.info(text)

    def tell(self, text: str) -> None:
        """Progress: always on the terminal, to Dagster now and then."""
        self._print(text)
        if self.pipes is not None and self._progress.due():
            self.pipes.log.info(text)

    def fail(self, text: str) -> None:
        """Why there is no result, and what to do."""
        self._print(f"{self.name} failed: {text}" if self.name else text)
        if self.pipes is not None:
            self.pipes.log.error(text)

    def materialize(self, metadata: Mapping[str, Any], data_version: str) -> None:
        """Report the finished asset to Dagster. metadata: {name: {raw_value, type}}, as Pipes takes it."""
        if self.pipes is not None:
            self.pipes.report_asset_materialization(metadata=dict(metadata), data_version=data_version)

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is a command line program


class FailuresOnly(Reporter):
    """Of a process that works beside the one that reports: only why it failed."""

    def say(self, text: str) -> None:
        """Nothing: the first process says it."""

    def tell(self, text: str) -> None:
        """Nothing: the first process says it."""


@contextmanager
def open_reporter(name: str, part: int | None = None) -> Iterator[Reporter]:
    """A reporter; it opens Dagster Pipes only when Dagster launched this process.

    part: which of several processes of one program this is (None: the only one). The first speaks for all and leaves the pipe
    open for the process that started them; the others say why they fail.
    """
    from dagster_pipes import PipesEnvVarParamsLoader, open_dagster_pipes

    if part:
        yield FailuresOnly(f"{name}, process {part},")
        return
    if not PipesEnvVarParamsLoader().is_dagster_pipes_process():
        yield Reporter(name)
        return
    if part == 0:
        yield Reporter(name, open_dagster_pipes())
        return
    with open_dagster_pipes() as pipes:
        yield Reporter(name, pipes)

"""The one way in and out of a process of ours: prepare, work, and end with a code and a sentence that fit what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lyo_pipelines.config.settings import traceback_wanted
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.environment import SHORT_SPIN, prepare_environment
from lyo_pipelines.external_process.failures import explained
from lyo_pipelines.external_process.reporter import Reporter, open_reporter
from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.faults import EXIT_CODE as FAULT
from lyo_pipelines.faults import fault_report


@dataclass(frozen=True)
class Program:
    """What differs between our processes.

    name: as it stands before the reason of a failure.
    folder: where it writes; its disk is the one that may be full.
    go_on: what to do after an error was mended, as the end of a sentence.
    less_memory: a sentence that says how to do with less memory.
    kept: says what an interrupted process leaves.
    stop_at_once: an interruption does not wait for the end of a step (see StopRequest).
    stop_with_parent: it ends when its parent does; under Dagster it always does.
    offline: nothing may be fetched from the Hugging Face hub.
    waiting: how its threads wait for each other (environment.py).
    part: which of several processes that do one work together this is; None: the only one.
    """

    name: str
    folder: Path
    go_on: str
    less_memory: str
    kept: Callable[[], str]
    stop_at_once: bool = False
    stop_with_parent: bool = False
    offline: bool = False
    waiting: Mapping[str, str] = field(default_factory=lambda: SHORT_SPIN)
    part: int | None = None

    def run(self, work: Callable[[Reporter, StopRequest], None]) -> int:
        """Do the work; returns the exit code.

        0 done, 1 an error that the message says how to mend, 70 a fault of ours (with its traceback), 130 or 143 stopped by SIGINT
        or SIGTERM. LYO_TRACEBACK in the environment raises an error of the first kind instead, after it was told.
        """
        prepare_environment(offline=self.offline, waiting=self.waiting)
        stop = StopRequest(at_once=self.stop_at_once)
        with stop.listening(), open_reporter(self.name, self.part) as report:
            try:
                if report.launched_by_dagster or self.stop_with_parent:
                    stop.watch_parent()
                work(report, stop)
            except Interrupted as interruption:
                report.say(f"stopped ({interruption}): {self.kept()}")
                return stop.exit_code
            except Exception as error:
                return self._failed(error, report)
            return 0

    def _failed(self, error: Exception, report: Reporter) -> int:
        mendable: LyoError | None = explained(error, self.folder, go_on=self.go_on, less_memory=self.less_memory)
        if mendable is None:
            report.fail(fault_report(error))
            return FAULT
        report.fail(" ".join(str(mendable).split()))
        if traceback_wanted():
            raise error
        return 1

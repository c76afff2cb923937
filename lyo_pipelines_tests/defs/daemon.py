"""Dagster's own sensor and monitoring daemons, one step at a time in this process, and connections lost at a chosen statement."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy

# private: Dagster offers no public way to run one iteration of its daemons at a chosen time
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._time import get_current_datetime
from sqlalchemy.engine import Engine

from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.sensors.inbox import inbox_sensor
from lyo_pipelines.defs.sensors.rollout import rollout_sensor_for
from lyo_pipelines.defs.sensors.segments import segments_sensor
from lyo_pipelines.defs.sensors.triggers import trigger_sensor

_LOG = logging.getLogger(__name__)
_LOG.disabled = True  # the errors are what the tests look at


def _with_sensor(sensor: dg.SensorDefinition) -> dg.Definitions:
    found = build_defs()
    return dg.Definitions(
        assets=found.assets,
        asset_checks=found.asset_checks,
        jobs=found.jobs,
        sensors=[sensor],
        resources=found.resources,
    )


INBOX = _with_sensor(inbox_sensor)
SEGMENTS = _with_sensor(segments_sensor)
ROLLOUT = _with_sensor(rollout_sensor_for(running=True, every_seconds=10))
VOLUME = _with_sensor(trigger_sensor("volume", running=True, every_seconds=10))


@dataclass
class Daemon:
    """The daemon with a clock of its own."""

    instance: dg.DagsterInstance
    context: IWorkspaceProcessContext
    every: timedelta
    now: datetime = field(default_factory=get_current_datetime)

    def tick(self) -> list[str]:
        """Evaluate the sensor, `every` after the last time; what it complained about. Raises what the daemon would log."""
        self.now += self.every
        with freeze_time(self.now):
            found = execute_sensor_iteration(self.context, _LOG, None, None)
            return [error.message for error in found if error]

    def monitor(self, *, later: timedelta) -> None:
        """Look after the runs, as the monitoring daemon would `later`."""
        self.now += later
        with freeze_time(self.now):
            assert not any(execute_run_monitoring_iteration(self.context, _LOG))


@contextmanager
def daemon(
    instance: dg.DagsterInstance, definitions: str, every: timedelta = timedelta(seconds=15)
) -> Iterator[Daemon]:
    """A daemon that serves one of this module's definitions and looks at its sensor every so often."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=__name__, attribute=definitions)
    location = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target))
    with create_test_daemon_workspace_context(location, instance) as context:
        yield Daemon(instance, context, every)


@dataclass
class Statements:
    """The statements that Dagster sends to the database, with `strike` called at one of them.

    after: strike when the statement was executed and before its answer is read, else before it is executed.
    """

    strike: Callable[[], None] | None = None
    at: int = -1
    after: bool = False
    seen: list[str] = field(default_factory=list)

    def before_cursor_execute(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        """Called by SQLAlchemy."""
        if connection.engine.url.database == os.environ["LYO_PG_DB"]:
            self.seen.append(" ".join(statement.split()[:3]))
            if self.strike and len(self.seen) - 1 == self.at and not self.after:
                self.strike()

    def after_cursor_execute(self, connection: Any, cursor: Any, *_: Any) -> None:
        """Called by SQLAlchemy."""
        if self.strike and self.after and len(self.seen) - 1 == self.at:
            self.strike()
            connection.connection.cursor().execute("select 1")  # the client notices only when it talks again


@contextmanager
def watched(statements: Statements) -> Iterator[Statements]:
    """Watch (and strike) within the block."""
    names = ("before_cursor_execute", "after_cursor_execute")
    for name in names:
        sqlalchemy.event.listen(Engine, name, getattr(statements, name))
    try:
        yield statements
    finally:
        for name in names:
            sqlalchemy.event.remove(Engine, name, getattr(statements, name))

"""Outcomes of checks that sensors report for single segments: the second one about a segment needs room made by the first.

Dagster keeps one outcome without a run for each check and partition: its table of executions has a unique index over (asset, check,
run, partition), and an event of a sensor has the empty run (1.13.27). A second outcome is refused with an error of the database, and
the tick that reports it fails again and again. Unpartitioned ones are not affected, as NULL equals nothing.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from sqlalchemy import text

_MOVE = text(
    "UPDATE asset_check_executions SET run_id = 'reported-' || id "
    "WHERE run_id = '' AND asset_key = :asset AND check_name = :name AND partition = :partition"
)


def make_room(instance: dg.DagsterInstance, events: Iterable[Any]) -> None:
    """Give earlier outcomes of the same checks and partitions a name of their own, so that these can be stored; history stays."""
    storage: Any = instance.event_log_storage
    told = [one for one in events if isinstance(one, dg.AssetCheckEvaluation) and one.partition is not None]
    if not told or not hasattr(storage, "index_connection"):
        return
    with storage.index_connection() as connection:
        for one in told:
            key = {"asset": one.asset_key.to_string(), "name": one.check_name, "partition": one.partition}
            connection.execute(_MOVE, key)

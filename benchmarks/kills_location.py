"""The code location of benchmarks/kills.py: the shipped triggers, around a job "retrain" whose work takes about a second.

As in the real job, `adapter` records the training, and `eval_report` comes after it and records the report. What was done stands
line by line in `<data>/work.jsonl`.
"""

import json
import multiprocessing
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from lyo_pipelines.defs.partitions import SEGMENTS

SECONDS = {"adapter": 1.0, "eval_report": 0.5}
EXAMPLES = 1400


@dg.op(config_schema={"recipe": str, "overrides": dg.Permissive()}, out=dg.Out(dg.Nothing), pool="gpu")
def adapter(context: dg.OpExecutionContext) -> None:
    _say(context, "started")
    time.sleep(SECONDS["adapter"])
    _record(context, "adapters", "trained", {
        "at": datetime.now(UTC).isoformat(), "version": _version(context), "fingerprint": _version(context),
        "examples": EXAMPLES, "topics": {"fractions": EXAMPLES}, "grades": {"7": EXAMPLES},
    })  # fmt: skip
    _say(context, "trained")


@dg.op(config_schema={"max_items": dg.Noneable(int)}, ins={"adapter": dg.In(dg.Nothing)})
def eval_report(context: dg.OpExecutionContext) -> None:
    time.sleep(SECONDS["eval_report"])
    _say(context, "done")
    told = {"version": _version(context), "language_match": 1.0, "n": 100, "worse_languages": []}
    _record(context, "reports", "reported", told)


@dg.job(name="retrain", partitions_def=SEGMENTS, executor_def=dg.in_process_executor)
def retrain() -> None:
    eval_report(adapter())


def _say(context: dg.OpExecutionContext, event: str) -> None:
    """One line, appended whole and safe on the disk before the work goes on."""
    tags = context.run.tags
    line = {
        "segment": context.partition_key, "launch": tags["lyo/cause"], "attempt": int(tags["lyo/attempt"]),
        "run_id": context.run_id, "event": event, "pid": os.getpid(), "at": time.time(),
    }  # fmt: skip
    descriptor = os.open(_data() / "work.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, (json.dumps(line) + "\n").encode())
    os.fsync(descriptor)
    os.close(descriptor)


def _version(context: dg.OpExecutionContext) -> str:
    """The same for all attempts at a launch, as in reality, where the dataset and the recipe name it."""
    return context.run.tags["lyo/cause"]


def _record(context: dg.OpExecutionContext, room: str, name: str, told: dict[str, object]) -> None:
    """The files of lyo_pipelines.retraining.history, whose imports would cost each run a second."""
    path = _data() / "lake" / room / context.partition_key / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{context.run_id}")
    temporary.write_text(json.dumps(told), encoding="utf-8")
    temporary.replace(path)


def _data() -> Path:
    return Path(os.environ["LYO_DATA_DIR"])


def _definitions() -> dg.Definitions:
    if (
        multiprocessing.parent_process() is not None
    ):  # a run: it needs the job only, and importing the rest takes longer
        return dg.Definitions(jobs=[retrain])
    from lyo_pipelines.defs.resources import Store
    from lyo_pipelines.defs.sensors.triggers import trigger_sensor
    from lyo_pipelines.retraining.findings import KINDS

    sensors = [trigger_sensor(kind, job=retrain, every_seconds=10) for kind in KINDS]
    return dg.Definitions(jobs=[retrain], sensors=sensors, resources={"store": Store()})


defs = _definitions()

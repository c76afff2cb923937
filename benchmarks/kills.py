"""Random kills while retrainings are launched: every due segment is launched, and once.

    python benchmarks/kills.py [--launches 500] [--kills 200] [--seed 7] [--minutes 45] [--postgres] [--keep FOLDER]

A real daemon, code server and run workers, on the shipped dagster.yaml and the shipped triggers; only the work of a run is tiny
(kills_location.py; kills_world.py has the installation). Segments become due a few at a time; meanwhile SIGKILL hits the daemon, the
code server (half the time with its runs) or a single run at random moments. In the end each segment must have exactly one successful
run (or one that was killed when its report was already there), no two runs at a time, no attempt twice, and no attempt but after a
failed one. Kills nothing but processes whose DAGSTER_HOME is its own temporary one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
from kills_world import World

from lyo_pipelines.client.home import dagster_environment
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.defs.partitions import PARTITION
from lyo_pipelines.defs.retraining_runs import retraining_runs
from lyo_pipelines.defs.runs import ATTEMPT, CAUSE, IN_FLIGHT
from lyo_pipelines.retraining.assess import assess_segments
from lyo_pipelines.retraining.claims import read_claims
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.history import read_reports, read_trainings
from lyo_pipelines_tests.postgres import running_server

OUT = Path(__file__).parent / "out" / "kills.json"
PAUSE = 4.0
"""Mean seconds between two kills."""
QUIET = 100.0
"""Seconds without a new run or a run in flight after which nothing more will come: several ticks, and claims have run out."""
DAEMON_SAYS = {
    "ticks resumed": "interrupted part-way through, resuming", "ticks dropped": "Moving dangling STARTED tick",
    "ticks retried": "Retrying failed tick", "run keys seen again": "already completed with run keys",
    "runs created, not yet queued": "already created with the run key",
    "no code server to start a run": "Caught an error dequeuing run",
}  # fmt: skip


def drive(world: World, instance: dg.DagsterInstance, kills: int, rng: random.Random, deadline: float) -> bool:
    """Release, kill and restart until all is done and quiet; False when time ran out first."""
    lead = max(10, world.launches // 10)  # so many segments are due ahead, that kills and launches end together
    next_kill, next_look, quiet_since, known = time.time() + 30, 0.0, time.time(), -1
    while time.time() < deadline:
        now = time.time()
        for service in world.services.values():
            service.keep(now)
        world.release(lead + world.launches * len(world.kills) // max(1, kills))
        if len(world.kills) < kills and now >= next_kill:
            done = len({line["segment"] for line in world.lines() if line["event"] == "done"})
            if world.released - done <= 2 * lead and world.kill_one(rng):
                world.kills[-1]["unfinished"] = world.launches - done
                next_kill = time.time() + rng.expovariate(1 / PAUSE)
            else:
                next_kill = now + 1
        if now >= next_look:
            count, flying = instance.get_runs_count(), instance.get_runs_count(dg.RunsFilter(statuses=IN_FLIGHT))
            if count != known or flying or len(world.kills) < kills or world.released < world.launches:
                quiet_since, known = now, count
            if now - quiet_since > QUIET:
                return True
            next_look = now + 5
        time.sleep(0.1)
    return False


def faults(runs: list[dict[str, Any]], lines: list[dict[str, Any]]) -> list[str]:
    """What is wrong with one segment; its runs by time of creation, its lines as they were written."""
    found = []
    wins = sum(run["status"] == "SUCCESS" for run in runs)
    if wins != 1:
        trained = " (trained, its report never made)" if any(line["event"] == "trained" for line in lines) else ""
        found.append(f"{wins} successful runs of {len(runs)}{trained}")
    if (attempts := [run["attempt"] for run in runs]) != list(range(1, len(runs) + 1)):
        found.append(f"attempts {attempts}")
    if len({run["launch"] for run in runs}) > 1:
        found.append("launched for more than one reason")
    for before, after in pairwise(runs):
        if before["status"] not in {"FAILURE", "CANCELED"}:
            found.append(f"attempt {after['attempt']} after {before['status']}")
        if before["end"] is None or after["created"] < before["end"] - 0.1:  # two processes told the two times
            found.append(f"attempts {before['attempt']} and {after['attempt']} in flight at once")
    if (order := [line["attempt"] for line in lines]) != sorted(order):
        found.append("work of two attempts at once")
    if most := [
        run for run, n in Counter(line["run_id"] for line in lines if line["event"] == "started").items() if n > 1
    ]:
        found.append(f"run {most[0]} worked twice")
    return found


def examine(world: World, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Figures and faults of everything that was launched."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for record in sorted(instance.get_run_records(), key=lambda record: record.create_timestamp):
        tags, created = record.dagster_run.tags, record.create_timestamp
        run = {
            "launch": tags[CAUSE], "attempt": int(tags[ATTEMPT]), "status": record.dagster_run.status.value, "end": record.end_time,
            "created": (created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp(),
        }  # fmt: skip
        runs.setdefault(tags[PARTITION], []).append(run)
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in world.lines():
        lines.setdefault(line["segment"], []).append(line)
    reported = read_reports(world.lake, world.segments)
    wrong = {name: faults(runs.get(name, []), lines.get(name, [])) for name in sorted({*world.segments, *runs})}
    claims = read_claims(world.lake)
    config, now = load_config(str(world.root / "data" / "config.yaml")).retraining, datetime.now(UTC)
    seen = retraining_runs(instance, "retrain", now)
    left = assess_segments(world.lake, config, load_curriculum(world.lake), seen, now, by="volume_sensor").outcomes[
        "fire"
    ]
    every = [run for found in runs.values() for run in found]
    log = world.services["daemon"].log.read_text(errors="replace")
    return {
        "launched": len(runs), "once": sum(not found for found in wrong.values()), "trained": len(read_trainings(world.lake)),
        "reported": len(reported), "still_due": left,
        "runs": len(every), "runs_by_status": Counter(run["status"] for run in every),
        "segments_by_attempts": {str(n): k for n, k in sorted(Counter(map(len, runs.values())).items())},
        "kills": len(world.kills), "kills_by_victim": Counter(kill["victim"] for kill in world.kills),
        "kills_before_the_last_was_done": sum(kill["unfinished"] > 0 for kill in world.kills),
        "died_alone": {name: service.died for name, service in world.services.items()},
        "claims": len(claims), "claims_taken_over": sum(claim.generation > 0 for claim in claims),
        "daemon_said": {name: log.count(text) for name, text in DAEMON_SAYS.items()},
        "faults": {name: found for name, found in wrong.items() if found},
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    for name, default in (("launches", 500), ("kills", 200), ("seed", 7), ("minutes", 45)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--postgres", action="store_true", help="Dagster's state in a temporary PostgreSQL")
    parser.add_argument("--keep", type=Path, help="a folder for the installation and its logs, which stay there")
    arguments = parser.parse_args()
    began = time.time()
    with contextlib.ExitStack() as stack:
        root = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lyo-kills-")))
        for name in [name for name in os.environ if name.startswith("LYO_")]:
            del os.environ[name]
        if arguments.postgres:
            server = stack.enter_context(running_server())
            os.environ.update(server.environment(stack.enter_context(server.database(empty=True))))
        told = {"LYO_DATA_DIR": str(root / "data"), "LYO_TRIGGERS": "on"}
        world = World(root, arguments.launches, {**dagster_environment(root / "home"), **told})
        world.prepare(PROJECT_ROOT / "dagster_home" / ("postgres" if arguments.postgres else "") / "dagster.yaml")
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(root / "home")))
        stack.callback(world.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that nothing is left running
        ended = drive(world, instance, arguments.kills, random.Random(arguments.seed), began + 60 * arguments.minutes)
        world.stop()
        result = {
            "seconds": round(time.time() - began),
            "finished": ended,
            "seed": arguments.seed,
            **examine(world, instance),
        }
    result["storage"] = "PostgreSQL" if arguments.postgres else "SQLite"
    for name, value in result.items():
        said = ", ".join(f"{key} {n}" for key, n in value.items()) if isinstance(value, dict) else value
        print(f"{name.replace('_', ' '):<32}{said}")
    holds = ended and not result["faults"] and not result["still_due"] and result["once"] == arguments.launches
    print("holds" if holds else "DOES NOT HOLD" if ended else "NOT FINISHED in time")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**result, "holds": holds}, indent=2), encoding="utf-8")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

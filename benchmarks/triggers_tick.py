"""One tick of the retraining sensor at 2,000 segments and 400 days of aggregates: seconds and peak memory of a fresh process.

Used by benchmarks/triggers.py; with --root it is that process. Interactions are drawn for four weeks and written again and again:
what a day says does not change what it costs to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.health.contract import HEALTH, INVITATIONS, USER_GROUPS, USERS
from lyo_pipelines.statistics.histogram import BINS
from lyo_pipelines.storage.lake import Lake

SEGMENTS, DAYS, DRAWN, REPEATS = 2000, 400, 28, 5
TOPICS = (("linear_equations", "7"), ("fractions", "6"), ("probability", "9"), ("mensuration", "8"))
TODAY = date(2026, 11, 20)
A_DAY = 20
"""Interactions per segment and day; and ten times as many."""


def tick() -> dict[str, Any]:
    """Lakes with few and with ten times as many interactions behind the same segments and days."""
    with TemporaryDirectory() as folder:
        roots = {name: f"{folder}/{name}" for name in ("once", "ten_times")}
        for root, a_day in zip(roots.values(), (A_DAY, 10 * A_DAY), strict=True):
            make_lake(root, a_day)
        return compare(roots)


def compare(roots: dict[str, str]) -> dict[str, Any]:
    """Both lakes in turn, five times, each in a fresh process; medians and the ratio."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in roots}
    for _ in range(REPEATS):
        for name, root in roots.items():
            runs[name].append(_fresh(root))
            shutil.rmtree(f"{root}/lake/decisions")  # each tick is the first one
    found: dict[str, Any] = {
        name: {key: round(statistics.median(run[key] for run in of), 3) for key in of[0]} for name, of in runs.items()
    }
    found["ratio_of_ten_times"] = round(found["ten_times"]["seconds"] / found["once"]["seconds"], 3)
    found["ratio_of_ten_times_cpu"] = round(found["ten_times"]["cpu_seconds"] / found["once"]["cpu_seconds"], 3)
    found |= {"segments": SEGMENTS, "days": DAYS, "interactions_a_day": A_DAY * SEGMENTS, "repeats": REPEATS}
    print(f"\ntick: {SEGMENTS:,} segments x {DAYS} days, medians of {REPEATS}")
    for name in roots:
        print(f"  {name:10}" + ", ".join(f"{key} {value:,}" for key, value in found[name].items()))
    print(f"  ten times as many interactions take {found['ratio_of_ten_times']} times as long")
    return found


def make_lake(root: str, a_day: int) -> None:
    """Aggregates of 400 days, and what was learnt by an adapter of every segment."""
    lake, rng = Lake(root), np.random.default_rng(11)
    drawn = [(_health(rng, a_day), _users(rng, a_day)) for _ in range(DRAWN)]
    for number in range(DAYS):
        day = TODAY - timedelta(days=number + 1)
        health, users = drawn[number % DRAWN]
        lake.write_table(health, lake.health(day))
        lake.write_table(users, lake.health_users(day))
    told = {
        "at": datetime(2026, 11, 10, tzinfo=UTC).isoformat(), "version": "v", "fingerprint": "f" * 16, "examples": 3000,
        "topics": {topic: 750 for topic, _ in TOPICS}, "grades": {grade: 750 for _, grade in TOPICS},
    }  # fmt: skip
    for segment in _segments():
        lake.write_json(told, f"{lake.adapter_dir(segment)}/trained.json")


def _segments() -> list[str]:
    return [f"tutoring.l{number // 20:03d}.s{number % 20:02d}" for number in range(SEGMENTS)]


def _health(rng: np.random.Generator, a_day: int) -> pa.Table:
    rows = SEGMENTS * len(TOPICS)
    n = rng.poisson(a_day / len(TOPICS), rows)
    rated = rng.binomial(n, 0.65)
    stars = np.clip(np.rint(rated * 4.3 + rng.normal(0, 1, rows) * np.sqrt(rated)), rated, 5 * rated)
    timed, measured = rng.binomial(n, 0.99), rng.binomial(n, 0.4)
    log_time = timed * 7.6 + rng.normal(0, 0.45, rows) * np.sqrt(timed)
    bins = np.clip(rng.normal(7.6, 0.45, timed.sum()) / (0.25 * np.log(2)), 0, BINS - 1).astype(int)
    found, counts = np.unique(np.repeat(np.arange(rows), timed) * BINS + bins, return_counts=True)
    ends = pa.array(np.searchsorted(found, np.arange(rows + 1) * BINS), pa.int32())
    columns: dict[str, Any] = {
        "segment": np.repeat(_segments(), len(TOPICS)), "topic": np.tile([topic for topic, _ in TOPICS], SEGMENTS),
        "grade": np.tile([grade for _, grade in TOPICS], SEGMENTS), "n": n, "kept": rng.binomial(n, 0.7), "served": n, "rated": rated,
        "rating_sum": stars, "rating_squares": stars * 4.5, "judged": rated, "negative": rng.binomial(rated, 0.08),
        "relevance_n": measured, "relevance_sum": measured * 0.82, "relevance_squares": measured * 0.69,
        "cultural": rng.binomial(n, 0.003), "retried": rng.binomial(n, 0.05), "errors": n - timed, "examined": timed,
        "mismatched": rng.binomial(timed, 0.01), "timed": timed, "log_time_sum": log_time,
        "log_time_squares": timed * 0.2 + log_time**2 / np.maximum(timed, 1), "complaints": np.zeros(rows, int),
        "time_bins": pa.ListArray.from_arrays(ends, pa.array(found % BINS, pa.int16())),
        "time_counts": pa.ListArray.from_arrays(ends, pa.array(counts, pa.int32())),
    }  # fmt: skip
    return _table(columns, HEALTH).filter(pa.array(n > 0))


def _users(rng: np.random.Generator, a_day: int) -> pa.Table:
    rows = SEGMENTS * USER_GROUPS
    topic = rng.multinomial(rng.poisson(a_day / USER_GROUPS, rows), np.full(len(TOPICS), 1 / len(TOPICS)))
    n = topic.sum(axis=1)
    rated, timed = rng.binomial(n, 0.65), n
    log_times = rng.normal(7.6, 0.45, timed.sum())
    bins = np.clip(log_times / (0.25 * np.log(2)), 0, BINS - 1).astype(int)
    found, counts = np.unique(np.repeat(np.arange(rows), timed) * BINS + bins, return_counts=True)
    ends = pa.array(np.searchsorted(found, np.arange(rows + 1) * BINS), pa.int32())
    asked = np.flatnonzero(topic)
    topic_n, topic_ends = (
        topic.ravel()[asked],
        pa.array(np.searchsorted(asked, np.arange(rows + 1) * len(TOPICS)), pa.int32()),
    )
    topic_rated = rng.binomial(topic_n, 0.65)
    columns: dict[str, Any] = {
        "segment": np.repeat(_segments(), USER_GROUPS), "user_group": np.tile(np.arange(USER_GROUPS), SEGMENTS), "n": n, "served": n,
        "rated": rated, "rating_sum": rated * 4.3, "rating_squares": rated * 19.5, "judged": rated,
        "negative": rng.binomial(rated, 0.08), "relevance_n": n, "relevance_sum": n * 0.82, "relevance_squares": n * 0.69,
        "cultural": rng.binomial(n, 0.003), "examined": n, "mismatched": rng.binomial(n, 0.01),
        "timed": timed, "log_time_sum": timed * 7.6, "log_time_squares": timed * 58.0,
        "time_bins": pa.ListArray.from_arrays(ends, pa.array(found % BINS, pa.int16())),
        "time_counts": pa.ListArray.from_arrays(ends, pa.array(counts, pa.int32())),
    }  # fmt: skip
    lists: dict[str, Any] = {
        "topics": np.array([name for name, _ in TOPICS])[asked % len(TOPICS)], "topic_n": topic_n.astype(np.int32),
        "topic_retried": rng.binomial(topic_n, 0.05).astype(np.int32), "topic_rated": topic_rated.astype(np.int32),
        "topic_rating_sum": topic_rated * 4.3,
    }  # fmt: skip
    columns |= {name: pa.ListArray.from_arrays(topic_ends, pa.array(values)) for name, values in lists.items()}
    return _table(columns, USERS).filter(pa.array(n > 0))


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    columns = {**dict.fromkeys(INVITATIONS, np.zeros(len(columns["n"]))), **columns}
    return pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in schema}, schema=schema)


# -- the process that is measured ----------------------------------------------------------------------------------
def _fresh(root: str) -> dict[str, float]:
    env = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--root", root], check=True, stdout=subprocess.PIPE, text=True, env=env
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"whole_process_seconds": round(time.perf_counter() - started, 3)}


def _one(root: str) -> dict[str, float]:
    """What a sensor's tick does: look at everything, decide, and write the ledger."""
    started = time.perf_counter()
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.retraining.assess import assess_segments
    from lyo_pipelines.retraining.curriculum import load_curriculum
    from lyo_pipelines.retraining.ledger import record_decisions

    imported = time.perf_counter() - started
    lake, now, base_mb = Lake(root), datetime(TODAY.year, TODAY.month, TODAY.day, 8, tzinfo=UTC), peak_megabytes()
    config, curriculum = load_config().retraining, load_curriculum(lake)
    started, processor = time.perf_counter(), time.process_time()
    found = assess_segments(lake, config, curriculum, [], now, by="benchmark")
    assessed, processor = time.perf_counter() - started, time.process_time() - processor
    peak = peak_megabytes()
    examples = {segment: signals.examples for segment, signals in found.signals.items()}
    started = time.perf_counter()
    record_decisions(lake, list(found.decisions.values()), examples, policy=found.policy, now=now)
    return {
        "seconds": assessed, "cpu_seconds": processor, "peak_mb": peak, "record_seconds": time.perf_counter() - started,
        "peak_mb_with_record": peak_megabytes(), "import_seconds": imported, "mb_after_imports": base_mb,
        "decisions": len(found.decisions),
    }  # fmt: skip


def peak_megabytes() -> float:
    """High-water mark of this process's resident memory (MB)."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else float("nan")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    print(json.dumps(_one(parser.parse_args().root)))

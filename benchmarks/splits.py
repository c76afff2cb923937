"""Curated examples -> train, validation and test files: examples per second and peak memory, beside a short DuckDB script.

    python benchmarks/splits.py [--rows 1000000] [--benchmarks FILE …]

The examples are made here (eight weeks, conversations of one to four turns, 3 % near-duplicate questions, 1 % exact repeats). Each
measurement runs in a process of its own. The DuckDB script does what such a script can: exact duplicates out, split by a hash of the
conversation. It finds no near duplicates, remembers nothing, makes no chat messages and checks nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE, FUNNEL
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"
DAYS = 56
OUT = Path(__file__).parent / "out"


# -- input ---------------------------------------------------------------------------------------------------------
def make_lake(root: Path, rows: int, seed: int = 7) -> Lake:
    """Write `rows` examples over DAYS days, in the shape that curation leaves."""
    lake = Lake(str(root))
    rng = np.random.default_rng(seed)
    words = pa.array(["".join(rng.choice(list("abcdefghijklmnoprstuvwz"), size=n)) for n in rng.integers(2, 10, 6000)])
    first_day = date(2026, 9, 1)
    earlier: pa.Array | None = None
    for number in range(DAYS):
        n = rows * (number + 1) // DAYS - rows * number // DAYS
        earlier = _write_day(
            lake, first_day + timedelta(days=number), number=number, n=n, rng=rng, words=words, earlier=earlier
        )
    return lake


def _write_day(
    lake: Lake, day: date, *, number: int, n: int, rng: np.random.Generator, words: pa.Array, earlier: pa.Array | None
) -> pa.Array:
    turn = np.minimum(rng.geometric(0.6, n) - 1, 3) if n else np.zeros(0, int)
    turn[0] = 0
    conversation = np.cumsum(turn == 0)
    # a later turn is the next one of the row before it
    turn = np.arange(n) - np.maximum.accumulate(np.where(turn == 0, np.arange(n), 0))
    question, answer = _texts(rng, words, n, 12, 45), _texts(rng, words, n, 40, 110)
    if earlier is not None and n > 100:
        copied = rng.choice(n, n // 25, replace=False)
        source = earlier.take(pa.array(rng.integers(0, len(earlier), len(copied))))
        # three quarters get other first word (near duplicate), the rest are the same question again
        near = pc.replace_substring_regex(source, r"^\S+", "please")
        source = pc.if_else(pa.array(np.arange(len(copied)) % 4 > 0), near, source)
        position = np.arange(n)
        position[copied] = n + np.arange(len(copied))
        question = pa.concat_arrays([question, source]).take(pa.array(position))
    ids = pa.array([f"{number:03d}-{row:08d}" for row in range(n)])
    columns: dict[str, Any] = {
        "example_id": pa.array([f"{(number * 1_000_003 + row) * 2654435761 % 2**64:016x}" for row in range(n)]),
        "interaction_id": ids,
        "occurred_at": pa.array(
            np.datetime64(day, "us") + np.sort(rng.integers(0, 86_400_000_000, n)).astype("timedelta64[us]"),
            pa.timestamp("us", tz="UTC"),
        ),
        "history": _history(turn, question, answer),
        "question": question,
        "answer": answer,
        "turn": pa.array(turn.astype(np.int32)),
        "conversation_id": pa.array([f"c-{number}-{c}" for c in conversation]),
        "user_pseudonym": pa.array([f"u_{u:020x}" for u in rng.integers(0, max(n * DAYS // 20, 10), n)]),
        "grade": pa.array([str(g) for g in rng.integers(5, 11, n)]),
        "topic": pa.array(["algebra", "geometry", "fractions", "statistics"]).take(pa.array(rng.integers(0, 4, n))),
        "rating": pa.array(rng.integers(4, 6, n).astype(np.float32)),
        "weight": pa.array(np.ones(n, np.float32)),
    }
    constant = {"segment": SEGMENT, "task": "tutoring", "language": "en", "subject": "math", "source": "benchmark"}
    columns |= {name: pa.array([value]).take(pa.array(np.zeros(n, np.int8))) for name, value in constant.items()}
    table = pa.table([columns.get(field.name, pa.nulls(n, field.type)) for field in EXAMPLE], schema=EXAMPLE)
    lake.write_table(table, lake.examples(day))
    funnel = {
        "segment": [SEGMENT],
        "rule": ["unrated"],
        "order": pa.array([0], pa.int32()),
        "removed": [0],
        "remaining": [n],
    }
    lake.write_table(pa.table(funnel, schema=FUNNEL), lake.examples(day, "funnel"))
    return question


def _texts(rng: np.random.Generator, words: pa.Array, n: int, low: int, high: int) -> pa.Array:
    lengths = rng.integers(low, high, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    # Zipf-like word frequencies, as in language
    picks = (len(words) * rng.random(int(offsets[-1])) ** 2.5).astype(np.int64)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), words.take(pa.array(picks))), " ")


def _history(turn: np.ndarray, question: pa.Array, answer: pa.Array) -> pa.Array:
    """Earlier turns of the same conversation: the rows just before."""
    before = np.concatenate([row - np.arange(t, 0, -1) for row, t in enumerate(turn)]).astype(np.int64)
    index = np.column_stack([before, before + len(turn)]).ravel()
    content = pa.concat_arrays([question, answer]).take(pa.array(index))
    role = pa.array(["user", "assistant"]).take(pa.array(np.tile([0, 1], len(before))))
    kind = EXAMPLE.field("history").type.value_type
    offsets = np.concatenate([[0], np.cumsum(2 * turn)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays([role, content], fields=list(kind)))


# -- what is measured, each in its own process -----------------------------------------------------------------------
def ours(root: str, out: str) -> dict[str, Any]:
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.dataset.build import build_dataset

    del out
    config = load_config()
    started = time.perf_counter()
    version = build_dataset(Lake(root), SEGMENT, config.dataset, config.curation, now=datetime.now(UTC))
    seconds = time.perf_counter() - started
    manifest = version.manifest
    failed = [check.name for check in manifest.leakage if not check.passed]
    return {
        "seconds": seconds,
        "kept": sum(manifest.counts.values()),
        "near": manifest.near_duplicates.model_dump(),
        "failed_checks": failed,
    }


def duckdb_script(root: str, out: str) -> dict[str, Any]:
    import duckdb

    started = time.perf_counter()
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(f"""
        CREATE TABLE kept AS
        SELECT *, hash(conversation_id) % 10 AS bucket FROM (
            SELECT example_id, interaction_id, conversation_id, occurred_at, language, subject, topic, grade, history,
                   question, answer, weight, row_number() OVER (PARTITION BY question, answer ORDER BY occurred_at, example_id) AS seen
            FROM read_parquet('{root}/lake/examples/*/part.parquet')) WHERE seen = 1""")
    for name, where in (("train", "bucket < 8"), ("validation", "bucket = 8"), ("test", "bucket = 9")):
        target = f"{out}/{name}.parquet"
        connection.execute(f"COPY (SELECT * EXCLUDE (bucket, seen) FROM kept WHERE {where} ORDER BY occurred_at, example_id) "
                           f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")  # fmt: skip
    kept = connection.execute("SELECT count(*) FROM kept").fetchone()
    return {"seconds": time.perf_counter() - started, "kept": kept[0] if kept else 0}


def measured(what: str, root: Path) -> dict[str, Any]:
    """Run one function of this file in a fresh process; add its peak memory."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--one", what, "--root", str(root), "--out", out]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "2"}
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_megabytes() -> float:
    """High-water mark of this process's resident memory (MB)."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--benchmarks", type=Path, nargs="*", default=[], help="files to register as benchmarks")
    parser.add_argument("--one", choices=["ours", "duckdb_script"], help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        pa.set_cpu_count(2)
        result = globals()[arguments.one](arguments.root, arguments.out)
        print(json.dumps({**result, "peak_mb": round(peak_megabytes(), 1)}))
        return

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        started = time.perf_counter()
        make_lake(root, arguments.rows)
        print(f"{arguments.rows:,} examples made in {time.perf_counter() - started:.1f} s\n")
        (root / "benchmarks").mkdir(exist_ok=True)
        for path in arguments.benchmarks:
            shutil.copy(path, root / "benchmarks")
        results = {name: measured(name, root) for name in ("ours", "duckdb_script")}
    for result in results.values():
        result["examples_per_second"] = round(arguments.rows / result["seconds"], 1)
        result["seconds"] = round(result["seconds"], 2)
    print(f"{'':16}{'seconds':>9}{'examples/s':>13}{'peak MB':>10}{'kept':>12}")
    for name, result in results.items():
        print(
            f"{name:16}{result['seconds']:>9}{result['examples_per_second']:>13,}{result['peak_mb']:>10,}{result['kept']:>12,}"
        )
    print(f"\nnear duplicates: {results['ours']['near']}; failed checks: {results['ours']['failed_checks'] or 'none'}")
    OUT.mkdir(exist_ok=True)
    report = {"rows": arguments.rows, "days": DAYS, "cores": os.cpu_count(), "results": results}
    (OUT / "splits.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Ingestion: inbox -> raw_interactions, in rows/s and peak memory, at N rows and at three times as many.

    python benchmarks/ingest.py --rows 1000000

Beside it the same work as a short Polars script and a short DuckDB script: parse, pseudonymise, each interaction once, one Parquet
file a day. They do less: no check of any field, no reasons for bad rows, no memory of what was read, no late feedback, no search for
user ids inside other fields; and a row that they cannot parse ends them. Each runs in a process of its own; memory is that of the
process and its children together, CPU seconds likewise. Writes benchmarks/out/ingest.json.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import psutil

KEY = "a key for the benchmark"
DAYS = 56
START = datetime(2026, 9, 1, tzinfo=UTC)
PROSE = (
    "the of number angle solve triangle energy force mass water acid base loop list value plus minus equals because "
    "therefore first then next answer question find compute explain why how step check result "
    "संख्या कोण ऊर्जा बल எண் கோணம் விசை"
)
WORDS = PROSE.split()


def generate(path: Path, rows: int) -> None:
    """Canonical rows in order of time, about 900 bytes each; seeded."""
    choose = random.Random(7)
    history = [
        {"role": "user", "content": "hello there"},
        {"role": "assistant", "content": "what would you like to learn today?"},
    ]
    with path.open("wb", buffering=1 << 20) as handle:
        for number in range(rows):
            at = START + timedelta(seconds=DAYS * 86_400 * number / rows)
            row = {
                "interaction_id": f"i{number:09d}",
                "occurred_at": at.isoformat(),
                "task": "tutoring",
                "language": choose.choice(("en", "hi", "ta")),
                "subject": choose.choice(("math", "physics", "chemistry")),
                "topic": "algebra",
                "grade": str(choose.randint(5, 12)),
                "reasoning_mode": "standard",
                "system_prompt": "You are a patient tutor for school students.",
                "history": history if number % 4 else None,
                "question": " ".join(choose.choices(WORDS, k=18)),
                "answer": " ".join(choose.choices(WORDS, k=45)),
                "rating": choose.choice((None, 1, 2, 3, 4, 5, 5)),
                "user_id": f"student{choose.randint(0, 9_999)}@example.org",
                "conversation_id": f"c{number // 4}",
                "turn": number % 4,
                "model": "m1",
                "response_time_ms": choose.random() * 3000,
                "retries": 0,
                "metadata": {"app": "web", "version": 3},
            }
            handle.write(orjson.dumps(row) + b"\n")


def run_ours(source: Path, work: Path) -> int:
    """What the inbox sensor and the daily asset do."""
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.interactions.days.build import build_day, stale_days
    from lyo_pipelines.interactions.landing.inbox import land_inbox
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.storage.lake import Lake

    (work / "inbox").mkdir(parents=True)
    (work / "inbox" / source.name).hardlink_to(source)
    lake, begin = Lake(str(work)), time.perf_counter()
    (report,) = land_inbox(lake, Pseudonyms(KEY), load_config().interactions, START + timedelta(days=DAYS))
    landed = time.perf_counter()
    assert report.rejected == 0
    rows = sum(build_day(lake, day).rows for day in stale_days(lake))
    print(json.dumps({"landing_s": landed - begin, "building_s": time.perf_counter() - landed}))
    return rows


def run_polars(source: Path, work: Path) -> int:
    """The same in Polars: one lazy pass, then one file a day."""
    import hashlib
    import hmac

    import polars as pl

    work.mkdir(parents=True)
    frame = (
        pl.scan_ndjson(source, infer_schema_length=1000)
        .with_columns(pl.col("occurred_at").str.to_datetime(time_unit="us", time_zone="UTC"))
        .unique("interaction_id", keep="first", maintain_order=True)
        .collect()
    )
    users = frame["user_id"].unique()
    names = ["u_" + hmac.digest(KEY.encode(), user.encode(), hashlib.sha256).hex()[:20] for user in users]
    frame = frame.with_columns(pl.col("user_id").replace_strict(users, names)).rename({"user_id": "user_pseudonym"})
    for (day,), part in frame.group_by(pl.col("occurred_at").dt.date()):
        (work / f"date={day}").mkdir()
        part.write_parquet(work / f"date={day}" / "part.parquet", compression="zstd", compression_level=1)
    return len(frame)


def run_duckdb(source: Path, work: Path) -> int:
    """The same in DuckDB: one COPY, partitioned by day, with a keyed hash of the user id in SQL."""
    import duckdb

    work.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(
        f"""
        COPY (
            SELECT DISTINCT ON (interaction_id) * EXCLUDE (user_id),
                   'u_' || left(sha256('{KEY}' || user_id), 20) AS user_pseudonym,
                   CAST(CAST(occurred_at AS TIMESTAMPTZ) AS DATE) AS date
            FROM read_json('{source}', format = 'newline_delimited')
        ) TO '{work}/out' (FORMAT parquet, PARTITION_BY (date), COMPRESSION zstd)
        """
    )
    return connection.execute(f"SELECT count(*) FROM '{work}/out/**/*.parquet'").fetchone()[0]


RUNS = {"lyo_pipelines": run_ours, "polars script": run_polars, "duckdb script": run_duckdb}


def measure(name: str, source: Path, work: Path, rows: int) -> dict:
    """Run one contender in its own process and watch the memory of it and its children."""
    begin, used = time.perf_counter(), cpu_seconds()
    command = [sys.executable, __file__, "--run", name, "--source", str(source), "--work", str(work)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"{name} failed")
    watcher.join()
    said = {key: value for line in output.splitlines() for key, value in json.loads(line).items()}
    assert said.pop("rows") == rows, f"{name} lost rows"
    return {
        "name": name,
        "rows": rows,
        "seconds": seconds,
        "rows_per_s": rows / seconds,
        "cpu_seconds": cpu_seconds() - used,
        "peak_mib": peak[0] / 2**20,
        **said,
    }


def cpu_seconds() -> float:
    """CPU seconds of all children that ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(pid: int, peak: list[int]) -> None:
    """Keep the largest resident memory of a process and its children."""
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(member.memory_info().rss for member in family))
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3, help="the larger input, as a multiple of --rows (1: none)")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out" / "ingest.json")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps({"rows": RUNS[options.run](options.source, options.work)}))
        return
    results = []
    folder = Path(tempfile.mkdtemp(prefix="lyo-ingest-"))
    try:
        for rows in dict.fromkeys((options.rows, options.rows * options.times)):
            source = folder / f"rows-{rows}.jsonl"
            generate(source, rows)
            for name in ["lyo_pipelines"] if options.only_ours else RUNS:
                result = measure(name, source, folder / "work", rows) | {"input_mib": source.stat().st_size / 2**20}
                results.append(result)
                shutil.rmtree(folder / "work")
                print(
                    f"{name:14} {rows:>9,} rows {result['seconds']:7.1f} s {result['rows_per_s']:>9,.0f} rows/s "
                    f"cpu {result['cpu_seconds']:6.1f} s peak {result['peak_mib']:6.0f} MiB",
                    flush=True,
                )
            source.unlink()
    finally:
        shutil.rmtree(folder)
    ours = [result for result in results if result["name"] == "lyo_pipelines"]
    summary = {
        "rows_per_s": ours[0]["rows_per_s"],
        "memory_growth": ours[-1]["peak_mib"] / ours[0]["peak_mib"],
        "speed_against": {
            r["name"]: ours[0]["rows_per_s"] / r["rows_per_s"] for r in results if r["rows"] == options.rows
        },
    }
    print(json.dumps(summary, indent=2))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"results": results, "summary": summary}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""One tick of the rollout sensor with many releases in canary: seconds of a first look, of one that has news, and of an idle one.

    python benchmarks/rollout_tick.py [--releases 30] [--rows 3400000] [--days 7] [--before 28]

`--rows` are those of the days since the releases began; as many a day lie in the `--before` days in front of them. Each tick is a
call of the sensor's `go_round` with the cursor of the one before. Seconds are processor time of this process, `wall` beside them.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.registry.events import Adapter, Kind, RegistryEvent, Who
from lyo_pipelines.registry.log import append_event
from lyo_pipelines.rollout.rounds import Cursor, go_round
from lyo_pipelines.storage.lake import Lake

OUT = Path(__file__).parent / "out" / "rollout_tick.json"
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
SENSOR = Who("rollout_sensor")
LANGUAGES = ("en", "hi", "ta")
USERS = 20_000


def begin(lake: Lake, segment: str) -> None:
    """A release of version v1 at its first stage, its files in place."""
    folder = lake.local(lake.adapter_dir(segment, "v1"))
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    files = {"adapter_model.safetensors": sha256(b"weights").hexdigest()}
    manifest = {
        "version": "v1", "segment": segment, "method": "lora", "dataset_fingerprint": "feed0001", "metrics": {"loss": 1.5},
        "base_model": {"name": "tiny", "sha256": None}, "files": files,
    }  # fmt: skip
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    made = Adapter("v1", segment, "lora", "tiny", "feed0001", files)
    steps: tuple[tuple[Kind, dict[str, Any]], ...] = (
        ("registered", {}), ("candidate", {}), ("canary", {"stage": 1, "share": 0.1}),
    )  # fmt: skip
    for kind, more in steps:
        append_event(lake, RegistryEvent(kind, made, SENSOR, "a benchmark", START, **more), now=START)


def day_of(day: date, rows: int, subjects: int, rng: np.random.Generator, *, served: bool) -> pa.Table:
    """Interactions of one day over all segments. served: a tenth of them by candidates."""
    columns = {field.name: pa.nulls(rows, field.type) for field in INTERACTION}

    def put(name: str, values: Any, mask: Any = None) -> None:
        columns[name] = pa.array(values, mask=mask).cast(INTERACTION.field(name).type)

    candidate = (rng.random(rows) < 0.1) & served
    seconds = rng.integers(0, 86_400, rows).astype("timedelta64[s]")
    put("interaction_id", [f"{day}-{number}" for number in range(rows)])
    for name, value in (
        ("source", "made"),
        ("source_file", "f"),
        ("question", "q"),
        ("answer", "a"),
        ("task", "tutoring"),
    ):
        put(name, [value] * rows)
    put("source_line", np.arange(rows))
    put("occurred_at", pa.array(np.datetime64(day, "us") + seconds).cast(pa.timestamp("us", "UTC")))
    put("language", np.array(LANGUAGES)[rng.integers(0, len(LANGUAGES), rows)])
    put("subject", np.array([f"s{number}" for number in range(subjects)])[rng.integers(0, subjects, rows)])
    put("user_pseudonym", np.array([f"u_{number:032x}" for number in range(USERS)])[rng.integers(0, USERS, rows)])
    put("experiment_arm", np.where(candidate, "candidate", "current"), mask=np.full(rows, not served))
    put("adapter_version", np.full(rows, "v1"), mask=~candidate)
    put("rating", rng.integers(3, 6, rows).astype(float), mask=rng.random(rows) > 0.3)
    put("response_time_ms", rng.lognormal(7.5, 0.4, rows))
    return pa.table([columns[field.name] for field in INTERACTION], schema=INTERACTION)


def tick(lake: Lake, cursor: Cursor, now: datetime) -> dict[str, float]:
    """One round: its seconds of processor and wall, and how many releases it looked at."""
    config, wall, processor = load_config().rollout, time.perf_counter(), time.process_time()
    found = go_round(lake, config, cursor, now=now, who=SENSOR)
    if found.troubles or found.canaries == 0:
        raise RuntimeError(f"the lake is not what the sensor expects: {found.summary}")
    return {
        "looked_at": len(found.visits), "processor": round(time.process_time() - processor, 2),
        "wall": round(time.perf_counter() - wall, 2),
    }  # fmt: skip


def measure(root: str, releases: int, rows: int, days: int, before: int) -> dict[str, Any]:
    """The ticks of a lake, in the order in which a sensor meets them."""
    lake, rng, subjects = Lake(root), np.random.default_rng(0), -(-releases // len(LANGUAGES))
    a_day = rows // days
    for number in range(releases):
        begin(lake, f"tutoring.{LANGUAGES[number % len(LANGUAGES)]}.s{number // len(LANGUAGES)}")

    def write(offset: int, count: int) -> None:
        day = (START + offset * DAY).date()
        lake.write_table(day_of(day, count, subjects, rng, served=offset >= 1), lake.interactions(day))

    for offset in range(-before, days + 1):
        write(offset, a_day)
    cursor, now = Cursor(), START + (days + 0.9) * DAY
    told = {"the first tick": tick(lake, cursor, now), "nothing new": tick(lake, cursor, now)}
    write(days, a_day)
    told["today written anew"] = tick(lake, cursor, now)
    write(days + 1, a_day // 10)
    told["a new day begins"] = tick(lake, cursor, now + 0.2 * DAY)
    return {"releases": releases, "rows": a_day * days, "rows_before": a_day * before, "ticks": told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=30)
    parser.add_argument("--rows", type=int, default=3_400_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--before", type=int, default=28)
    given = parser.parse_args()
    with TemporaryDirectory() as root:
        found = measure(root, given.releases, given.rows, given.days, given.before)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""Loading the code location: seconds in a fresh interpreter, beside importing dagster alone, and no torch in it.

python benchmarks/location.py
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "evaluate", "matplotlib")
LOCATION = f"import sys, lyo_pipelines.definitions; print(','.join(m for m in {HEAVY!r} if m in sys.modules))"


def seconds(code: str, runs: int = 5) -> tuple[float, str]:
    """Median wall seconds of a fresh interpreter and its last output."""
    times, output = [], ""
    for _ in range(runs + 1):
        began = time.perf_counter()
        output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:]), output  # the first run warms the disk cache


def main() -> None:
    location, heavy = seconds(LOCATION)
    dagster, _ = seconds("import dagster")
    result = {
        "location_seconds": location,
        "dagster_seconds": dagster,
        "ratio": location / dagster,
        "heavy_modules": heavy,
    }
    print(f"{'what':<28}{'seconds':>10}")
    print(f"{'import dagster':<28}{dagster:>10.2f}")
    print(f"{'load the code location':<28}{location:>10.2f}   ratio {location / dagster:.2f}")
    print(f"heavy modules loaded: {heavy or 'none'}")
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    (out / "location.json").write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

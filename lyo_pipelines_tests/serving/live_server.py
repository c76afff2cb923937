"""`lyo serve` as a real process, and a lake with adapters that it can serve."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyo_pipelines_tests.evaluation import sample_reports

SEGMENT = "tutoring.en.math"


@contextmanager
def served(data_dir: Path, *options: str) -> Iterator[str]:
    """Start the server on a free port and yield its address; stopped in order at the end."""
    command = [sys.executable, "-m", "lyo_pipelines.cli", "serve", "--port", "0", *options]
    environment = {**os.environ, "LYO_DATA_DIR": str(data_dir)}
    log = data_dir / "serve.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        try:
            assert first.startswith("http://127.0.0.1:"), f"{first}\n{process.stdout.read()}\n{log.read_text()}"
            yield first
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def published(data_dir: Path, base: Path, version: str, *, seed: int, segment: str = SEGMENT) -> Path:
    """A finished adapter in a lake, with checksums, as training leaves it; the newest of its segment."""
    folder = data_dir / "lake" / "adapters" / segment / version
    sample_reports.adapter(folder, base, base, seed=seed, scale=0.5)
    path = folder / "adapter_manifest.json"
    manifest = json.loads(path.read_text()) | {"segment": segment, "version": version, "method": "lora"}
    names = ("adapter_model.safetensors", "adapter_config.json")
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    path.write_text(json.dumps(manifest))
    (folder.parent / "latest.json").write_text(json.dumps({"version": version}))
    return folder

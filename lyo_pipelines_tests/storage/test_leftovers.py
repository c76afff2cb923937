"""Files with a temporary name go when they are old; caches under such a name stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.leftovers import sweep_leftovers

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def aged(path: Path, hours: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    at = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(path, (at, at))
    os.utime(path.parent, (at, at))
    return path


def test_only_old_temporary_names_are_removed(tmp_path):
    old = aged(tmp_path / "lake" / "a" / ".tmp-0123456789ab-part.parquet", 30)
    young = aged(tmp_path / "lake" / "b" / ".tmp-0123456789ab-part.parquet", 2)
    cache = aged(tmp_path / "lake" / "reports" / "x" / ".tmp-outputs" / "answers.jsonl", 900)
    file = aged(tmp_path / "lake" / "part.parquet", 900)
    going_on = aged(tmp_path / "lake" / "adapters" / ".tmp-0f0f0f0f-v" / "weights", 1)
    swept = sweep_leftovers(Lake(str(tmp_path)), now=NOW)
    assert [found.path for found in swept] == [old]
    assert swept[0].bytes == 4
    assert not old.exists()
    assert all(path.exists() for path in (young, cache, file, going_on))

"""Which report `lyo report` shows."""

from __future__ import annotations

import os
from pathlib import Path

from lyo_pipelines.commands.report import newest_report
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.contracts.reports_made import report

SEGMENT = "tutoring.en.math"


def test_the_newest_report_is_the_one_made_last_whatever_became_of_its_file_since(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    for version, made, touched in (("v1", "2026-10-02", 1_000), ("v2", "2026-10-01", 2_000)):
        folder = lake.local(lake.report_dir(SEGMENT, version))
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(report(version=version, created_at=f"{made}T00:00:00+00:00").to_json())
        os.utime(folder / "report.json", (touched, touched))
    found, folder = newest_report(lake, SEGMENT)
    assert (found.version, folder.name) == ("v1", "v1")

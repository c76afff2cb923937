"""Adapters with a report in a lake, and traffic written straight into its days."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.registry.log import read_release
from lyo_pipelines.rollout.routing import current_routing
from lyo_pipelines.rollout.selection import Query, choose_adapter
from lyo_pipelines.sample.traffic import Route
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import digest_of
from lyo_pipelines.training.versions import point_to
from lyo_pipelines_tests.contracts import reports_made
from lyo_pipelines_tests.registry.event_factory import SEGMENT

GATES = "evaluation: {gates: [{name: improves, metric: loss, against: base, require: better}]}\n"
"""One gate, so that a made report need hold one comparison only."""


def adapter(
    lake: Lake, version: str = "owner-1", segment: str = SEGMENT, *, base: str = "tiny", source: Path | None = None
) -> Path:
    """A finished adapter of which only the bytes matter, or one whose weights are copied from a real one."""
    folder = Path(lake.adapter_dir(segment, version))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        content = (source / name).read_bytes() if source else f"{name} of {version}".encode()
        (folder / name).write_bytes(content)
    manifest = {
        "version": version, "segment": segment, "method": "lora", "dataset_fingerprint": "feed0001", "metrics": {"loss": 1.5},
        "base_model": {"name": base, "sha256": None}, "files": {path.name: digest_of(path) for path in sorted(folder.iterdir())},
    }  # fmt: skip
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    point_to(lake, segment, version)
    return folder


def report(
    lake: Lake,
    version: str = "owner-1",
    segment: str = SEGMENT,
    *,
    verdict: str = "better",
    champion: str | None = None,
) -> None:
    """A finished report that passes the one gate, or does not. champion: it was made against (None: the registry's of now)."""
    serves = read_release(lake, segment).champion if champion is None else champion
    versions = {"base": "tiny", "candidate": version, **({"champion": serves} if serves else {})}
    made = reports_made.report(
        [reports_made.comparison(verdict)], segment=segment, version=version, model_versions=versions
    )
    lake.write_text(made.to_json(), f"{lake.report_dir(segment, version)}/report.json")


def ready(lake: Lake, version: str = "owner-1", segment: str = SEGMENT, **more: Any) -> None:
    """An adapter with a report that passes."""
    adapter(lake, version, segment, **more)
    report(lake, version, segment)


def interactions(lake: Lake, rows: Iterable[dict[str, Any]]) -> None:
    """Write sample rows of one day into the lake, as landing would have."""
    made = []
    for line, row in enumerate(rows):
        one = {name: row.get(name) for name in INTERACTION.names}
        times = {name: datetime.fromisoformat(one[name]) for name in ("occurred_at", "feedback_at") if one[name]}
        one |= {**times, "user_pseudonym": row["user_id"], "source": "made", "source_file": "f", "source_line": line}
        made.append(one)
    day = made[0]["occurred_at"].date()
    path = lake.interactions(day)
    before = lake.read_table(path).to_pylist() if lake.exists(path) else []
    lake.write_table(pa.Table.from_pylist([*before, *made], schema=INTERACTION), path)


def routed(lake: Lake, segment: str = SEGMENT) -> Route:
    """As a gateway that reads the routing sends users."""
    routing = current_routing(lake)

    def route(user: str) -> tuple[str | None, str | None]:
        choice = choose_adapter(routing, Query.of_segment(segment), user)
        return choice.arm, choice.adapter.version if choice.adapter else None

    return route

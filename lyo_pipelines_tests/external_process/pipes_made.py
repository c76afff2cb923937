"""What Dagster lays out for a process that it launches through Pipes: real files, read and written by dagster_pipes itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster_pipes
import pytest


@dataclass(frozen=True)
class PipesFiles:
    """The context that the process reads and the messages that it sends."""

    environment: dict[str, str]
    messages: Path

    def launch_this_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the test's own process one that Dagster launched; dagster_pipes keeps one context for each process, the first."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(dagster_pipes.PipesContext, "_instance", None)

    def sent(self, method: str) -> list[dict[str, Any]]:
        """Parameters of all messages of one method, oldest first."""
        lines = [json.loads(line) for line in self.messages.read_text(encoding="utf-8").splitlines()]
        return [line["params"] for line in lines if line["method"] == method]


def pipes_files(folder: Path, asset: str) -> PipesFiles:
    """Write the context of one asset's step; `environment` makes a process one that Dagster launched."""
    context, messages = folder / "context.json", folder / "messages.jsonl"
    data = {
        "asset_keys": [asset],
        "code_version_by_asset_key": {asset: None},
        "provenance_by_asset_key": {asset: None},
        "run_id": "r",
        "retry_number": 0,
        "extras": {},
        **dict.fromkeys(("partition_key", "partition_key_range", "partition_time_window", "job_name")),
    }
    context.write_text(json.dumps(data), encoding="utf-8")
    environment = {
        "DAGSTER_PIPES_CONTEXT": dagster_pipes.encode_param({"path": str(context)}),
        "DAGSTER_PIPES_MESSAGES": dagster_pipes.encode_param({"path": str(messages)}),
    }
    return PipesFiles(environment, messages)

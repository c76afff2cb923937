"""How we start a Python module in a process of its own. What its arguments mean belongs to whoever offers the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from lyo_pipelines.config.settings import PROJECT_ROOT

WORKING_DIRECTORY = PROJECT_ROOT
"""`python -m` looks in the working directory first: a caller's own folder must not stand before our packages."""


def module_command(module: str, *arguments: str, options: Mapping[str, object | None] | None = None) -> list[str]:
    """`python -m module argument … --option value …` with this very Python; options without a value (None) are left out."""
    command = [sys.executable, "-m", module, *arguments]
    for option, value in (options or {}).items():
        if value is not None:
            command += [option, str(value)]
    return command


def environment_of_part() -> dict[str, str]:
    """Our environment for a process that does a part of our work: what it finishes is no materialization of its own for Dagster."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_PIPES")}


def run_command(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout_seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of `module_command` to its end and keep what it prints; paths in it must be absolute.

    env: the whole environment (default: ours). Raises subprocess.TimeoutExpired when it takes longer; it is killed then.
    """
    return subprocess.run(
        command, cwd=WORKING_DIRECTORY, env=env, capture_output=True, text=True, timeout=timeout_seconds, check=False
    )

"""The process that trains by rewards: `python -m lyo_pipelines.reinforcement`, with the training engine's arguments and exit codes."""

from __future__ import annotations

import sys
from typing import Any

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.training.engine.__main__ import main as run_training
from lyo_pipelines.training.plan import TrainingResult


def main(arguments: list[str] | None = None) -> int:
    """Run one training by rewards; returns the exit code."""
    return run_training(arguments, reinforce=_reinforce)


def _reinforce(*arguments: Any, **options: Any) -> TrainingResult:
    from lyo_pipelines.reinforcement.training import reinforce  # loads torch

    # as delivered: an adapter's version names no other figures than its recipe's
    return reinforce(*arguments, evaluation=load_config().evaluation, **options)


if __name__ == "__main__":
    sys.exit(main())

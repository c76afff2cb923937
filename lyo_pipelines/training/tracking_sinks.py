"""The two trackers, told only what they are given: their clients add the user, the host, the script and its git state by themselves.

MLflow: the low-level client, whose runs carry no tag but ours (`mlflow.start_run` adds user, source and commit); SQLite where no
server is named (`./mlruns` raises in MLflow 3). Weights & Biases: offline where no server is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyo_pipelines.contracts.adapter import TrainingNote

_PARAMETERS = 90
"""MLflow takes 100 in one request."""


class MlflowSink:
    """A run of MLflow: experiment the segment, name the version. A training that goes on finds its run again by its tag."""

    def __init__(self, place: Path, uri: str | None, note: TrainingNote, figures: dict[str, str]) -> None:
        from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports] - an extra

        if uri is None:
            place.mkdir(parents=True, exist_ok=True)
        self.client: Any = MlflowClient(uri or f"sqlite:///{place / 'mlflow.db'}")
        experiment = self._experiment(note.segment, uri)
        found = self.client.search_runs([experiment], f"tags.`lyo.version` = '{note.version}'", max_results=1)
        if found:
            self.run = found[0].info.run_id
            self.client.update_run(self.run, status="RUNNING")
            return
        tags = {"lyo.version": note.version, "lyo.segment": note.segment, "lyo.dataset": note.dataset_fingerprint}
        self.run = self.client.create_run(experiment, run_name=note.version, tags=tags).info.run_id
        from mlflow.entities import Param  # pyright: ignore[reportMissingImports] - an extra

        pairs = [Param(name, value) for name, value in figures.items()]
        for start in range(0, len(pairs), _PARAMETERS):
            self.client.log_batch(self.run, params=pairs[start : start + _PARAMETERS])

    def _experiment(self, name: str, uri: str | None) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        # nothing is put there; without it a local store would name the working directory
        location = "mlflow-artifacts:/" if uri is None else None
        return str(self.client.create_experiment(name, artifact_location=location))

    def send(self, step: int, values: dict[str, float], at_ms: int) -> None:
        """Send what was measured at one step."""
        from mlflow.entities import Metric  # pyright: ignore[reportMissingImports] - an extra

        self.client.log_batch(self.run, metrics=[Metric(name, value, at_ms, step) for name, value in values.items()])

    def close(self, *, failed: bool) -> None:
        """Mark the run as ended."""
        self.client.set_terminated(self.run, status="FAILED" if failed else "FINISHED")


class WandbSink:
    """A run of Weights & Biases: project lyo_pipelines, group the segment, id the version."""

    def __init__(self, place: Path, uri: str | None, note: TrainingNote, figures: dict[str, str]) -> None:
        import wandb  # pyright: ignore[reportMissingImports] - an extra

        place.mkdir(parents=True, exist_ok=True)
        address: dict[str, Any] = {} if uri is None else {"base_url": uri}
        settings: Any = wandb.Settings(
            mode="offline" if uri is None else "online",
            console="off",
            disable_code=True,
            disable_git=True,
            save_code=False,
            disable_job_creation=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
            host="",
            username="",
            email="",
            program="lyo_pipelines",
            program_abspath="",
            program_relpath="",
            silent=True,
            **address,
        )
        self.run: Any = wandb.init(
            project="lyo_pipelines",
            group=note.segment,
            name=note.version,
            id=note.version,
            resume="allow" if uri else None,
            dir=str(place),
            config={**figures, "segment": note.segment, "dataset": note.dataset_fingerprint},
            settings=settings,
        )

    def send(self, step: int, values: dict[str, float], at_ms: int) -> None:
        """Send what was measured at one step; W&B stamps it itself."""
        self.run.log(values, step=step)

    def close(self, *, failed: bool) -> None:
        """Mark the run as ended."""
        self.run.finish(exit_code=1 if failed else 0)

"""Runs of fine-tuning jobs as the gateway sees them: found in the Dagster that runs by their tag. It keeps and launches nothing."""

from __future__ import annotations

from lyo_pipelines.client.trainings import run_as_told, running_client
from lyo_pipelines.fine_tuning.record import JOB_TAG
from lyo_pipelines.serving.documents import Run


class DagsterTunings:
    """See serving.tuning.standing.Tunings; the sensor `fine_tuning_sensor` launches what is found here."""

    def run_of(self, job: str) -> Run | None:
        """The newest run of a job. Raises ServerError, GraphQLError."""
        client = running_client()
        found = client.runs(limit=1, tags=[{"key": JOB_TAG, "value": job}])
        return run_as_told(client, found[0]) if found else None

    def stop(self, run_id: str) -> None:
        """Terminate a run; its training keeps a checkpoint. Raises ServerError, GraphQLError."""
        running_client().terminate(run_id)

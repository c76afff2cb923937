"""Trainings on documents as the gateway sees them: launched in the Dagster that runs, and read from it. It keeps nothing."""

from __future__ import annotations

from lyo_pipelines.client.graphql import Client, DagsterRun
from lyo_pipelines.client.server import ServerError, find_server
from lyo_pipelines.documents.contract import FIRST, SET_TAG, SETUP_TAG
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.training.plan import ADAPTER_TAG

_READ, _TRAIN = "read_documents", "retrain"
_MOST = 50


class DagsterTrainings:
    """See serving.documents.Trainings. A setup is the run that reads the documents; a sensor launches what follows from it."""

    def begin(self, name: str) -> str:
        """Read the set; the sensor `setups_sensor` trains on what comes of it. Raises ServerError, GraphQLError."""
        return running_client().launch(
            _READ, config={}, tags={SET_TAG: name, SETUP_TAG: FIRST, "lyo/why": "the gateway was asked to"}
        )

    def runs(self, setup: str | None) -> tuple[str, str, list[Run]]:
        """Of one setup, or the newest. Raises ServerError, GraphQLError."""
        client = running_client()
        wanted = {"runIds": [setup]} if setup is not None else {"tags": [{"key": SETUP_TAG, "value": FIRST}]}
        first = next(iter(client.runs(limit=1, pipelineName=_READ, **wanted)), None)
        if first is None or SET_TAG not in first.tags:
            return "", "", []
        trained = client.runs(limit=_MOST, pipelineName=_TRAIN, tags=[{"key": SETUP_TAG, "value": first.run_id}])
        return first.run_id, first.tags[SET_TAG], [run_as_told(client, run) for run in (first, *reversed(trained))]


def running_client() -> Client:
    """A client of the Dagster that runs. Raises ServerError."""
    server = find_server()
    if server is None:
        raise ServerError("Dagster does not run, so nothing can be trained.", hint="Start it with `lyo ui`.")
    return Client(server.url)


def run_as_told(client: Client, run: DagsterRun) -> Run:
    """A run as the gateway tells it."""
    state = "failed" if run.failed else "done" if not run.active else "running" if run.start else "waiting"
    step = next((key for key in reversed(run.steps) if run.steps[key][1] is not None), "")
    why = client.failure(run.run_id) if run.failed else ""
    return Run(run.run_id, run.job, state, run.segment, run.tags.get(ADAPTER_TAG, ""), step, why)

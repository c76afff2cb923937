"""The few GraphQL calls that the command needs: launch, look, terminate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree

LOCATION = "lyo_pipelines"
_REPOSITORY = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on InvalidSubsetError { message }
    ... on UnauthorizedError { message }
  }
}
"""
_RUNS = """
query ($filter: RunsFilter, $limit: Int) {
  runsOrError(filter: $filter, limit: $limit) {
    __typename
    ... on Runs { results { runId jobName status creationTime startTime endTime tags { key value }
      stepStats { stepKey status startTime endTime } } }
    ... on PythonError { message }
  }
}
"""
_FAILURE = """
query ($id: ID!) {
  logsForRun(runId: $id, limit: 1000) {
    ... on EventConnection { events { __typename ... on ExecutionStepFailureEvent { stepKey error { message causes { message } } }
      ... on RunFailureEvent { message }
      ... on LogMessageEvent { level message }
      ... on AssetCheckEvaluationEvent { evaluation { checkName success description } } } }
  }
}
"""


ACTIVE = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING", "MANAGED")
"""States of a run that has not ended."""


class GraphQLError(LyoError):
    """Dagster answered with an error; its message is passed on."""


@dataclass(frozen=True)
class DagsterRun:
    """One run as the API tells it; times are epoch seconds."""

    run_id: str
    job: str
    status: str
    start: float | None
    end: float | None
    steps: dict[str, tuple[str, float | None, float | None]]
    tags: dict[str, str] = field(default_factory=dict)
    created: float | None = None

    @property
    def segment(self) -> str:
        """The segment it is about; empty for runs of days."""
        return self.tags.get("dagster/partition", "")

    @property
    def active(self) -> bool:
        """Whether it is still queued or running."""
        return self.status in ACTIVE

    @property
    def failed(self) -> bool:
        """Whether it ended without success."""
        return self.status in {"FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Client:
    """A client of one Dagster webserver."""

    url: str

    def query(self, text: str, **variables: Any) -> dict[str, Any]:  # each query has an answer of its own shape
        """Run one query. Raises GraphQLError when Dagster does not answer or answers with errors."""
        try:
            response = httpx.post(f"{self.url}/graphql", json={"query": text, "variables": variables}, timeout=60)
            body = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise GraphQLError(f"Dagster at {self.url} does not answer ({error}). Is it still running?") from error
        if body.get("errors"):
            raise GraphQLError("; ".join(str(error.get("message")) for error in body["errors"]))
        return body["data"]

    def launch(self, job: str, *, config: ConfigTree, tags: dict[str, str], assets: Sequence[str] = ()) -> str:
        """Launch a job and return its run id. assets: those of its assets that are wanted; without them all are."""
        selector: dict[str, Any] = {
            "repositoryLocationName": LOCATION,
            "repositoryName": "__repository__",
            "jobName": job,
        }
        if assets:
            selector["assetSelection"] = [{"path": [asset]} for asset in assets]
        params = {
            "selector": selector,
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = self.query(_LAUNCH, params=params)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            reason = answer.get("message") or "; ".join(error["message"] for error in answer.get("errors", []))
            raise GraphQLError(f"{job} was not launched ({answer['__typename']}): {reason}")
        return answer["run"]["runId"]

    def runs(self, *, limit: int = 20, **run_filter: Any) -> list[DagsterRun]:
        """Newest runs first, filtered (`runIds=[…]`, `pipelineName=…`, `tags=[{key, value}]`, `statuses=[…]`)."""
        answer = self.query(_RUNS, filter=run_filter or None, limit=limit)["runsOrError"]
        if answer["__typename"] != "Runs":
            raise GraphQLError(str(answer.get("message", answer["__typename"])))
        return [
            DagsterRun(
                run_id=row["runId"],
                job=row["jobName"],
                status=row["status"],
                start=row["startTime"],
                end=row["endTime"],
                steps={s["stepKey"]: (s["status"] or "", s["startTime"], s["endTime"]) for s in row["stepStats"]},
                tags={tag["key"]: tag["value"] for tag in row["tags"]},
                created=row["creationTime"],
            )
            for row in answer["results"]
        ]

    def active_runs(self) -> list[DagsterRun]:
        """Runs that wait or work, newest first."""
        return self.runs(limit=100, statuses=list(ACTIVE))

    def last_materialized(self, asset: str) -> float:
        """When an asset without partitions was last materialized, in epoch seconds; 0 for never."""
        text = """
        query ($key: AssetKeyInput!) {
          assetOrError(assetKey: $key) { ... on Asset { assetMaterializations(limit: 1) { timestamp } } }
        }
        """
        found = self.query(text, key={"path": [asset]})["assetOrError"].get("assetMaterializations") or []
        return float(found[0]["timestamp"]) / 1000 if found else 0.0

    def segments(self) -> list[str]:
        """The segments that exist as partitions."""
        text = 'query { assetNodeOrError(assetKey: {path: ["train_split"]}) { ... on AssetNode { partitionKeys } } }'
        return list(self.query(text)["assetNodeOrError"].get("partitionKeys") or [])

    def stopped_sensors(self, names: Iterable[str]) -> list[str]:
        """Those of the sensors that do not run."""
        text = """
        query ($selector: RepositorySelector!) {
          sensorsOrError(repositorySelector: $selector) {
            __typename
            ... on Sensors { results { name sensorState { status } } }
          }
        }
        """
        found = self.query(text, selector=_REPOSITORY)["sensorsOrError"].get("results", [])
        running = {row["name"] for row in found if row["sensorState"]["status"] == "RUNNING"}
        return [name for name in names if name not in running]

    def add_segment(self, segment: str) -> None:
        """Make a segment a partition; an existing one is left as it is."""
        text = """
        mutation ($selector: RepositorySelector!, $key: String!) {
          addDynamicPartition(repositorySelector: $selector, partitionsDefName: "segments", partitionKey: $key) {
            __typename
            ... on PythonError { message }
            ... on UnauthorizedError { message }
          }
        }
        """
        answer = self.query(text, selector=_REPOSITORY, key=segment)["addDynamicPartition"]
        if answer["__typename"] not in {"AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError"}:
            raise GraphQLError(f"segment {segment} could not be added: {answer.get('message', answer['__typename'])}")

    def remove_segments(self, segments: list[str]) -> None:
        """Take segments out of the partitions; what was built of them stays in the lake."""
        text = """
        mutation ($selector: RepositorySelector!, $keys: [String!]!) {
          deleteDynamicPartitions(repositorySelector: $selector, partitionsDefName: "segments", partitionKeys: $keys) {
            __typename
            ... on PythonError { message }
            ... on UnauthorizedError { message }
          }
        }
        """
        answer = self.query(text, selector=_REPOSITORY, keys=segments)["deleteDynamicPartitions"]
        if answer["__typename"] != "DeleteDynamicPartitionsSuccess":
            raise GraphQLError(f"the partitions were not removed: {answer.get('message', answer['__typename'])}")

    def failure(self, run_id: str) -> str:
        """Why a run failed, in its own words."""
        events = self.query(_FAILURE, id=run_id)["logsForRun"].get("events", [])
        checks, said, steps, runs = [], [], [], []
        for event in events:
            kind = event["__typename"]
            if kind == "AssetCheckEvaluationEvent" and not event["evaluation"]["success"]:
                checks.append(
                    f"check {event['evaluation']['checkName']}: {event['evaluation'].get('description') or 'failed'}"
                )
            elif kind == "LogMessageEvent" and event["level"] in {"ERROR", "CRITICAL"}:
                said.append(event["message"].strip())  # what a training or evaluation process says of its end
            elif kind == "ExecutionStepFailureEvent" and event.get("error"):
                causes = event["error"].get("causes") or []
                steps.append(f"{event['stepKey']}: {(causes[-1] if causes else event['error'])['message'].strip()}")
            elif kind == "RunFailureEvent":
                runs.append(event["message"].strip())
        reasons = [*checks, *said, *steps] or runs
        return "\n".join(reasons) or "no reason was recorded"

    def terminate(self, run_id: str) -> None:
        """Ask a run to stop in order (training writes a checkpoint first)."""
        self.query("mutation ($id: String!) { terminateRun(runId: $id) { __typename } }", id=run_id)

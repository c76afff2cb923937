"""A training in a job of a cluster: what is asked for, what is refused, and that no secret is sent along."""

from __future__ import annotations

import shlex
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import dagster as dg
import pytest

from lyo_pipelines.cluster.connection import ClusterError
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.defs import training_place
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.training.plan import ADAPTER_TAG, training_command

COMMAND = training_command("/lake/a b/recipe.yaml", "/lake/d", "/lake/o", "/lake/m")


def store(tmp_path, section: str) -> Store:
    path = tmp_path / "config.yaml"
    path.write_text(f"cluster: {{{section}}}")
    return Store(data_dir=str(tmp_path), config_path=str(path))


def test_a_process_here_trains_unless_a_cluster_is_asked_for(tmp_path):
    pipes, context = Mock(), Mock()
    training_place.run_training(context, pipes, store(tmp_path, "curation: true"), COMMAND, "v1")
    pipes.run.assert_called_once_with(context=context, command=COMMAND)


def test_a_job_is_the_same_command_with_the_python_of_the_nodes_and_is_sent_no_secret(monkeypatch):
    monkeypatch.setenv("LYO_PSEUDONYM_KEY", "a secret of sixteen bytes")
    monkeypatch.setenv("LYO_PG_PASSWORD", "another")
    monkeypatch.setenv("LYO_SHARED_WITH", "group")
    cluster = load_config(None).cluster.model_copy(update={"training_gpus": 2, "training_python": "/opt/py thon"})
    asked = training_place.job_parameters(COMMAND, cluster, "v1")
    assert shlex.split(asked["entrypoint"]) == ["/opt/py thon", *COMMAND[1:]]
    assert asked["entrypoint_num_gpus"] == 2
    assert asked["metadata"] == {ADAPTER_TAG: "v1"}
    sent = asked["runtime_env"]["env_vars"]
    assert sent["LYO_SHARED_WITH"] == "group"
    assert sent["RAY_JOB_STOP_WAIT_TIME_S"] == str(cluster.stop_seconds)
    assert not {"LYO_PSEUDONYM_KEY", "LYO_PG_PASSWORD"} & sent.keys()


def test_a_second_job_for_an_adapter_that_one_trains_is_refused():
    def job(version: str, *, ended: bool) -> SimpleNamespace:
        status = SimpleNamespace(is_terminal=lambda: ended)
        return SimpleNamespace(metadata={ADAPTER_TAG: version}, status=status, submission_id="pipes-abc")

    jobs = [job("v1", ended=True), job("v2", ended=False), SimpleNamespace(metadata=None, status=None)]
    client = SimpleNamespace(client=SimpleNamespace(list_jobs=lambda: jobs))
    training_place._require_alone(client, "v1")
    with pytest.raises(ClusterError, match="by the Ray job pipes-abc"):
        training_place._require_alone(client, "v2")


def test_a_training_that_a_cluster_cannot_take_fails_without_retries(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(dg.Failure, match="Ray is not installed") as raised:
        training_place.run_training(Mock(), Mock(), store(tmp_path, "training: true"), COMMAND, "v1")
    assert raised.value.allow_retries is False


def test_a_job_server_that_does_not_answer_is_said(tmp_path, monkeypatch):
    pytest.importorskip("dagster_ray", reason="dagster-ray is not installed (extra `ray`)")
    monkeypatch.setenv("LYO_RAY_JOBS_ADDRESS", "http://127.0.0.1:1")
    with pytest.raises(dg.Failure, match="job server of the Ray cluster does not answer"):
        training_place.run_training(Mock(), Mock(), store(tmp_path, "training: true"), COMMAND, "v1")

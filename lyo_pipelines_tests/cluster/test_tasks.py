"""What is said when a cluster fails beyond its retries; tasks that go well are shown by the days."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lyo_pipelines.cluster import tasks
from lyo_pipelines.cluster.connection import ClusterError
from lyo_pipelines.config.loading import load_config

CONFIG = load_config(None).cluster


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("WorkerCrashedError", "died 4 times"),
        ("OutOfMemoryError", "died 4 times"),
        ("RaySystemError", "Every node needs the same version"),
    ],
)
def test_deaths_and_what_a_node_lacks_are_errors_that_say_what_to_do(name, said):
    exceptions = pytest.importorskip("ray.exceptions", reason="Ray is not installed (extra `ray`)")
    made = getattr(exceptions, name)
    error = made() if name == "WorkerCrashedError" else made("first line\nmany more")

    def get(_: object) -> None:
        raise error

    with pytest.raises(ClusterError, match=said) as raised:
        tasks._result(SimpleNamespace(get=get, exceptions=exceptions), None, CONFIG)
    assert "many more" not in str(raised.value)

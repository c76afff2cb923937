"""What holds for every test: threads of tiny models, no hub, and device locks apart from those of this machine's trainings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lyo_pipelines_tests.object_storage import ObjectServer
    from lyo_pipelines_tests.postgres import PostgresServer

pytest_plugins = ["lyo_pipelines_tests.hypothesis_profile"]

# tiny models gain nothing from threads, and threads that spin lose a lot beside other tests;
# read when torch is loaded, here and in every process that a test starts
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LYO_LOCK_DIR", tempfile.mkdtemp(prefix="lyo-locks-"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started by the first test that asks for it."""
    from lyo_pipelines_tests.postgres import running_server

    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """A real S3 server, started by the first test that asks for it; the environment names it."""
    from lyo_pipelines_tests.object_storage import running_object_server

    with running_object_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        patch.setenv("LYO_LOCAL_DIR", str(tmp_path_factory.mktemp("local")))
        yield server

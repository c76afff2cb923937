"""A real Ray cluster of two worker processes on this machine, started by the first test of this folder that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lyo_pipelines.cluster.connection import LOCAL, ClusterError, connected


@pytest.fixture(scope="package")
def cluster() -> Iterator[None]:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    with ExitStack() as stack:
        try:
            stack.enter_context(connected(LOCAL, local_workers=2))
        except ClusterError as error:
            if "imed out" not in str(error):
                raise
            pytest.skip(f"this machine is too busy to start Ray ({error})")
        yield

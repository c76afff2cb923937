"""A real Ray cluster of two worker processes on this machine, started by the first test of this folder that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lyo_pipelines.cluster.connection import LOCAL, connected


@pytest.fixture(scope="package")
def cluster() -> Iterator[None]:
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    with connected(LOCAL, local_workers=2):
        yield

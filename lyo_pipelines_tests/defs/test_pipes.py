"""Messages of child processes arrive whole, however they are torn while they are written."""

import itertools
import sys
from pathlib import Path

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.defs.pipes import whole_lines
from lyo_pipelines.defs.resources import pipes_client

CHILD = """
import json, os, time
from dagster_pipes import PipesFileMessageWriterChannel, open_dagster_pipes

def torn(self, message):  # as a slow disk or a busy machine would write it
    line = (json.dumps(message) + "\\n").encode()
    with open(self._path, "ab", buffering=0) as handle:
        for start in range(0, len(line), 4096):
            handle.write(line[start : start + 4096])
            time.sleep(0.05)

PipesFileMessageWriterChannel.write_message = torn
with open_dagster_pipes() as pipes:
    pipes.report_asset_materialization(metadata={"picture": {"raw_value": "x" * 20_000, "type": "text"}})
"""


@given(text=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60)))
def test_lines_do_not_depend_on_how_they_arrive(text: bytes, cuts: list[int]):
    borders = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    parts = [text[a:b] for a, b in itertools.pairwise(borders)]
    assert list(whole_lines(parts)) == text.split(b"\n")[:-1]


def test_a_message_that_is_written_in_pieces_arrives_whole(tmp_path: Path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)

    @dg.asset
    def drawn(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        return pipes.run(context=context, command=[sys.executable, str(script)]).get_results()

    result = dg.materialize([drawn], resources={"pipes": pipes_client()})
    assert result.success
    metadata = result.asset_materializations_for_node("drawn")[0].metadata
    assert len(str(metadata["picture"].value)) == 20_000

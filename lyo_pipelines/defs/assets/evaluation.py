"""`eval_report`: base, candidate and current adapter on the same held-out items."""

from __future__ import annotations

import json

import dagster as dg

from lyo_pipelines.dataset.versions import latest
from lyo_pipelines.defs.assets.training import GPU_POOL, adapter
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.command import EVALUATION_CODE_VERSION, evaluation_command
from lyo_pipelines.training.plan import latest_adapter

GROUP = "evaluation"


@dg.asset(
    partitions_def=SEGMENTS,
    group_name=GROUP,
    owners=["team:evaluation"],
    kinds={"pytorch", "markdown"},
    deps=[adapter, "test_split"],
    pool=GPU_POOL,
    code_version=EVALUATION_CODE_VERSION,
    description=(
        "Base, candidate and (if there is one) the current adapter on the same test items. Every difference comes with a 95 % "
        "interval from a paired bootstrap over groups, corrected for many comparisons, and a verdict: better, worse or cannot tell."
    ),
)
def eval_report(context: dg.AssetExecutionContext, store: Store, pipes: dg.PipesSubprocessClient):
    """Start the evaluation process and pass on what it reports."""
    lake, segment = store.lake(), context.partition_key
    candidate = latest_adapter(lake, segment)
    dataset = latest(lake, segment)
    output = lake.local(lake.report_dir(segment, candidate.version))
    output.mkdir(parents=True, exist_ok=True)
    figures_path = output / "figures.json"
    figures_path.write_text(json.dumps(store.figures().evaluation.model_dump(mode="json"), indent=2), encoding="utf-8")
    command = evaluation_command(
        dataset_dir=lake.local(dataset.path),
        adapter_dir=candidate.path,
        champion_dir=None,
        output_dir=output,
        models_dir=store.models_dir(),
        figures_path=figures_path,
    )
    return pipes.run(context=context, command=command).get_results()

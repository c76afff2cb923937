"""What segments cost, on the pages of `eval_report` (one of them) and `segment_health` (all): a picture by month, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import dagster as dg

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.costs.money import told, total
from lyo_pipelines.costs.past_runs import past_reports, past_runs, read_reports
from lyo_pipelines.costs.plots import months_plot
from lyo_pipelines.costs.spent import CostLine, budget_of, by_month, chosen, cost_lines
from lyo_pipelines.defs.metadata import Metadata, metadata_table
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.lake import Lake

SHOWN = 15
"""Lines of the table, newest month first; `lyo cost` prints all."""


def cost_metadata(
    instance: dg.DagsterInstance, lake: Lake, config: CostsConfig, now: datetime, segment: str | None = None
) -> Metadata:
    """What a segment (None: all of them) cost; nothing where nothing was spent."""
    try:
        runs = past_runs(lake, Path(lake.local(lake.side("models"))))
        lines = cost_lines(lake, runs, past_reports(read_reports(lake), runs), config, now)
    except (LyoError, OSError) as error:  # what was built stands; its cost must not fail it
        return {"cost_not_shown": str(error)}
    mine = chosen(lines, segment=segment)
    if not mine:
        return {}
    shown: Metadata = {}
    sums = total(line.money for line in mine if line.money)
    for currency in sums:
        if png := months_plot(by_month(mine, currency, config.rates), currency, segment or "all segments"):
            shown["cost_by_month"] = picture(instance, png, f"what {segment or 'all segments'} cost by month")
            break
    budget = budget_of(lines, f"{now:%Y-%m}", config)
    return {
        **shown,
        "cost": told(sums),
        **({"budget_of_the_month": budget.says} if budget else {}),
        "cost_lines": metadata_table(
            map(_row, _priced_first(mine)[:SHOWN]), ["month", "segment", "kind", "amount", "cost"]
        ),
    }


def _priced_first(lines: Sequence[CostLine]) -> list[CostLine]:
    return sorted(lines, key=lambda line: line.money is None)


def _row(line: CostLine) -> dict[str, str]:
    return {
        "month": line.month, "segment": line.segment, "kind": line.kind,
        "amount": f"{line.quantity:.3g} {line.unit}", "cost": str(line.money or "not priced"),
    }  # fmt: skip

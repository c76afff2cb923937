"""The only room that imports Dagster: read, call a room below, report. Logic of a stage does not belong here.

Modules that define assets, checks and sensors do without `from __future__ import annotations`: Dagster looks at the annotations
of `context` and of resources themselves, not at their text.
"""

from __future__ import annotations

import warnings

import dagster as dg

# used knowingly: backfill policies (beta) and partitioned asset checks (preview), both covered by tests
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category, module=r"(dagster|lyo_pipelines)\..*")

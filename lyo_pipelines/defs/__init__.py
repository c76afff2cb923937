"""The only room that imports Dagster: read, call a room below, report. Logic of a stage does not belong here."""

from __future__ import annotations

import warnings

import dagster as dg

# used knowingly: backfill policies (beta) and partitioned asset checks (preview), both covered by tests
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category, module=r"dagster\..*")

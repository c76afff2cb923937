"""The code location: what `dagster dev`, `dg dev` and the daemon load. It holds nothing but the definitions."""

from __future__ import annotations

from lyo_pipelines.defs.build import build_defs

defs = build_defs()

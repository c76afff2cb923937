"""The code location: what `dagster dev`, `dg dev` and the daemon load. It holds nothing but the definitions."""

from __future__ import annotations

from lyo_pipelines.external_process.environment import loading

with loading():
    from lyo_pipelines.config.settings import Settings
    from lyo_pipelines.defs.build import build_defs
    from lyo_pipelines.private_files import write_privately

    write_privately(group=Settings.from_env().group_reads)
    defs = build_defs()

"""Where the demo lives: data and a Dagster of its own, so that the sample and a team's logs never mix."""

from __future__ import annotations

import os

from lyo_pipelines.client.home import shipped_home
from lyo_pipelines.config.settings import PROJECT_ROOT, variable

DEMO_DATA = PROJECT_ROOT / "data" / "demo"


def use_demo_place() -> None:
    """Have this process and those that it starts work on the demo, with its triggers on.

    Whoever names a data directory (LYO_DATA_DIR) has chosen the place: then neither it nor Dagster's home is touched.
    """
    os.environ.setdefault(
        variable("triggers"), "on"
    )  # whoever opens the demo again gets what it had: its release is watched
    if os.environ.get(variable("data_dir")):
        return
    os.environ[variable("data_dir")] = str(DEMO_DATA)
    if not os.environ.get("DAGSTER_HOME"):
        os.environ["DAGSTER_HOME"] = str(shipped_home() / "demo")

"""Resources: where the lake is, which configuration holds, and how a child process is started."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.dataset import DataManifest
from lyo_pipelines.curation.inputs import StaleDaysError, require_current_rules
from lyo_pipelines.dataset.row_figures import require_current_figures
from lyo_pipelines.dataset.versions import Version, latest_version
from lyo_pipelines.defs.pipes import WholeLinesReader
from lyo_pipelines.external_process.command import WORKING_DIRECTORY
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.divergence import DivergedError, require_not_diverged


class Store(dg.ConfigurableResource):
    """The data lake and the configuration of this installation; empty fields come from LYO_DATA_DIR and LYO_CONFIG.

    The pseudonym key is no field: what a field holds stands in the record of every run that sets it.
    """

    data_dir: str = ""
    config_path: str = ""

    def settings(self) -> Settings:
        """Settings with this resource's fields laid over the environment's."""
        given = {"data_dir": self.data_dir, "config": self.config_path}
        given = {name: value for name, value in given.items() if value}
        if self.data_dir:  # another data directory's figures are not this one's
            given.setdefault("config", "")
        return Settings.from_env(**given)

    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.settings().data_dir)

    def pseudonyms(self) -> Pseudonyms | None:
        """The pseudonyms of the lake, where their key is known."""
        key = self.settings().known_pseudonym_key
        return Pseudonyms(key) if key else None

    def load_config(self) -> Config:
        """The configured values with the user's file laid over them."""
        return load_config(self.settings().config_path)

    def models_dir(self) -> Path:
        """Where converted base models are kept."""
        return models_dir(self.lake())


def current_dataset(lake: Lake, segment: str) -> Version:
    """The segment's current dataset version; without one the run fails with what to do, and is not retried."""
    version = latest_version(lake, segment)
    if version is None:
        raise dg.Failure(f"{segment} has no dataset version yet: materialize train_split first.", allow_retries=False)
    return version


def refuse_stale(lake: Lake, config: Config, data: DataManifest) -> None:
    """Fail, without retries, where data to learn from was made by other figures than those of now."""
    try:
        require_current_rules(lake, config.curation)
        validity = load_curriculum(lake).validity
        require_current_figures(lake, data, config.dataset, config.curation, config.documents, validity=validity)
    except StaleDaysError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def refuse_repetition(output: Path) -> None:
    """Fail, without retries, where this very training diverged before: the same recipe on the same data would do so again."""
    try:
        require_not_diverged(output)
    except DivergedError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def pipes_client() -> dg.PipesSubprocessClient:
    """Children run in the project's folder; a terminated run gives them 25 s to write a clean checkpoint."""
    return dg.PipesSubprocessClient(
        cwd=str(WORKING_DIRECTORY), termination_timeout_seconds=25, message_reader=WholeLinesReader()
    )

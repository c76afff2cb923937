"""Near-duplicate labels of distinct question texts, made once for the same texts. Finding near duplicates is curation's."""

from __future__ import annotations

import numpy as np

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters


class QuestionClusters:
    """Clusters distinct texts with curation's configuration, and keeps the newest answer.

    The labels are a pure function of the texts. So when a build checks the files it has just written, and the texts read back from
    them are exactly those that it clustered before, clustering them again would only cost time.
    """

    def __init__(self, config: CurationConfig) -> None:
        """Start without an answer."""
        self._config = config
        self._keys: np.ndarray | None = None
        self._labels = np.zeros(0, np.int64)

    def labels(self, keys: np.ndarray, texts: list[str]) -> np.ndarray:
        """Return the cluster label (int64) of each of M distinct texts.

        keys: (M,) uint64, the texts' member keys, ascending: the texts always come in one order, and equal keys mean equal texts.
        """
        if self._keys is None or not np.array_equal(self._keys, keys):
            self._labels = (
                np.asarray(near_duplicate_clusters(texts, self._config), np.int64) if texts else np.zeros(0, np.int64)
            )
            self._keys = keys
        return self._labels

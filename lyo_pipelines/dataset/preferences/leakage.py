"""Does preference data hold anything of a test split? Found again from the written files; the builder's belief is not consulted."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.preferences.contract import KINDS, SPLITS
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion
from lyo_pipelines.dataset.question_texts import asked_questions, normalise_texts
from lyo_pipelines.dataset.versions import Version, read_split
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

NAME = "no_test_item_in_preferences"


def no_test_item(
    lake: Lake, preferences: PreferenceVersion, dataset: Version, config: DatasetConfig, curation: CurationConfig
) -> DatasetCheckResult:
    """No question of the preference data is one of the test split's, or a near duplicate of one.

    Questions shorter than `question_min_characters` are asked everywhere and say nothing.
    """
    learnt = sorted(_questions(lake, preferences, config))
    test = read_split(lake, dataset.segment, dataset.fingerprint, "test", ["messages"])["messages"].combine_chunks()
    held_out = sorted(_long_enough(asked_questions(test, config)[0], config))
    texts = [*learnt, *held_out]
    labels = np.asarray(near_duplicate_clusters(texts, curation), np.int64) if texts else np.zeros(0, np.int64)
    shared = np.intersect1d(labels[: len(learnt)], labels[len(learnt) :])
    found = len(shared)
    told = f"{found} questions of the preference data are test items" if found else "no question is a test item"
    return DatasetCheckResult(
        NAME, not found, f"{told} ({len(learnt)} and {len(held_out)} distinct questions)", {"shared_questions": found}
    )


def _questions(lake: Lake, preferences: PreferenceVersion, config: DatasetConfig) -> set[str]:
    paths = (f"{preferences.path}/{kind}_{split}.parquet" for kind in KINDS for split in SPLITS)
    return set(chain.from_iterable(_long_enough(_last(lake.read_table(path)["messages"]), config) for path in paths))


def _last(prompts: pa.ChunkedArray) -> pa.Array:
    """The last message of each prompt: the question."""
    return pa.array([messages[-1]["content"] for messages in prompts.to_pylist()], pa.string())


def _long_enough(texts: pa.Array, config: DatasetConfig) -> set[str]:
    wording = normalise_texts(texts)
    solid = pc.replace_substring(wording, " ", "")
    return set(wording.filter(pc.greater_equal(pc.utf8_length(solid), config.question_min_characters)).to_pylist())

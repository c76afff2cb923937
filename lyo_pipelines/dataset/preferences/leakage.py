"""Does preference data hold anything of a test split? Found again from the written files; the builder's belief is not consulted."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.leak_search import content, everyday_words, near_pairs, plain_words, wording
from lyo_pipelines.dataset.leakage import EVERYDAY
from lyo_pipelines.dataset.preferences.contract import KINDS, SPLITS
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion
from lyo_pipelines.dataset.versions import Version, read_split
from lyo_pipelines.storage.lake import Lake

NAME = "no_test_item_in_preferences"


def no_test_item(
    lake: Lake, preferences: PreferenceVersion, dataset: Version, config: DatasetConfig
) -> DatasetCheckResult:
    """No question of the preference data is one of the test split's, or nearly equal to one with the same numbers.

    Questions shorter than `question_min_characters` (in a later turn `later_question_min_characters`), words that everybody says
    aside, are asked everywhere and say nothing.
    """
    learnt = {asked for prompts in _prompts(lake, preferences) for asked in _asked(prompts.to_pylist())}
    test = read_split(lake, dataset.segment, dataset.fingerprint, "test", ["messages"])["messages"].to_pylist()
    held_out = set(_asked([messages[:-1] for messages in test]))
    everyday = everyday_words(([words] for words, _ in learnt | held_out), EVERYDAY * config.common_share)
    enough = (config.question_min_characters, config.later_question_min_characters)
    measured = [
        {
            read: size
            for words, later in side
            if (size := content(words, (read := wording(words))[0], everyday)) >= enough[later]
        }
        for side in (learnt, held_out)
    ]
    ours, theirs = (sorted(side) for side in measured)
    contents = [measured[0][one] for one in ours] + [measured[1][one] for one in theirs]
    near = near_pairs([*ours, *theirs], contents, [0] * len(ours) + [1] * len(theirs))
    found = len({*set(ours).intersection(theirs), *(theirs[max(pair) - len(ours)] for pair in near)})
    told = f"{found} questions of the preference data are test items" if found else "no question is a test item"
    counted = f"({len(ours)} and {len(theirs)} distinct questions)"
    return DatasetCheckResult(NAME, not found, f"{told} {counted}", {"shared_questions": found})


def _prompts(lake: Lake, preferences: PreferenceVersion) -> Iterator[pa.ChunkedArray]:
    for kind in KINDS:
        for split in SPLITS:
            yield lake.read_table(f"{preferences.path}/{kind}_{split}.parquet")["messages"]


def _asked(prompts: list[list[dict[str, str]]]) -> Iterator[tuple[str, bool]]:
    """(plain words of the question, whether others came before it) of each prompt."""
    for messages in prompts:
        yield plain_words(messages[-1]["content"]), sum(message["role"] == "user" for message in messages) > 1

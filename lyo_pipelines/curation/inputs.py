"""What a curated day was made from, as one signature.

Raw rows, rules, schemas of tasks, configuration, word lists, and the decisions that touch the day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

from lyo_pipelines.config.curation import MACHINE_KEYS, CurationConfig
from lyo_pipelines.curation.review import Review, decisions_signature, read_queue
from lyo_pipelines.curation.rules import RULES, RULES_VERSION
from lyo_pipelines.curation.task_answers import formats_signature
from lyo_pipelines.curation.wordlists import Wordlists, load_wordlists
from lyo_pipelines.errors import LyoError
from lyo_pipelines.images.reading_text import reader_name
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import inputs_of, made_from

_NOT_BY_DAY = frozenset({"segment_minimum_interactions", "user_cap"})


_NOT_ON_ROWS = ("quality_", "removed_", "review_excerpt_")
"""Prefixes of figures that judge or show rows and never choose or change one that is learnt from."""


class StaleDaysError(LyoError):
    """Curated days were made by other figures, rules or review decisions than those of now, so nothing is learnt from them."""


def rules_signature(config: CurationConfig, lists: Wordlists) -> str:
    """A digest of everything but the rows: it changes with a rule, a task's schema, a figure of a day's curation or a word list."""
    ignored = {
        name
        for name in type(config).model_fields
        if name in MACHINE_KEYS | _NOT_BY_DAY or name.startswith(("near_duplicate_", "quality_"))
    }
    relevant = config.model_dump(mode="json", exclude=ignored)
    names = [rule.name for rule in RULES]
    said = [RULES_VERSION, names, formats_signature(), relevant, lists.signature]
    if config.images.learn_from:  # whether the text in pictures can be read, and by what, decides about rows
        said.append(reader_name())
    text = json.dumps(said, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def raw_signature(lake: Lake, day: date) -> str:
    """A digest of one raw day from its Parquet footer: what it was built from, or (where it does not say) size and time.

    Raises DamagedTableError, or FileNotFoundError where the day is not there.
    """
    path = lake.interactions(day)
    if (says := made_from(lake, path)) is None:
        raise FileNotFoundError(path)
    told = says.inputs or str(lake.fs.ukey(path))
    return sha256(f"{told} {says.rows}".encode()).hexdigest()[:16]


def day_signature(lake: Lake, day: date, config: CurationConfig, lists: Wordlists, queue: Iterable[Review]) -> str:
    """What a curated day must have been made from to be up to date."""
    return _signature(lake, day, rules_signature(config, lists), queue)


def _signature(lake: Lake, day: date, rules: str, queue: Iterable[Review]) -> str:
    return f"{raw_signature(lake, day)}-{rules}-{decisions_signature(queue, day)}"


def built_from(lake: Lake, day: date) -> str | None:
    """What a curated day says it was made from; None when there is none, empty when its file is damaged."""
    return inputs_of(lake, lake.examples(day))


def stale_days(lake: Lake, config: CurationConfig) -> list[date]:
    """Days whose raw rows, rules, configuration, word lists or review decisions are not those that their examples were made from."""
    queue, rules = read_queue(lake), rules_signature(config, load_wordlists(lake))
    stale = []
    for day in lake.days("interactions"):
        try:
            wanted = _signature(lake, day, rules, queue)
        except DamagedTableError:  # raw_interactions, which are stale too, come first
            wanted = None
        if built_from(lake, day) != wanted:
            stale.append(day)
    return stale


def days_of_other_rules(lake: Lake, config: CurationConfig) -> list[date]:
    """Curated days that other figures, rules, word lists or review decisions made than those of now, and that can be made anew.

    Rows that landed since do not count: what was curated before is still right without them.
    """
    lists, queue = load_wordlists(lake), read_queue(lake)
    rules = rules_signature(config, lists)
    return [
        day
        for day in lake.days("examples")
        if (built_from(lake, day) or "").partition("-")[2] != f"{rules}-{decisions_signature(queue, day)}"
        and lake.exists(lake.interactions(day))
    ]


def days_without_examples(lake: Lake) -> list[date]:
    """Days that were curated and whose examples are not there now: lost, or never finished. What lies beside them is written first."""
    there = set(lake.days("examples"))
    return [
        day
        for day in lake.days("examples", name="")
        if day not in there and lake.exists(lake.examples(day, "disliked")) and lake.exists(lake.interactions(day))
    ]


def require_current_rules(lake: Lake, config: CurationConfig) -> None:
    """Raises StaleDaysError where a curated day is gone, damaged, or was made by other figures, rules or review decisions than now."""
    stale = days_of_other_rules(lake, config)
    damaged = [day for day in stale if _is_damaged(lake, lake.examples(day))]
    for days, says in (
        (days_without_examples(lake), "curated, and the examples are gone"),
        (damaged, "curated, and the file of the examples is damaged"),
        (stale, "curated with other figures, rules or review decisions than those of now"),
    ):
        if not days:
            continue
        first, last = days[0].isoformat(), days[-1].isoformat()
        which = f"1 day ({first}) was" if len(days) == 1 else f"{len(days):,} days ({first} to {last}) were"
        raise StaleDaysError(f"{which} {says}, so nothing is learnt from them", hint="`lyo build` builds them anew.")


def _is_damaged(lake: Lake, path: str) -> bool:
    try:
        made_from(lake, path)
    except DamagedTableError:
        return True
    return False


def row_figures(config: CurationConfig, lists: Wordlists) -> JsonObject:
    """Every figure of curation that chooses, changes or weighs what is learnt, by name, with its value; word lists by a digest."""
    figures = config.model_dump(mode="json", exclude=set(MACHINE_KEYS))
    kept = {name: value for name, value in figures.items() if not name.startswith(_NOT_ON_ROWS)}
    return {**kept, "rules": RULES_VERSION, "word_lists": lists.signature}

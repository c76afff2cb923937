"""From examples to ties: which keys each example has, and which of its texts tie it to other examples.

What ties: the conversation, the source question, a picture (image_ties.py), and every text that is an exercise (question_texts.py
lists the candidates):

- what the student asked first, however short, behind what common_parts.py finds before it; a long later question, too;
- the material of a question (a context is often the exercise, and the question only "explain this");
- a short question beside material, or after others, where few conversations hold it: one that many hold ("why?") is asked everywhere.

Equal letters and numbers tie (comparable_texts.py), and near duplicates do (clustering.py). Questions that differ in their numbers
alone are one group as long as they are few (`number_variants`). Splitting groups is splits.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.contracts.dataset import NearDuplicateCounts
from lyo_pipelines.curation.text_sets import bounded, changed_texts, distinct_texts, picked_texts, slices, text_sizes
from lyo_pipelines.dataset.clustering import wording_clusters
from lyo_pipelines.dataset.common_parts import held_by, without_common_parts
from lyo_pipelines.dataset.comparable_texts import comparable_words, letters_and_numbers, text_keys
from lyo_pipelines.dataset.contract import SPLIT_STRATUM
from lyo_pipelines.dataset.courtesies import without_courtesies
from lyo_pipelines.dataset.earlier_keys import earlier_text_keys
from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.image_ties import image_keys, image_pairs
from lyo_pipelines.dataset.question_texts import ASKED, CONTEXT, FORMULA, JOINED, MATERIAL, STEM, question_texts
from lyo_pipelines.dataset.split_statistics import stratum_names
from lyo_pipelines.interactions.chats.pairing import IMAGE_ONLY
from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import give_back, offsets_and_values, pc
from lyo_pipelines.storage.working_space import working_texts
from lyo_pipelines.tasks.messages import MESSAGE_COLUMNS, OPENING, messages_column

GROUPING_COLUMNS = (
    "interaction_id",
    "conversation_id",
    "question_id",
    "turn",
    "segment",
    "system_prompt",
    "context",
    "history",
    "question",
    "images",
    *SPLIT_STRATUM,
)
COMMON_AT_LEAST = 8
"""Conversations that must hold a part before it can be common: in fewer, a share says nothing."""
WEAK = 6
"""Letters and digits from which a short text can be a question; one with a number always can."""
FEW = 5
"""A short question that so few conversations hold is never taken for one that is asked everywhere."""


@dataclass(frozen=True)
class Ties:
    """own: (N,) uint64 interaction keys. pairs: (E, 2) uint64 keys that belong together. near: counts of the clusters.

    stratum: (N,) codes of the strata, in the order of their names.
    """

    own: np.ndarray
    pairs: np.ndarray
    stratum: np.ndarray
    near: NearDuplicateCounts


_NAMES = pa.dictionary(pa.int32(), pa.string())
_NO_TEXTS = pa.array([], pa.string())


@dataclass(frozen=True)
class DayTies:
    """Ties of one day's N examples.

    own: (N,) interaction keys. unit: (N,) what counts as one when a text is counted: the source question, else the conversation, else
    the interaction. linked: (N,) whether the row names a conversation; late: (N,) a later turn of one, whose history is not known.
    pairs: keys that belong together whatever the texts say. row, kind, order, last, text: the day's texts as in QuestionTexts, `text`
    a position in `texts`, the distinct texts as comparable words. pictured: own keys of the examples of the day's P pictures, with
    picture, the key of each one's file, and looks, its hash. earlier: (E, 2) own keys and known keys of earlier versions.
    stratum, segment: (N,) names.
    """

    own: np.ndarray
    unit: np.ndarray
    linked: np.ndarray
    late: np.ndarray
    pairs: np.ndarray
    row: np.ndarray
    kind: np.ndarray
    order: np.ndarray
    last: np.ndarray
    text: np.ndarray
    texts: pa.Array
    pictured: np.ndarray
    picture: np.ndarray
    looks: np.ndarray
    earlier: np.ndarray
    stratum: pa.Array
    segment: pa.Array


def day_ties(table: pa.Table, config: DatasetConfig, known: np.ndarray) -> DayTies:
    """Find keys and texts of one day's examples (columns GROUPING_COLUMNS), in the order of the rows.

    known: the keys that earlier versions remember, ascending.
    """
    columns = {name: table[name].combine_chunks() for name in GROUPING_COLUMNS}
    rows, own = member_keys("i", columns["interaction_id"])
    if len(rows) != table.num_rows:
        raise ValueError("an example without interaction_id cannot be remembered from version to version")
    unit, linked = own.copy(), np.zeros(len(own), bool)
    pairs = []
    for kind, name in (("c", "conversation_id"), ("q", "question_id")):
        rows, keys = member_keys(kind, columns[name])
        pairs.append(np.column_stack([own[rows], keys]))
        unit[rows] = keys
        linked[rows] |= kind == "c"
    row, picture, looks = image_keys(columns["images"])
    messages, opening = _spoken(table)
    material = [(CONTEXT, columns["context"]), (MATERIAL, columns["system_prompt"]), (MATERIAL, opening)]
    found = question_texts(messages, material, config)
    words = comparable_words(found.text).dictionary_encode()
    spoken = np.bincount(found.row[found.kind == ASKED], minlength=len(own))
    turn = pc.fill_null(columns["turn"], 0).to_numpy(zero_copy_only=False)
    return DayTies(
        own=own,
        unit=unit,
        linked=linked,
        late=(turn > 0) & (spoken <= 1) & linked,
        pairs=np.concatenate(pairs),
        row=found.row,
        kind=found.kind,
        order=found.order,
        last=found.last,
        text=words.indices.to_numpy().astype(np.int64),
        texts=words.dictionary,
        pictured=own[row],
        picture=picture,
        looks=looks,
        earlier=_earlier(own, found.row, found.kind, found.text, known),
        stratum=stratum_names(table, SPLIT_STRATUM).combine_chunks().dictionary_encode(),
        segment=columns["segment"].dictionary_encode(),
    )


def _spoken(table: pa.Table) -> tuple[pa.ListArray, pa.Array]:
    """The chat as it will be written, without system prompt, context and answer; and what the assistant opened it with."""
    nothing = pa.nulls(table.num_rows, pa.string())
    # that a picture came without words is no text by which two questions could be the same
    said = {"history": _worded(table["history"].combine_chunks()), "question": _without_only(table["question"])}
    columns = {name: said.get(name, nothing) for name in MESSAGE_COLUMNS}
    messages = messages_column(pa.table(columns), lambda _: "")
    offsets, flat = offsets_and_values(messages)
    return messages, pc.replace_substring(flat.field("content").take(pa.array(offsets[:-1])), OPENING, "")


def _without_only(texts: Any) -> Any:
    return pc.if_else(pc.equal(texts, IMAGE_ONLY), "", texts)


def _worded(history: pa.ListArray) -> pa.ListArray:
    """Histories without what stands for pictures that came without words."""
    flat = history.flatten()
    if not pc.any(pc.equal(flat.field("content"), IMAGE_ONLY)).as_py():
        return history
    offsets, flat = offsets_and_values(history)
    told = pa.StructArray.from_arrays([flat.field("role"), _without_only(flat.field("content"))], fields=list(MESSAGE))
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), told)


def _earlier(own: np.ndarray, row: np.ndarray, kind: np.ndarray, text: pa.Array, known: np.ndarray) -> np.ndarray:
    if not len(known):
        return np.zeros((0, 2), np.uint64)
    spoken = np.flatnonzero((kind == ASKED) | (kind == STEM))
    where, keys = earlier_text_keys(text.take(pa.array(spoken)))
    remembered = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys
    return np.column_stack([own[row[spoken[where[remembered]]]], keys[remembered]])


def all_ties(days: Iterable[DayTies], config: DatasetConfig, curation: CurationConfig) -> Ties:
    """Join the days and return everything that ties examples together.

    From `curation.mapped_from_bytes` on the texts lie on disk.
    """
    mapped_from = curation.mapped_from_bytes
    whole = _joined(days, mapped_from)
    give_back()
    left = without_common_parts(
        whole.texts,
        whole.unit[whole.row],
        whole.text,
        _codes(whole.segment)[whole.row],
        share=config.common_share,
        least=COMMON_AT_LEAST,
        mapped_from=mapped_from,
    )
    left = changed_texts(left, without_courtesies, mapped_from)
    tying = _tying(whole, left, config)
    used, place = np.unique(whole.text[tying], return_inverse=True)
    # a text of which nothing is left is compared as it stands
    compared = working_texts(_or_whole(left, whole.texts, used), mapped_from)
    del left
    keys, names = _keys(compared), _keys(picked_texts(whole.texts, used, mapped_from))
    row = whole.row[tying]
    pairs = [whole.pairs, _kept_earlier(whole), np.column_stack([whole.own[row], keys[place]])]
    pairs.append(image_pairs(whole.pictured, whole.picture, whole.looks))
    pairs.append(np.column_stack([keys, names])[keys != names])  # the whole wording is remembered, too
    own, stratum = whole.own, _codes(whole.stratum)
    del whole
    near, counts = _near_duplicates(compared, keys, place, row, len(own), config, curation)
    return Ties(own, np.concatenate([*pairs, near]), stratum, counts)


def _or_whole(left: pa.Array, texts: pa.Array, used: np.ndarray) -> Iterator[pa.Array]:
    """What is left of the texts at the positions `used`, some at a time; a text of which nothing is left, whole."""
    for some in bounded(text_sizes(texts, used)):
        here = pa.array(used[some])
        rest = left.take(here)
        yield pc.if_else(pc.equal(rest, ""), texts.take(here), rest)


def _keys(texts: pa.Array) -> np.ndarray:
    """Member keys of comparable words, none of them empty."""
    return np.concatenate([np.zeros(0, np.uint64), *(text_keys(part.cast(pa.string()))[1] for part in slices(texts))])


def _codes(names: pa.DictionaryArray) -> np.ndarray:
    rank = np.argsort(np.argsort(np.array(names.dictionary.to_pylist(), object), kind="stable"), kind="stable")
    return rank[names.indices.to_numpy()].astype(np.int64) if len(names) else np.zeros(0, np.int64)


def _joined(days: Iterable[DayTies], mapped_from: int) -> DayTies:
    """All days as one; each distinct text once."""
    parts, sizes = list[DayTies](), list[int]()

    def texts() -> Iterator[pa.Array]:
        for part in days:
            parts.append(replace(part, texts=_NO_TEXTS))
            sizes.append(len(part.texts))
            yield part.texts

    every = working_texts(texts(), mapped_from)
    used, code = distinct_texts(every, mapped_from)
    starts = np.cumsum([0, *(len(part.own) for part in parts)])
    text_starts = np.cumsum([0, *sizes])
    empty = np.zeros((0, 2), np.uint64)

    def joined(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, kind), *(getattr(part, name) for part in parts)])

    return DayTies(
        own=joined("own", np.uint64),
        unit=joined("unit", np.uint64),
        linked=joined("linked", bool),
        late=joined("late", bool),
        pairs=np.concatenate([empty, *(part.pairs for part in parts)]),
        row=np.concatenate([np.zeros(0, np.int64), *(part.row + s for part, s in zip(parts, starts, strict=False))]),
        kind=joined("kind", np.int8),
        order=joined("order", np.int64),
        last=joined("last", bool),
        text=code[
            np.concatenate([np.zeros(0, np.int64), *(p.text + s for p, s in zip(parts, text_starts, strict=False))])
        ],
        texts=picked_texts(every, used, mapped_from),
        pictured=joined("pictured", np.uint64),
        picture=joined("picture", np.uint64),
        looks=joined("looks", np.uint64),
        earlier=np.concatenate([empty, *(part.earlier for part in parts)]),
        stratum=pa.chunked_array([part.stratum for part in parts], _NAMES).unify_dictionaries().combine_chunks(),
        segment=pa.chunked_array([part.segment for part in parts], _NAMES).unify_dictionaries().combine_chunks(),
    )


def _kept_earlier(whole: DayTies) -> np.ndarray:
    """Ties by keys of earlier versions, but for texts that very many examples share: those were greetings and instructions."""
    keys, where, count = np.unique(whole.earlier[:, 1], return_inverse=True, return_counts=True)
    few = np.maximum(FEW, len(whole.own) // 10)
    return whole.earlier[(count <= few)[where]] if len(keys) else whole.earlier


def _tying(whole: DayTies, left: pa.Array, config: DatasetConfig) -> np.ndarray:
    """Positions among the texts of those that tie their row to others.

    left: each distinct text without its common parts.
    """
    solid = _solid(left)[whole.text]
    numbers = pc.match_substring_regex(left, "[0-9]").to_numpy(zero_copy_only=False)[whole.text]
    strong, weak = solid >= config.question_min_characters, (solid >= WEAK) | numbers
    kind, row, n = whole.kind, whole.row, len(whole.own)
    units = len(np.unique(whole.unit))
    rare = held_by(whole.unit[row], whole.text, len(left)) <= max(FEW, config.filler_share * units)
    rare = rare[whole.text]

    def having(mask: np.ndarray) -> np.ndarray:
        return np.bincount(row[mask], minlength=n).astype(bool)

    context = kind == CONTEXT
    # behind a heading, as behind every common part, little can be the exercise
    headed = _solid(whole.texts)[whole.text] >= config.question_min_characters
    found = context & (strong | (headed & weak))
    long = solid >= config.later_question_min_characters
    found |= (kind == MATERIAL) & (long | (strong & (numbers | rare)))  # a shorter one may be a greeting of the tutor
    found |= (kind == STEM) & (solid >= config.stem_min_characters)
    found |= ((kind == JOINED) | (kind == FORMULA)) & (solid > 0)
    asked = np.flatnonzero((kind == ASKED) & ~(whole.late[row]))
    worth = np.where(strong, 0, np.where(weak, 1, np.where(whole.last & (solid > 0), 2, 3)))[asked]
    ranked = asked[np.lexsort((whole.order[asked], worth, row[asked]))]
    first = np.ones(len(ranked), bool)
    first[1:] = row[ranked[1:]] != row[ranked[:-1]]
    root = ranked[first]
    root = root[solid[root] > 0]
    beside = having(context & (solid > 0))[row[root]]
    found[root] |= strong[root] | ~beside | rare[root]
    later = (kind == ASKED) & whole.last
    later[root] = False
    found |= later & (solid >= config.later_question_min_characters)
    found |= later & weak & rare & _asked_first(whole, root)
    return np.flatnonzero(found | _nothing_else(whole, found, solid))


def _solid(words: pa.Array) -> np.ndarray:
    """Letters and digits of each text."""
    counts = [
        pc.utf8_length(pc.replace_substring(part, " ", "")).to_numpy(zero_copy_only=False) for part in slices(words)
    ]
    return np.concatenate([np.zeros(0, np.int32), *counts]).astype(np.int32)


def _asked_first(whole: DayTies, root: np.ndarray) -> np.ndarray:
    """Of each text, whether some conversation begins with it."""
    begins = np.zeros(len(whole.texts), bool)
    begins[whole.text[root[whole.last[root]]]] = True
    return begins[whole.text]


def _nothing_else(whole: DayTies, found: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """The question of each row that has no other text and whose conversation has no other row: it is all there is to compare."""
    names, where, count = np.unique(whole.unit, return_inverse=True, return_counts=True)
    alone = (count[where] == 1) | ~whole.linked if len(names) else np.zeros(0, bool)
    tied = np.bincount(whole.row[found | (solid > 0)], minlength=len(whole.own)).astype(bool)
    worded = pc.not_equal(whole.texts, "").to_numpy(zero_copy_only=False)[whole.text]
    return (whole.kind == ASKED) & whole.last & worded & (alone & ~tied)[whole.row]


def _near_duplicates(
    compared: pa.Array,
    keys: np.ndarray,
    place: np.ndarray,
    row: np.ndarray,
    rows: int,
    config: DatasetConfig,
    curation: CurationConfig,
) -> tuple[np.ndarray, NearDuplicateCounts]:
    """Return ((P, 2) pairs of keys that tie near duplicates together, figures about them).

    compared, keys: distinct texts and their keys; place, row: which text ties which of `rows` rows.
    """
    mapped_from = curation.mapped_from_bytes
    wording, numbers = (
        changed_texts(compared, lambda part, n=n: letters_and_numbers(part)[n], mapped_from) for n in (0, 1)
    )
    template = wording_clusters(wording, curation)
    number = distinct_texts(numbers, mapped_from)[1]
    labels = np.unique(template * max(len(compared), 1) + number, return_inverse=True)[1]
    if config.number_variants == "together":
        held = np.sort(np.unique(template[place] * max(rows, 1) + row)) // max(rows, 1)
        few = np.bincount(held, minlength=len(compared)) <= max(FEW, config.number_variants_share * rows)
        joint = len(compared) + template
        labels = np.where(few[template], joint, labels)
    return near_duplicate_pairs(keys, labels)


def near_duplicate_pairs(keys: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, NearDuplicateCounts]:
    """Return ((P, 2) pairs of keys that tie each cluster together, figures about the clusters).

    keys, labels: (M,), one per distinct text.
    """
    order = np.argsort(labels, kind="stable")
    same = labels[order][1:] == labels[order][:-1]
    pairs = np.column_stack([keys[order][:-1][same], keys[order][1:][same]])
    sizes = np.unique(labels, return_counts=True)[1]
    several = sizes[sizes > 1]
    return pairs.astype(np.uint64), NearDuplicateCounts(
        distinct_texts=len(keys),
        clusters_of_several=len(several),
        texts_in_them=int(several.sum()),
        largest=int(sizes.max(initial=0)),
    )

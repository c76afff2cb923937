"""Versions of data without the erased, under fingerprints of their own; reports without their items; exports gone.

Nobody else's example changes its split: the rows that are left stay where they were, and the memory of what was held out is taken over
whole. An old fingerprint leads to the version that stands in for it.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.contracts.dataset import MANIFEST, DatasetManifest, FunnelStep, PreferenceManifest
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.dataset.card import dataset_card
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.preferences.contract import KINDS
from lyo_pipelines.dataset.preferences.contract import SPLITS as PREFERENCE_SPLITS
from lyo_pipelines.dataset.split_statistics import SplitStatistics
from lyo_pipelines.dataset.versions import replaced_path
from lyo_pipelines.dataset.written_files import record_of
from lyo_pipelines.erasure.reach import Reach, preferences_mask, theirs
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.json_types import is_dict, is_list
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting

RULE = "erased"


def stage_versions(lake: Lake, reach: Reach, rewriting: Rewriting) -> Counter[str]:
    """Stage them all; how much of what."""
    done = Counter[str]()
    for segment, fingerprint in reach.versions:
        _stage_dataset(lake, reach, rewriting, segment, fingerprint)
        done["dataset versions"] += 1
    for segment, fingerprint in reach.preferences:
        _stage_preferences(lake, reach, rewriting, segment, fingerprint)
        done["versions of preference data"] += 1
    for segment, fingerprint in [*reach.versions, *reach.preferences]:
        exported = lake.path("exports", segment, fingerprint)
        if lake.exists(exported):
            rewriting.remove(exported)
            done["exports"] += 1
        if sent := lake.names(lake.path("hosted", segment, fingerprint)):
            done["hosted jobs whose files and models are to be deleted at the provider"] += len(sent)
        searches = lake.path("searches", segment, fingerprint)
        if lake.exists(searches):  # their trials learnt from it, and nobody needs a trial any more
            rewriting.remove(searches)
            done["searches"] += 1
    done["reports"] = _stage_reports(lake, reach, rewriting)
    return done


def _stage_dataset(lake: Lake, reach: Reach, rewriting: Rewriting, segment: str, fingerprint: str) -> None:
    folder = lake.dataset_dir(segment, fingerprint)
    manifest = DatasetManifest.parse(lake.read_bytes(f"{folder}/{MANIFEST}"), f"{folder}/{MANIFEST}")
    kept, gone, measures = dict[str, pa.Table](), Counter[str](), SplitStatistics()
    groups = dict[str, int]()
    for code, split in enumerate(SPLITS):
        table = lake.read_table(f"{folder}/{split}.parquet")
        mask = theirs(table, "interaction_id", reach.interactions) | theirs(table, "example_id", reach.examples)
        gone.update(table.filter(pa.array(mask))["segment"].to_pylist())
        kept[split] = table.filter(pa.array(~mask))
        measures.add(kept[split], np.full(len(kept[split]), code, np.int8))
        groups[split] = len(kept[split]["group_id"].unique())
    new = _fingerprint(manifest.task_format.version, kept)
    target = lake.dataset_dir(segment, new)
    removed = lake.read_table(f"{folder}/removed.parquet")
    removed = removed.filter(pa.array(~theirs(removed, "example_id", reach.examples)))
    staged = {
        f"{split}.parquet": rewriting.replace_table(
            f"{target}/{split}.parquet", table, rows=_rows(lake, f"{folder}/{split}.parquet")
        )
        for split, table in kept.items()
    }
    staged["removed.parquet"] = rewriting.replace_table(f"{target}/removed.parquet", removed)
    staged["groups.parquet"] = rewriting.replace_bytes(
        f"{target}/groups.parquet", lake.read_bytes(f"{folder}/groups.parquet")
    )
    counted, total = measures.counts(), gone.total()
    remaining = sum(counted.rows.values())
    told = manifest.model_copy(
        update={
            "fingerprint": new,
            "segments": {key: count - gone[key] for key, count in manifest.segments.items()},
            "remembers": tuple(sorted({*manifest.remembers, f"{segment}/{fingerprint}"})),
            "files": {name: record_of(lake, path) for name, path in staged.items()},
            "counts": counted.rows,
            "strata": counted.strata,
            "strata_not_listed": counted.strata_not_listed,
            "examples_by_day": counted.days,
            "lengths": counted.lengths,
            "validity": counted.validity,
            "expires": counted.expires,
            "images": counted.images,
            "groups": manifest.groups.model_copy(
                update={
                    "groups": sum(groups.values()),
                    "by_split": groups,
                    "largest": tuple(one for one in manifest.groups.largest if _holds(kept, one.group_id)),
                }
            ),
            "funnel": (*manifest.funnel, FunnelStep(rule=RULE, removed=total, remaining=remaining)),
            "removed_by_rule": {**manifest.removed_by_rule, RULE: manifest.removed_by_rule.get(RULE, 0) + total},
        }
    )
    rewriting.replace_bytes(f"{target}/README.md", dataset_card(told))
    rewriting.replace_bytes(f"{target}/{MANIFEST}", told.to_json())
    _stand_in(lake, rewriting, folder, new, f"{lake.dataset_dir(segment)}/latest.json", fingerprint)


def _stage_preferences(lake: Lake, reach: Reach, rewriting: Rewriting, segment: str, fingerprint: str) -> None:
    folder = lake.preferences_dir(segment, fingerprint)
    manifest = PreferenceManifest.parse(lake.read_bytes(f"{folder}/{MANIFEST}"), f"{folder}/{MANIFEST}")
    kept = dict[str, pa.Table]()
    counts: dict[str, dict[str, dict[str, int]]] = {kind: {} for kind in KINDS}
    for kind in KINDS:
        for split in PREFERENCE_SPLITS:
            table = lake.read_table(f"{folder}/{kind}_{split}.parquet")
            table = table.filter(pa.array(~preferences_mask(table, reach)))
            kept[f"{kind}_{split}"] = table
            values = table["label"].to_pylist() if kind == "kto" else table["kind"].to_pylist()
            named = Counter({True: "good", False: "bad"}.get(value, value) for value in values)
            counts[kind][split] = {str(name): count for name, count in named.items()}
    new = _fingerprint(f"preferences without {fingerprint}", kept)
    target = lake.preferences_dir(segment, new)
    staged = {
        f"{name}.parquet": rewriting.replace_table(f"{target}/{name}.parquet", table) for name, table in kept.items()
    }
    staged["groups.parquet"] = rewriting.replace_bytes(
        f"{target}/groups.parquet", lake.read_bytes(f"{folder}/groups.parquet")
    )
    told = manifest.model_copy(
        update={
            "fingerprint": new,
            "remembers": tuple(sorted({*manifest.remembers, f"preferences:{segment}/{fingerprint}"})),
            "files": {name: record_of(lake, path) for name, path in staged.items()},
            "kto": counts["kto"],
            "dpo": counts["dpo"],
            "answers": manifest.answers - reach.preferences[segment, fingerprint],
        }
    )
    rewriting.replace_bytes(f"{target}/{MANIFEST}", told.to_json())
    _stand_in(lake, rewriting, folder, new, f"{lake.preferences_dir(segment)}/latest.json", fingerprint)


def _stand_in(lake: Lake, rewriting: Rewriting, folder: str, new: str, pointer: str, old: str) -> None:
    """The old folder says only what stands in for it; a pointer to it moves on."""
    for name in lake.names(folder):
        rewriting.remove(f"{folder}/{name}")
    rewriting.replace_bytes(replaced_path(folder), json.dumps({"by": new}) + "\n")
    if lake.exists(pointer):
        told = lake.read_json(pointer)
        if is_dict(told) and told.get("fingerprint") == old:
            rewriting.replace_bytes(pointer, json.dumps({**told, "fingerprint": new}, indent=2) + "\n")


def _fingerprint(version: str, tables: dict[str, pa.Table]) -> str:
    """Of the examples that are left, and how they were written: no build comes to the same one."""
    digest = sha256(version.encode())
    for example in sorted(example for table in tables.values() for example in table["example_id"].to_pylist()):
        digest.update(b"\n" + example.encode())
    return digest.hexdigest()[:16]


def _holds(tables: dict[str, pa.Table], group: str) -> bool:
    return any(group in table["group_id"].to_pylist() for table in tables.values())


def _rows(lake: Lake, path: str) -> int:
    footer = lake.table_footer(path)
    return footer.row_group(0).num_rows if footer.num_row_groups else 0


def _stage_reports(lake: Lake, reach: Reach, rewriting: Rewriting) -> int:
    """Reports that quote an item of theirs, without it; kept answers of models, which are a cache, go whole."""
    total = 0
    for segment in lake.names(lake.path("reports")):
        cache = f"{lake.report_dir(segment)}/.tmp-outputs"
        if any(key[0] == segment for key in reach.versions) and lake.exists(cache):
            rewriting.remove(cache)
        for version in lake.names(lake.report_dir(segment)):
            folder = lake.report_dir(segment, version)
            path, items = f"{folder}/report.json", f"{folder}/items.parquet"
            changed = False
            if lake.exists(items):
                table = lake.read_table(items)
                mask = theirs(table, "item_id", reach.examples)
                if changed := bool(mask.any()):
                    rewriting.replace_table(items, table.filter(pa.array(~mask)))
            if lake.exists(path):
                before = lake.read_json(path)
                told = _without_items(before, reach.examples | reach.interactions)
                if told != before:
                    changed = True
                    report = Report.parse(json.dumps(told), path)
                    rewriting.replace_bytes(path, report.to_json())
                    rewriting.replace_bytes(f"{folder}/report.md", render_report(report))
            total += changed
    return total


def _without_items(value: Any, gone: set[str]) -> Any:
    """JSON without the objects of lists that are about one of the items, and without the ids themselves."""
    if is_dict(value):
        return {key: _without_items(inner, gone) for key, inner in value.items() if key not in gone}
    if is_list(value):
        kept = [
            inner
            for inner in value
            if not (is_dict(inner) and any(isinstance(v, str) and v in gone for v in inner.values()))
        ]
        return [_without_items(inner, gone) for inner in kept if not (isinstance(inner, str) and inner in gone)]
    return value

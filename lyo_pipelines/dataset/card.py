"""README.md of a version: a dataset card in the form of the Hugging Face hub, for a reader who knows nothing of us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from lyo_pipelines.contracts.dataset import BenchmarkRecord, DatasetManifest, figure_text
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.scope import DOCUMENTS
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.tasks.base import language_name

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_RULES = {
    "repeated_example": "the same example stood in the input twice",
    "segment_minimum": "the segment had too few interactions",
    "judged_low": "the same answer to the same question is rated low on the whole",
    "exact_duplicate": "the same question and answer came again on another day",
    "user_cap": "one user already had as many examples as one user may have",
    "benchmark_overlap": "the example, its conversation or its source question repeats a registered benchmark",
    "expired": "what it teaches holds no more (edition, academic year or document), so it is not trained on",
    "not_yet_valid": "what it teaches does not hold yet, so it is not trained on",
    "merged_into_held_out": "its group turned out to belong to held-out data, after it had been trained on",
}
STRATA_SHOWN = 25


def dataset_card(manifest: DatasetManifest) -> str:
    """Return the card's Markdown, with its YAML header."""
    counts = manifest.counts
    total = sum(counts.values())
    sections = [
        f"---\n{_header(manifest, total)}---\n",
        f"# {manifest.segment}, version {manifest.fingerprint}\n",
        f"{total:,} {_what(manifest)} in three splits. Made for fine-tuning and evaluating adapters of this segment.\n",
        _sources(manifest.segments),
        "## Sizes\n",
        _table(
            ("split", "examples", "share", "groups"),
            (
                (name, f"{counts[name]:,}", f"{counts[name] / total:.1%}", f"{manifest.groups.by_split[name]:,}")
                for name in SPLITS
            ),
        ),
        _lengths(manifest.lengths),
        "## How it was made\n",
        f"{_made(manifest)} Then, over all of them together:\n",
        _table(
            ("rule", "removed", "remaining", "meaning"),
            (
                (
                    step.rule,
                    f"{step.removed:,}",
                    f"{step.remaining:,}",
                    _RULES.get(step.rule, "see the curation rules"),
                )
                for step in manifest.funnel
            ),
        ),
        "Examples that share a conversation, a source question id or an exercise (nearly the same wording) are one group, and a "
        "group is never in two splits. A group keeps its split in every later version; new ones are dealt out within language, "
        "subject and grade, drawn by a keyed hash.\n",
        _groups(manifest),
        _validity(manifest.validity, manifest.expires),
        _pictures(manifest.images),
        _figures(manifest.row_figures),
        "## Composition\n",
        f'By {", ".join(manifest.strata_by)} ("-": not known):\n',
        _table(
            ("stratum", *SPLITS), (_stratum(name, row) for name, row in list(manifest.strata.items())[:STRATA_SHOWN])
        ),
        _more(len(manifest.strata) + manifest.strata_not_listed - STRATA_SHOWN),
        "## Leakage\n",
        _table(
            ("check", "result", "finding"),
            (
                (
                    check.name,
                    "passed" if check.passed else "FAILED" if check.blocking else "warning",
                    check.message,
                )
                for check in manifest.leakage
            ),
        ),
        _benchmarks(manifest.benchmarks),
        "## Fields\n",
        "`example_id`, `group_id` (resample by it: examples of a group are not independent), `interaction_id`, "
        "`conversation_id`, `turn` (from 0), `occurred_at` (UTC), `language` (as written), `subject`, `topic`, `grade`, "
        "`reasoning_mode`, `question_id`, `reference_answer` (where the source knows a checkable result), `segment` "
        "(where the example comes from), `context` (material given with the question), `messages` (role "
        "and content; the last one is the assistant's answer), `weight` (how much the example counts in training).\n",
        "## Known limits\n",
        "- Answers were chosen by user ratings and rules, not verified one by one; a rated answer can be wrong.\n"
        "- Whoever asks, rates and returns is not a random sample of students.\n"
        "- Personal data is found by patterns and names known to the log; a name that nothing gives away can remain.\n"
        "- Near duplicates are found by wording (n-grams and edits): the same question in other words is not recognised.\n"
        "- The benchmark check knows registered benchmarks only, and not their translations or paraphrases.\n"
        "- When the same examples come again with another rating, this version is reused as it is.\n",
        "## Licence and contact\n",
        f"Licence: {manifest.figures.licence}. {_contact(manifest.figures.contact)}\n",
        f"Made {manifest.created_at.isoformat()}; task format {manifest.task_format.version}; "
        f"parent version {manifest.parent or 'none'}. `manifest.json` holds all of this for programs.\n",
    ]
    return "\n".join(section for section in sections if section)


def _pictures(images: Mapping[str, int]) -> str:
    if not images:
        return ""
    counts = ", ".join(f"{count:,} of {split}" for split, count in images.items())
    return (
        f"Examples that show pictures: {counts}. Their messages hold U+FFFC for each picture, and `images` names the files in "
        "`lake/images`, which are not in this folder. Only a model that sees may learn them.\n"
    )


def _header(manifest: DatasetManifest, total: int) -> str:
    segment = parse_parent(manifest.segment)
    size = next((name for limit, name in _SIZES if total < limit), "n>10M")
    header = {
        "pretty_name": f"{manifest.segment} {manifest.fingerprint}",
        "language": sorted({language.split("_")[0] for language in _languages(manifest)}),
        "license": manifest.figures.licence,
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "tags": [part for part in ("chat", segment.task, segment.facet) if part],
        "configs": [
            {"config_name": "default", "data_files": [{"split": name, "path": f"{name}.parquet"} for name in SPLITS]}
        ],
    }
    return yaml.safe_dump(header, sort_keys=False, allow_unicode=True)


def _languages(manifest: DatasetManifest) -> list[str]:
    """Languages of the segments in the version."""
    parsed = [parse_parent(key) for key in manifest.segment_keys]
    return sorted({segment.language for segment in parsed if segment.language})


def _what(manifest: DatasetManifest) -> str:
    segment = parse_parent(manifest.segment)
    languages = " and ".join(language_name(code) for code in _languages(manifest)) or "no language"
    facet = f", {segment.facet}" if segment.facet else ""
    if segment.task == DOCUMENTS:
        return f"pieces of documents ({languages}{facet}), as plain text or question and answer,"
    return (
        f"questions that people asked an AI assistant ({segment.task}, {languages}{facet}) with the answers that were good "
        "enough to learn from, as chat messages"
    )


def _sources(segments: dict[str, int]) -> str:
    if len(segments) < 2:
        return ""
    rows = ((key, f"{count:,}") for key, count in segments.items())
    return "Made of several segments:\n\n" + _table(("segment", "curated examples"), rows)


def _made(manifest: DatasetManifest) -> str:
    days, sets = manifest.source_days, manifest.document_sets
    told = []
    if days:
        told.append(
            f"Interactions of {len(days)} days ({days[0]} to {days[-1]}) were curated day by day: well rated (or long and "
            "unobjected) answers only, personal data replaced by typed placeholders, language and wording checked."
        )
    if sets:
        told.append(f"Documents ({', '.join(sets)}) were cleaned and cut into chunks by headings and length.")
    return " ".join(told)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += [
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _lengths(lengths: dict[str, dict[str, float]]) -> str:
    shown = ("p50", "p95", "p100")
    rows = ((name.replace("_", " "), *(f"{quantiles[q]:,.0f}" for q in shown)) for name, quantiles in lengths.items())
    return _table(("length per example", "median", "95 %", "longest"), rows)


def _groups(manifest: DatasetManifest) -> str:
    groups, near = manifest.groups, manifest.near_duplicates
    largest = groups.largest[0]
    return (
        f"{groups.groups:,} groups; the largest holds {largest.examples:,} examples ({largest.share:.1%}). "
        f"{near.distinct_texts:,} distinct question texts, {near.texts_in_them:,} of them in {near.clusters_of_several:,} "
        f"near-duplicate clusters (largest: {near.largest:,}). {groups.merged_into_held_out:,} groups were merged into "
        "held-out data.\n"
    )


def _validity(validity: dict[str, dict[str, int]], expires: dict[str, int]) -> str:
    """How long the examples hold, as far as anybody says."""
    if not validity:
        return "Nobody says of any example how long it holds (editions of the curriculum, dates of documents): all hold always.\n"
    states = [
        state for state in ("current", "expired", "not_yet", "not said") if any(state in of for of in validity.values())
    ]
    rows = ((split, *(f"{of.get(state, 0):,}" for state in states)) for split, of in validity.items())
    ends = ", ".join(f"{count:,} after {day}" for day, count in list(expires.items())[:5])
    return (
        "## How long the examples hold\n\n"
        + _table(("split", *states), rows)
        + '\nWhat is expired is not trained on and stays where it is held out, as a slice of the report. Where it is "not said", '
        f"nobody says how long it holds: it counts as always valid.{f' Of the train split expire: {ends}.' if ends else ''}\n"
    )


def _figures(figures: JsonObject) -> str:
    """Every figure that shaped the rows, as it was then."""
    if not figures:
        return ""
    rows = ((f"`{name}`", figure_text(value)) for name, value in figures.items())
    return "## Figures that shaped the rows\n\n" + _table(("figure", "value"), rows)


def _stratum(name: str, row: dict[str, int]) -> tuple[str, ...]:
    return (name, *(f"{row[split]:,}" for split in SPLITS))


def _more(count: int) -> str:
    return f"… and {count:,} smaller strata (manifest.json).\n" if count > 0 else ""


def _benchmarks(benchmarks: Sequence[BenchmarkRecord]) -> str:
    if not benchmarks:
        return "No benchmark was registered when this version was made.\n"
    named = ", ".join(f"{b.name} ({b.items:,} items, {b.on_overlap})" for b in benchmarks)
    return f"Benchmarks registered when this version was made: {named}.\n"


def _contact(contact: str) -> str:
    return f"Contact: {contact}." if contact else "Contact: set dataset.contact in config.yaml."

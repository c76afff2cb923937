"""Curation's own rules applied to what the models wrote: cultural findings, the persona's grammar, script, broken text, no answer.

What keeps an answer out of the training data counts against one that a model wrote. The word lists are curation's, with a team's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.contracts.report_sections import CultureExample, CultureFinding
from lyo_pipelines.curation.culture import entries_for, finding_excerpt, findings_in
from lyo_pipelines.curation.repairs import fix_encoding
from lyo_pipelines.curation.wordlists import WordlistEntry, Wordlists
from lyo_pipelines.evaluation.answers.text import SCRIPT_OF, script_counts
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.contextual import ContextualMetric, has_prose, is_text
from lyo_pipelines.languages.scripts import prose_of
from lyo_pipelines.tasks.base import TaskFormat

NAMES = ("cultural_findings", "persona_kept", "code_mixing", "broken_text", "unanswered")
_BROKEN = (
    "\ufffd"  # what could not be decoded
    r"|[\x00-\x08\x0B-\x1F\x7F-\x9F]"  # control characters
    r"|(?:^|\s)\p{M}"  # a vowel sign without the letter that carries it
    r"|<\|[a-z_]+\|>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>"  # marks of a chat template
)


def language_metrics(lists: Wordlists, config: CurationConfig) -> tuple[ContextualMetric, ...]:
    """The metrics of this module, in the order of NAMES."""

    def cultural(items: Sequence[Item], _: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
        return [
            None
            if entries is None
            else float(bool(findings_in(text, entries, lists.by_language[item.language].teaches)))
            for item, text, entries in zip(items, texts, _cultural_entries(items, lists), strict=True)
        ]

    def persona(items: Sequence[Item], tasks: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
        return [
            None if entries is None or not text.strip() else float(not findings_in(text, entries, ""))
            for text, entries in zip(texts, _persona_entries(items, tasks, lists, config), strict=True)
        ]

    def no_answer(_: Sequence[Item], __: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
        return [float(found) for found in unanswered(texts, lists, config)]

    return (
        ContextualMetric(
            "cultural_findings", "lower", "share with a finding",
            "Share of answers in which curation's word lists find something that a person should look at (insults, stereotypes, "
            "caste, religion, …); languages without a list are not measured.", has_prose, cultural,
        ),
        ContextualMetric(
            "persona_kept", "higher", "share kept",
            "Share of answers that keep the tutor persona's grammar (in Hindi feminine forms); only in tasks that she speaks in and "
            "languages that have rules for her.", has_prose, persona,
        ),
        ContextualMetric(
            "code_mixing", "lower", "share of letters",
            "Share of an answer's letters in another script than its language's, as far as it exceeds the reference's; code and "
            "formulas aside.", is_text, _mixing,
        ),
        ContextualMetric(
            "broken_text", "lower", "share broken",
            "Share of answers with broken text: undecodable or control characters, misread encodings, vowel signs without a letter, "
            "marks of the chat template.", has_prose, _broken,
        ),
        ContextualMetric(
            "unanswered", "lower", "share unanswered",
            "Share of answers that are empty, say only that there is no answer, or refuse.", has_prose, no_answer,
        ),
    )  # fmt: skip


def unanswered(texts: Sequence[str], lists: Wordlists, config: CurationConfig) -> list[bool]:
    """Whether each text is no answer, as curation's rules see it."""
    series = pl.Series(list(texts), dtype=pl.String).str.strip_chars()
    found = series == ""
    if lists.empty_answers:
        found |= series.str.contains(lists.empty_answers)
    found |= lists.refuses(series.str.slice(0, config.refusal_window_characters))
    return found.to_list()


def mixed_share(text: str, language: str) -> float | None:
    """Share of letters in another script than the language's; None for a language whose script is not known, or without letters."""
    script = "latin" if language.endswith("_latn") else SCRIPT_OF.get(language)
    counts = script_counts(prose_of(pl.Series([text])).item())
    letters = sum(counts.values())
    return None if script is None or not letters else 1 - counts.get(script, 0) / letters


def culture_section(
    items: Sequence[Item],
    tasks: Sequence[TaskFormat | None],
    texts: Mapping[str, Sequence[str]],
    lists: Wordlists,
    config: CurationConfig,
) -> tuple[CultureFinding, ...]:
    """Findings by name with each model's number of answers, why they count, and one example; the most frequent first."""
    cultural, persona = _cultural_entries(items, lists), _persona_entries(items, tasks, lists, config)
    fits = [has_prose(task) and not item.is_plain for item, task in zip(items, tasks, strict=True)]
    places: dict[str, dict[str, list[int]]] = {}  # name -> role -> rows of the answers in which it was found
    for role, answers in texts.items():
        for row, text in enumerate(answers):
            entries = {**(cultural[row] or {}), **(persona[row] or {})} if fits[row] else {}
            teaches = lists.by_language[items[row].language].teaches if entries else ""
            for name in findings_in(text, entries, teaches):
                places.setdefault(name, {}).setdefault(role, []).append(row)

    def finding(name: str, rows: Mapping[str, Sequence[int]]) -> CultureFinding:
        role = "candidate" if "candidate" in rows else next(iter(rows))
        row = rows[role][0]
        item = items[row]
        shown = finding_excerpt(texts[role][row], name, item.language, lists, config)
        return CultureFinding(
            finding=name,
            why=_why(name, item.language, lists),
            models={other: len(rows.get(other, ())) for other in texts},
            example=CultureExample(model=role, item_id=item.item_id, excerpt=shown),
        )

    found = [finding(name, rows) for name, rows in places.items()]
    return tuple(sorted(found, key=lambda one: (-sum(one.models.values()), one.finding)))


def _why(name: str, language: str, lists: Wordlists) -> str:
    entries = lists.by_language[language]
    return next((entry.why for entry in (*entries.cultural, *entries.persona) if entry.name == name), "")


def _cultural_entries(items: Sequence[Item], lists: Wordlists) -> list[dict[str, WordlistEntry] | None]:
    known = {language: entries_for(language, lists, persona=False) for language in {item.language for item in items}}
    return [known[item.language] if item.language in lists.by_language else None for item in items]


def _persona_entries(
    items: Sequence[Item], tasks: Sequence[TaskFormat | None], lists: Wordlists, config: CurationConfig
) -> list[dict[str, WordlistEntry] | None]:
    def of(item: Item, task: TaskFormat | None) -> dict[str, WordlistEntry] | None:
        entries = lists.by_language.get(item.language)
        if entries is None or not entries.persona or task is None or task.task not in config.persona_tasks:
            return None
        return {entry.name: entry for entry in entries.persona}

    return [of(item, task) for item, task in zip(items, tasks, strict=True)]


def _mixing(items: Sequence[Item], _: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
    def excess(item: Item, text: str) -> float | None:
        share = mixed_share(text, item.language)
        return None if share is None else max(0.0, share - (mixed_share(item.reference, item.language) or 0.0))

    return [excess(item, text) for item, text in zip(items, texts, strict=True)]


def _broken(_: Sequence[Item], __: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
    # an answer that is cut at the longest allowed may end in half a letter: that is counted as cut
    series = pl.Series([text.rstrip("\ufffd") for text in texts], dtype=pl.String)
    found = series.str.contains(_BROKEN) | (fix_encoding(series) != series)
    return [float(broken) for broken in found]

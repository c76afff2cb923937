"""Cultural findings: which answers a person should look at, and why. Vectorised; what happens to them is decided by rules and people.

Word lists say what to look for (per language, wordlists/*.yaml); complaints and the persona's grammar are looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.complaints import is_cultural
from lyo_pipelines.curation.quoted import without_quotations
from lyo_pipelines.curation.review import folded_phrase
from lyo_pipelines.curation.wordlists import WordlistEntry, Wordlists

COMPLAINT = "complaint"
GRAVE, SLIGHT = "grave", "slight"


def cultural_complaint(categories: pl.Series, config: CurationConfig) -> pl.Series:
    """Whether the user's complaint is of a cultural category."""
    named = is_cultural(pl.col("category"), config.cultural_complaint_categories)
    return pl.select(category=categories).select(named)["category"]


def entries_for(language: str, lists: Wordlists, *, persona: bool) -> dict[str, WordlistEntry]:
    """Finding name -> entry for answers in a language; the same name in two lists is one finding."""
    found = lists.by_language.get(language)
    if found is None:
        return {}
    return {entry.name: entry for entry in (*found.cultural, *(found.persona if persona else ()))}


def cultural_findings(frame: pl.DataFrame, lists: Wordlists, config: CurationConfig) -> pl.Series:
    """Names of the findings in each row's answer, as lists (empty: nothing found).

    frame: columns `answer` (cleaned), `bucket` (language), `task`, `complaint_category`.
    """
    if not config.cultural_review or not frame.height:
        return pl.Series("findings", [[]] * frame.height, dtype=pl.List(pl.String))
    collected: dict[int, list[str]] = {}
    for (language, persona), rows in _groups(frame, config).items():
        entries = entries_for(language, lists, persona=persona)
        if not entries:
            continue
        answers = frame["answer"].gather(rows)
        suspicious = answers.str.contains(_any_of(entries)).fill_null(False)
        if not suspicious.any():
            continue
        places = rows.filter(suspicious).to_list()
        texts = answers.filter(suspicious)
        for name, counted in _counted(texts, entries, lists.by_language[language].teaches).items():
            for place in counted.arg_true():
                collected.setdefault(places[place], []).append(name)
    for row in cultural_complaint(frame["complaint_category"], config).arg_true():
        collected.setdefault(int(row), []).append(COMPLAINT)
    names = [sorted(set(collected.get(row, ()))) for row in range(frame.height)]
    return pl.Series("findings", names, dtype=pl.List(pl.String))


def findings_in(text: str, entries: Mapping[str, WordlistEntry], teaches: str) -> list[str]:
    """Names of the entries that count in one answer, as `cultural_findings` counts them. teaches: as in Wordlist."""
    one = pl.Series([text])
    if not entries or not one.str.contains(_any_of(entries)).item():
        return []
    return [name for name, counted in _counted(one, entries, teaches).items() if counted.item()]


def _any_of(entries: Mapping[str, WordlistEntry]) -> str:
    return rf"(?i)(?:{'|'.join(entry.pattern for entry in entries.values())})"


def _counted(texts: pl.Series, entries: Mapping[str, WordlistEntry], teaches: str) -> dict[str, pl.Series]:
    """Which texts hold each entry in a place where it counts, by its severity."""
    bare = without_quotations(texts)
    teaching = bare.str.contains(rf"(?i)(?:{teaches})") if teaches else pl.repeat(True, len(texts), eager=True)
    found = {}
    for name, entry in entries.items():
        counted = (texts if entry.severity == GRAVE else bare).str.contains(rf"(?i)(?:{entry.pattern})")
        if entry.severity == SLIGHT:
            counted &= teaching
        if entry.unless:
            counted &= ~texts.str.contains(rf"(?i)(?:{entry.unless})")
        found[name] = counted
    return found


def _groups(frame: pl.DataFrame, config: CurationConfig) -> dict[tuple[str, bool], pl.Series]:
    keyed = frame.select(
        "bucket",
        persona=pl.col("task").str.to_lowercase().is_in(list(config.persona_tasks)),
        row=pl.int_range(pl.len()),
    )
    return {(str(key[0]), bool(key[1])): part["row"] for key, part in keyed.group_by("bucket", "persona")}


def finding_phrases(answer: str, finding: str, language: str, lists: Wordlists) -> list[str]:
    """The different phrases of an answer that are this finding, in their order (none for a complaint)."""
    entry = entries_for(language, lists, persona=True).get(finding)
    if entry is None:
        return []
    text = pl.Series([answer])
    shown = text if entry.severity == GRAVE else without_quotations(text)
    whole, found, at = shown.item(), [], 0
    for match in shown.str.extract_all(rf"(?i)(?:{entry.pattern})").item():
        begin = whole.index(match, at)
        at = begin + len(match)
        # a pattern may begin inside a word, as one about the endings of verbs does
        while begin and not match[0].isspace() and whole[begin - 1].strip(" \t\n,.;:!?।()\"'“”‘’"):
            begin -= 1
        found.append(folded_phrase(whole[begin:at]))
    return [phrase for phrase in dict.fromkeys(found) if phrase]


def finding_excerpt(answer: str, finding: str, language: str, lists: Wordlists, config: CurationConfig) -> str:
    """The (already redacted) answer around a finding, on one line, in quotation marks so that no spreadsheet runs it."""
    entry = entries_for(language, lists, persona=True).get(finding)
    at = pl.Series([answer]).str.find(rf"(?i)(?:{entry.pattern})").item() if entry else None
    # polars counts bytes
    position = len(answer.encode("utf-8")[:at].decode("utf-8", "ignore")) if at else 0
    width = config.review_excerpt_characters
    begin = max(0, min(position - width // 3, len(answer) - width))
    cut = " ".join(answer[begin : begin + width].split())
    return f"“{'…' if begin else ''}{cut}{'…' if begin + width < len(answer) else ''}”"

"""No pattern of curation, tasks or languages may need more than linear time: one text must not stall a day."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable

import polars as pl
import pytest

import lyo_pipelines.curation
import lyo_pipelines.languages
import lyo_pipelines.tasks
from lyo_pipelines.curation.culture import cultural_findings
from lyo_pipelines.curation.quoted import without_quotations
from lyo_pipelines.curation.repairs import repair_texts
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.languages.written import written_language
from lyo_pipelines.tasks import task_formats
from lyo_pipelines_tests.curation.interaction_rows import CONFIG
from lyo_pipelines_tests.growth import faster_than_linear

LISTS = load_wordlists()
UNITS = (
    "a ", "1", "1 ", "= ", "(", "[{", "\\", "\\(", "$", "`", "```\n", "```a\n",
    "* ", "**a", "'", " 'a", "\"", "“", "-", "- \n", "\n",
    " ",
    "\t", ".", ". ", "! ", ":", "x = ", "Step 1: ", "1. ", "|", "| a |\n", "says ", "says: a\n", "sorry ",
    "I can't ", "so ", "अ ", "है ",
    "।", "नहीं ", "मैं ", "தெரியாது ", "நீ ", "à¤", "Ã©", "Å²", "é", "answer ", "the answer ", "a, b ", "<", "α", "1,", "1/", ".1",
)  # fmt: skip


def _modules():
    for package in (lyo_pipelines.curation, lyo_pipelines.tasks, lyo_pipelines.languages):
        for found in pkgutil.iter_modules(package.__path__):
            if not found.ispkg:
                yield importlib.import_module(f"{package.__name__}.{found.name}")


PATTERNS = {
    f"{module.__name__.removeprefix('lyo_pipelines.')}.{name}": value
    for module in _modules()
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str)
}


def assert_linear(work: Callable[[str], object]) -> None:
    assert not faster_than_linear(work, UNITS, size=6_000, floor=0.08)


def test_the_patterns_are_found():
    assert {"curation.cut_answers._FENCE", "tasks.results._MARK", "curation.repetition._COUNTER"} <= set(PATTERNS)


CAPPED = 1500
"""Characters at the end of a text that the patterns of endings see (cut_answers and live_study cut them so)."""
_WHOLE = ("_FENCE", "_INLINE", "_TEX", "_PROSE_WORD")


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_each_python_pattern_is_linear(name):
    pattern = PATTERNS[name]
    capped = (name.startswith("curation.cut_answers.") and not name.endswith(_WHOLE)) or name.endswith(
        "live_study._TOLD"
    )
    anchored = pattern.pattern.startswith("^") and not pattern.flags & re.MULTILINE

    def look(text: str) -> None:
        seen = text[-CAPPED:] if capped else text
        pattern.match(seen) if anchored else sum(1 for _ in pattern.finditer(seen))

    assert_linear(look)


def _frame(text: str) -> pl.DataFrame:
    row = {
        "question": "What is it?", "answer": text, "spoken": text, "edited_answer": None, "original_answer": None, "rating": 5.0,
        "thumbs": None, "retries": None, "error": text, "finish_reason": text[:2000], "complaint_category": None,
        "complaint_text": None, "metadata": text,
        "segment": "tutoring.en.math", "written": "en",
        "bucket": "en", "decision": None, "invalid": None, "structured": False,
    }  # fmt: skip
    types = dict.fromkeys(row, pl.String) | {
        "rating": pl.Float32,
        "thumbs": pl.Int8,
        "retries": pl.Int32,
        "structured": pl.Boolean,
    }
    return pl.DataFrame([row], schema=types)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_is_linear(rule):
    assert_linear(lambda text: rule.removes(_frame(text), CONFIG, LISTS))


@pytest.mark.parametrize("language", sorted(LISTS.by_language))
def test_the_lists_of_each_language_are_linear(language):
    def find(text: str) -> None:
        frame = pl.DataFrame(
            {"answer": [text], "bucket": [language], "task": ["tutoring"], "complaint_category": [None]},
            schema_overrides={"complaint_category": pl.String},
        )
        cultural_findings(frame, LISTS, CONFIG)

    assert_linear(find)


def test_repairs_and_quotations_are_linear():
    assert_linear(lambda text: repair_texts(pl.Series([text]), LISTS, answers=True))
    assert_linear(lambda text: without_quotations(pl.Series([text])))


def test_telling_a_language_is_linear():
    assert_linear(lambda text: written_language(pl.Series([text]), pl.Series(["en"]), CONFIG))


@pytest.mark.parametrize(
    "task", sorted(name for name, made in task_formats().items() if made.check and made.answer is None)
)
def test_each_check_of_a_text_is_linear(task):
    check = task_formats()[task].check
    row = {"question": "What is it?", "reference_answer": "7", "context": "a"}
    assert check is not None
    assert_linear(lambda text: check(text, row))

"""Rows of structured tasks: what is not valid goes by name, what is valid stays as compact JSON, other rules look at its words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from lyo_pipelines.curation.batch import BatchResult, curate_batch
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.curation.task_answers import TaskCheckError, read_answer
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.tasks import task_format
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, config, row, table

LISTS = load_wordlists()
CLASSIFIED = {"content_type": "educational", "educational_value": 0.9, "engagement_score": 0.4}
SEARCHED = {
    "intent": "video",
    "enhanced_query": "short video lesson on the water cycle",
    "suggestions": ["Notes on the water cycle for grade 6", "Practice questions on the water cycle"],
}


def curated(task: str, answer: Any, *, with_config=CONFIG, **changes: Any) -> BatchResult:
    text = answer if isinstance(answer, str | None) else json.dumps(answer, ensure_ascii=False)
    made = row(task=task, subject=None, question="What is this about?", answer=text, **changes)
    return curate_batch(table(made), with_config, LISTS, {})


def fate(task: str, answer: Any, **changes: Any) -> str:
    result = curated(task, answer, **changes)
    return result.removed["rule"][0].as_py() if result.removed.num_rows else "kept"


def test_the_rule_comes_after_empty_and_truncated_answers_and_before_those_about_wording():
    names = [rule.name for rule in RULES]
    assert names.index("empty_answer") < names.index("truncated_answer") < names.index("invalid_answer")
    assert names.index("invalid_answer") < names.index("repeated_answer")


@pytest.mark.parametrize(
    ("answer", "changes", "rule"),
    [
        (CLASSIFIED, {}, "kept"),
        (CLASSIFIED | {"content_type": "news"}, {}, "invalid_answer"),
        (CLASSIFIED | {"why": "because"}, {}, "invalid_answer"),
        ("This content is educational and of great value to learners everywhere.", {}, "invalid_answer"),
        ("Sure! " + json.dumps(CLASSIFIED), {}, "invalid_answer"),
        (json.dumps(CLASSIFIED) + "\nI hope this helps you with your content!", {}, "invalid_answer"),
        (json.dumps(CLASSIFIED)[:-9], {"rating": 5.0}, "invalid_answer"),
        (json.dumps(CLASSIFIED)[:-9], {"rating": 5.0, "finish_reason": "length"}, "truncated_answer"),
        ("{}", {}, "empty_answer"),
        ('{"content_type": "educational"}', {}, "invalid_answer"),
        (None, {"rating": 5.0}, "empty_answer"),
        (CLASSIFIED, {"rating": 2.0}, "rated_low"),
        (CLASSIFIED, {"task": "Classification"}, "kept"),
    ],
)
def test_structured_answers_stay_or_go_by_their_schema(answer, changes, rule):
    task = changes.pop("task", "classification")
    assert fate(task, answer, **changes) == rule


@pytest.mark.parametrize(
    ("task", "answer", "changes"),
    [
        ("search", SEARCHED | {"intent": "shopping"}, {}),
        ("engagement", {"score": 0.9, "level": "low", "reason": "It is long."}, {"context": "{}"}),
        ("live_study", "So the answer is 14, as you can see in your own line.", {"reference_answer": "14"}),
        ("chain_of_thought", "I think it is fourteen, because the book says so on its last page.", {}),
    ],
)
def test_what_the_task_checks_counts_like_the_schema(task, answer, changes):
    assert fate(task, answer, rating=5.0, **changes) == "invalid_answer"


def test_what_the_task_needs_must_be_there():
    predicted = {"score": 0.9, "level": "high", "reason": "The learner likes short videos."}
    assert fate("engagement", predicted) == "invalid_answer"
    assert fate("engagement", predicted, context=" ") == "invalid_answer"
    assert fate("engagement", predicted, context='{"learner": {"grade": 7}}') == "kept"


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "\n```json\n{}```  "])
def test_a_fence_is_taken_off_and_counted_and_the_example_is_compact(fence):
    result = curated("classification", fence.replace("{}", json.dumps(CLASSIFIED, indent=2)))
    assert result.kept["answer"].to_pylist() == [
        '{"content_type":"educational","educational_value":0.9,"engagement_score":0.4}'
    ]
    assert result.repaired["unfence_json"] == 1


def test_the_same_answer_in_another_layout_is_the_same_example_text():
    one, other = (curated("search", text).kept["answer"][0].as_py() for text in (
        json.dumps(SEARCHED), json.dumps(dict(reversed(SEARCHED.items())), indent=4)
    ))  # fmt: skip
    assert one == other


def test_the_funnel_shows_the_rule():
    result = curated("classification", "no JSON at all, but quite a long sentence about the content.")
    position = next(n for n, rule in enumerate(RULES) if rule.name == "invalid_answer")
    assert result.funnel == {("classification.en", position): 1}


def test_a_short_valid_answer_needs_no_rating():
    agent = {"calls": [], "reply": "Hi!"}
    assert len(json.dumps(agent)) < CONFIG.unrated_minimum_characters
    assert fate("agent", agent) == "kept"


def test_english_keys_and_labels_do_not_make_a_hindi_answer_english():
    hindi = SEARCHED | {
        "enhanced_query": "कक्षा 6 के लिए जल चक्र पर छोटा वीडियो पाठ",
        "suggestions": ["जल चक्र के नोट्स", "जल चक्र के अभ्यास प्रश्न"],
    }
    assert fate("search", hindi, language="hi") == "kept"
    assert fate("search", SEARCHED, language="hi") == "wrong_language"
    assert fate("classification", CLASSIFIED, language="hi") == "kept"


def test_tool_arguments_say_nothing_about_the_language():
    tools = json.dumps(
        {"tools": [{"name": "search_library", "parameters": {"properties": {"query": {"type": "string"}}}}]}
    )
    call = {"tool": "search_library", "arguments": {"query": "short video lessons about the water cycle for my class"}}
    assert fate("agent", {"calls": [call], "reply": ""}, language="hi", context=tools) == "kept"


def plan(activity: str, days: int = 7) -> dict[str, Any]:
    slots = [{"topic": "fractions", "minutes": 30, "activity": activity}]
    return {"days": [{"day": day, "slots": slots} for day in range(1, days + 1)]}


def test_a_plan_may_say_the_same_every_day_but_no_text_may_loop_in_itself():
    assert fate("study_plan", plan("Read the section and note its main ideas in your own words")) == "kept"
    assert fate("study_plan", plan("read the page and then " * 12)) == "repeated_answer"


def test_a_refusal_inside_the_object_is_a_refusal():
    refused = {"calls": [], "reply": "I'm sorry, but I can't help with that request, please ask a teacher."}
    assert fate("agent", refused) == "refusal"


def test_cultural_findings_are_looked_for_in_the_words_of_the_object():
    rude = plan("तू यह पाठ पढ़ और अभ्यास कर", days=1)
    result = curated("study_plan", rude, language="hi", rating=5.0)
    assert result.removed["rule"].to_pylist() == ["cultural_review_pending"]
    assert "तू यह पाठ" in result.findings[0].excerpt


def test_tasks_without_schema_and_check_are_not_read_at_all():
    plain = [row(n) for n in range(3)] + [row(9, task="programming")]
    kept = curate_batch(table(*plain), CONFIG, LISTS, {}).kept
    assert kept["answer"].to_pylist() == [one["answer"] for one in plain]


def test_rows_of_all_kinds_in_one_batch_keep_their_order_and_count():
    rows = [
        row(0), row(1, task="classification", answer=json.dumps(CLASSIFIED)), row(2, task="???"),
        row(3, task="classification", answer="no JSON. " * 10), row(4, task="search", answer=json.dumps(SEARCHED)),
    ]  # fmt: skip
    result = curate_batch(table(*rows), config(), LISTS, {})
    assert result.kept["interaction_id"].to_pylist() == ["i0", "i1", "i4"]
    assert result.removed["rule"].to_pylist() == ["no_segment", "invalid_answer"]
    assert isinstance(result.kept, pa.Table)


def test_a_correction_is_read_like_an_answer_and_one_that_does_not_fit_is_invalid():
    better = CLASSIFIED | {"educational_value": 1.0}
    (kept,) = curated(
        "classification", CLASSIFIED, edited_answer=f"```json\n{json.dumps(better, indent=1)}\n```"
    ).kept.to_pylist()
    assert (json.loads(kept["answer"]), json.loads(kept["original_answer"])) == (better, CLASSIFIED)
    assert "\n" not in kept["answer"]
    assert fate("classification", CLASSIFIED, edited_answer="Very educational!") == "invalid_answer"


def test_a_check_that_breaks_is_named():
    broken = replace(task_format("search"), check=lambda answer, row: row["no such column"])
    with pytest.raises(TaskCheckError, match=r"check of the task search broke \(KeyError\)"):
        read_answer(broken, {"answer": json.dumps(SEARCHED), "question": "q"})


def test_the_reason_is_a_short_sentence():
    found = read_answer(
        task_format("search"), {"answer": json.dumps(SEARCHED | {"intent": "shopping"}), "question": "q"}
    )
    assert (found.invalid or "").startswith("intent shopping is none of")
    assert found.structured

"""What each task takes for a valid answer: schemas are strict, and checks say what a schema cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lyo_pipelines.sample.tasks.generate import TASKS
from lyo_pipelines.tasks import task_format, task_formats
from lyo_pipelines.tasks.answers import write_answer
from lyo_pipelines_tests.tasks.row_factory import drawn, row_of, text_of

STRUCTURED = sorted(task for task, found in task_formats().items() if found.answer)
JUDGED = sorted(task for task in TASKS if task_format(task).answer or task_format(task).check)


def reason(task: str, answer: Any, **row: Any) -> str | None:
    """Why an answer is not valid; "schema" when it does not even fit the schema."""
    judge = task_format(task)
    parsed = judge.parse(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
    if parsed is None:
        return "schema"
    return judge.check(parsed, {"language": "en", "question": "q", **row}) if judge.check else None


def test_the_tasks_of_the_owner_are_there():
    assert {
        "tutoring", "programming", "classification", "engagement", "learning_path", "search", "technical_docs", "chain_of_thought",
        "multi_step", "agent", "live_study", "quiz", "study_plan",
    } <= set(task_formats())  # fmt: skip


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_sampled_answer_is_valid_and_the_planted_wrong_one_is_not(task):
    judge = task_format(task)
    for made in drawn(task, 40):
        answer = judge.parse(text_of(made.answer) or "")
        assert answer is not None
        assert judge.check is None or judge.check(answer, row_of(made)) is None
        if task in JUDGED:
            bad = judge.parse(text_of(made.bad) or "")
            assert bad is None or (judge.check and judge.check(bad, row_of(made)))


@pytest.mark.parametrize("task", STRUCTURED)
def test_one_more_key_a_number_as_text_or_prose_around_it_is_no_answer(task):
    judge = task_format(task)
    answer = drawn(task, 1)[0].answer
    assert isinstance(answer, dict)
    text = json.dumps(answer)
    assert judge.parse(text) is not None
    assert judge.parse(json.dumps(answer | {"confidence": 0.9})) is None
    assert judge.parse(f"Here it is: {text}") is None
    assert judge.parse(json.dumps(dict(list(answer.items())[1:]))) is None
    assert judge.parse(f"[{text}]") is None
    assert judge.parse("") is None


@pytest.mark.parametrize("task", STRUCTURED)
def test_an_answer_is_written_in_one_way_and_reads_back(task):
    judge = task_format(task)
    for made in drawn(task, 10):
        answer = judge.parse(text_of(made.answer) or "")
        compact = write_answer(answer)
        assert judge.parse(compact) == answer
        assert write_answer(judge.parse(json.dumps(json.loads(compact), indent=2))) == compact


@pytest.mark.parametrize("task", STRUCTURED)
def test_the_system_prompt_names_every_key_and_is_short(task):
    judge = task_format(task)
    prompt = judge.system_prompt({"language": "en", "subject": "math", "grade": "7"})
    assert judge.answer
    assert all(key in prompt for key in judge.answer.model_fields)
    assert len(prompt) < 420


@pytest.mark.parametrize("task", sorted(task_formats()))
def test_a_system_prompt_depends_on_the_language_and_bears_empty_rows(task):
    prompt = task_format(task).system_prompt
    assert prompt({"language": "hi"}) != prompt({"language": "ta"})
    assert "None" not in prompt({})
    assert "  " not in prompt({"subject": "computer_science", "grade": "adult", "language": "en"})


CLASSIFIED = {"content_type": "educational", "educational_value": 0.9, "engagement_score": 0.4}


@pytest.mark.parametrize(
    "change",
    [
        {"content_type": "news"},
        {"educational_value": 1.1},
        {"educational_value": "0.9"},
        {"engagement_score": None},
        {"engagement_score": True},
    ],
)
def test_classification_knows_two_kinds_and_scores_from_zero_to_one(change):
    assert reason("classification", CLASSIFIED) is None
    assert reason("classification", CLASSIFIED | change) == "schema"


def test_not_a_number_is_no_score():
    assert reason("classification", json.dumps(CLASSIFIED).replace("0.9", "NaN")) == "schema"


def test_an_engagement_level_fits_its_score():
    assert reason("engagement", {"score": 0.7, "level": "high", "reason": "It is short."}) is None
    assert "does not fit" in (reason("engagement", {"score": 0.69, "level": "high", "reason": "It is short."}) or "")
    assert reason("engagement", {"score": 0.7, "level": "high", "reason": "  "}) == "schema"


SEARCHED = {
    "intent": "video",
    "enhanced_query": "video on fractions",
    "suggestions": ["Notes on fractions", "Fractions quiz"],
}


def test_a_search_intent_is_a_known_one_or_one_of_the_context():
    assert reason("search", SEARCHED) is None
    own = json.dumps({"intents": ["buy", "learn"]})
    assert "is none of buy, learn" in (reason("search", SEARCHED, context=own) or "")
    assert reason("search", SEARCHED | {"intent": "buy"}, context=own) is None
    assert "is none of" in (reason("search", SEARCHED | {"intent": "buy"}, context="prose") or "")
    assert "same" in (reason("search", SEARCHED | {"suggestions": ["Fractions", "fractions."]}) or "")
    assert "same" in (reason("search", SEARCHED, question="fractions quiz") or "")


CURRICULUM = {
    "goal": "fractions", "hours": 6, "known": ["counting"],
    "topics": [{"name": "counting"}, {"name": "adding", "needs": ["counting"]}, {"name": "fractions", "needs": ["adding"]}],
}  # fmt: skip


def path(*topics: str, hours: float = 3, total: float | None = None) -> dict[str, Any]:
    steps = [{"step": n, "topic": topic, "hours": hours, "why": "next"} for n, topic in enumerate(topics, 1)]
    return {"steps": steps, "total_hours": total or hours * len(topics)}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (path("adding", "fractions"), None),
        (path("fractions", "adding"), "fractions comes before adding"),
        (path("adding", "Adding"), "twice"),
        (path("adding", "fractions", hours=4), "more than the 6 given"),
        (path("adding", "fractions", total=5), "total_hours says 5"),
        (path("adding", "poetry"), "poetry is no topic"),
        (path("adding"), "the goal fractions"),
    ],
)
def test_a_learning_path_respects_curriculum_time_and_goal(answer, says):
    found = reason("learning_path", answer, context=json.dumps(CURRICULUM))
    assert (found is None) if says is None else says in (found or "")


def test_without_a_curriculum_a_path_is_checked_for_itself():
    assert reason("learning_path", path("fractions", "adding")) is None
    wrong = path("fractions", "adding")
    wrong["steps"][0]["step"] = 2
    assert "numbered" in (reason("learning_path", wrong) or "")


TOOLS = {
    "tools": [
        {
            "name": "add",
            "parameters": {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
        },
        {"name": "today"},
    ]
}


def calls(*made: tuple[str, dict[str, Any]], reply: str = "") -> dict[str, Any]:
    return {"calls": [{"tool": tool, "arguments": arguments} for tool, arguments in made], "reply": reply}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (calls(("add", {"a": 1, "b": 2})), None),
        (calls(("today", {})), None),
        (calls(reply="Hello!"), None),
        (calls(), "neither"),
        (calls(("today", {}), reply="Hello!"), "both"),
        (calls(("subtract", {"a": 1})), "no tool subtract"),
        (calls(("add", {"a": 1})), "'b' is a required property"),
        (calls(("add", {"a": "1", "b": 2})), "is not of type 'integer'"),
        (calls(("add", {"a": 1, "b": 2, "c": 3})), "'c' was unexpected"),
        (calls(("today", {"zone": "IST"})), "'zone' was unexpected"),
    ],
)
@pytest.mark.parametrize("column", ["context", "system_prompt"])
def test_an_agent_calls_tools_that_are_there_with_arguments_that_fit(answer, says, column):
    text = json.dumps(TOOLS) if column == "context" else f"You have tools.\n{json.dumps(TOOLS)}"
    found = reason("agent", answer, **{column: text})
    assert (found is None) if says is None else says in (found or "")


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "number of sorts"},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
    ],
)
def test_tools_with_a_broken_schema_are_named_and_nothing_is_fetched(parameters):
    text = json.dumps({"tools": [{"name": "add", "parameters": parameters}]})
    assert "no JSON schema" in (reason("agent", calls(("add", {"a": "1"})), context=text) or "")


def options(*correct: bool, same: bool = False) -> list[dict[str, Any]]:
    return [{"text": "four" if same else f"option {n}", "correct": one} for n, one in enumerate(correct)]


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        (options(True, False, False), None),
        (options(False, False, False), "0 right options"),
        (options(True, True, False), "2 right options"),
        (options(True, False, False, same=True), "option twice"),
        (options(True, False), "schema"),
    ],
)
def test_a_quiz_question_has_exactly_one_right_option_and_none_twice(listed, says):
    quiz = {"questions": [{"question": "2 + 2?", "options": listed, "explanation": "Count."}]}
    found = reason("quiz", quiz)
    assert (found is None) if says is None else says in (found or "")


def test_a_quiz_has_as_many_questions_as_wanted_and_none_twice():
    one = {"question": "2 + 2?", "options": options(True, False, False), "explanation": "Count."}
    assert "1 questions where 2" in (reason("quiz", {"questions": [one]}, context='{"count": 2}') or "")
    assert "question stands there twice" in (reason("quiz", {"questions": [one, one]}) or "")


def plan(*days: tuple[int, int], topic: str = "fractions") -> dict[str, Any]:
    return {"days": [{"day": day, "slots": [{"topic": topic, "minutes": m, "activity": "Read"}]} for day, m in days]}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (plan((1, 30), (2, 45)), None),
        (plan((2, 30), (1, 30)), "not in order"),
        (plan((1, 30), (4, 30)), "day 4"),
        (plan((1, 50)), "50 minutes"),
        (plan((1, 30), topic="poetry"), "Fractions has no slot"),
    ],
)
def test_a_study_plan_keeps_days_and_minutes_and_covers_every_topic(answer, says):
    found = reason("study_plan", answer, context='{"days": 3, "minutes_per_day": 45, "topics": ["Fractions"]}')
    assert (found is None) if says is None else says in (found or "")


def test_a_decomposition_uses_earlier_steps_only():
    steps = [{"step": n, "do": "add", "uses": [n - 1] if n > 1 else [], "result": str(n)} for n in (1, 2, 3)]
    assert reason("multi_step", {"steps": steps, "result": "3"}) is None
    steps[0]["uses"] = [2]
    assert "step 1 uses step 2" in (reason("multi_step", {"steps": steps, "result": "3"}) or "")
    assert "numbered" in (reason("multi_step", {"steps": steps[1:], "result": "3"}) or "")


@pytest.mark.parametrize(
    ("hint", "solution", "question", "told"),
    [
        ("Subtract 5 from both sides first.", "x = 7", "3x + 5 = 26", False),
        ("Then x = 7.", "x = 7", "3x + 5 = 26", True),
        ("The answer is 7, of course.", "7", "3x + 5 = 26", True),
        ("There are 7 days in a week.", "7", "How many days?", False),
        ("You need 1,870 here.", "1870 m", "How far?", True),
        ("Halve the 1870 of the question.", "1870 m", "An echo after 1870 m?", False),
        ("Think of what plants breathe out: oxygen.", "oxygen", "Which gas?", True),
        ("Think of what plants breathe out.", "oxygen", "Which gas?", False),
        ("उत्तर १२ है।", "12", "4 × 3?", True),
        ("They are 2 and 3.", "2 and 3", "x² − 5x + 6 = 0", True),
        ("Look for two numbers.", "2 and 3", "x² − 5x + 6 = 0", False),
    ],
)
def test_a_hint_must_not_tell_the_solution(hint, solution, question, told):
    found = reason("live_study", hint, question=question, reference_answer=solution)
    assert found == ("the hint gives the solution away" if told else None)
    assert reason("live_study", hint, question=question) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3 + 4 = 7.\n7 × 2 = 14.\nAnswer: 14", None),
        ("3 + 4 = 7।\n7 × 2 = 14।\n**उत्तर:** 14", None),
        ("3 + 4 = 7.\n7 × 2 = 14.", "last line"),
        ("Answer: 14", "no thought"),
        ("3 + 4 = 7.\nAnswer: 14\nI hope so.", "last line"),
    ],
)
def test_a_chain_of_thought_ends_with_its_result(text, says):
    found = reason("chain_of_thought", text)
    assert (found is None) if says is None else says in (found or "")

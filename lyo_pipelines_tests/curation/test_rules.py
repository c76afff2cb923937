from __future__ import annotations

import math

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.contract import EXAMPLE, REMOVED
from lyo_pipelines.curation.repetition import _is_repeated, repeated
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import ANSWER, CONFIG, config, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

LISTS = load_wordlists()


def curated(*rows, with_config=CONFIG, decided=None):
    return curate_batch(table(*rows), with_config, LISTS, decided or {})


def fate(*, with_config=CONFIG, **changes) -> str:
    result = curated(row(**changes), with_config=with_config)
    return result.removed["rule"][0].as_py() if result.removed.num_rows else "kept"


CUT = (
    "Let us find the area of the triangle first. The base is eight centimetres and the height is five centimetres. "
    "The area is one half of the base times the height, as we saw yesterday in the lesson about parallelograms. Now compare it with "
    "the rectangle from the exercise, because the rectangle has the same base and the same height but the"
)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("no_segment", {"task": "???"}),
        ("error", {"error": "timeout"}),
        ("error", {"error": "timeout", "rating": 5.0}),
        ("image_left_out", {"metadata": '{"image_left_out": true}', "rating": 5.0}),
        ("image_left_out", {"metadata": '{"image_left_out":true}', "rating": 1.0}),
        ("empty_question", {"question": " … "}),
        ("empty_answer", {"answer": None}),
        ("empty_answer", {"answer": " \n "}),
        ("empty_answer", {"answer": "N/A", "rating": 5.0}),
        ("rated_low", {"rating": 3.0}),
        ("rated_low", {"rating": 3.9}),
        ("rated_low", {"rating": 1.0, "answer": ANSWER * 20}),
        ("unrated_thumbs_down", {"thumbs": -1}),
        ("unrated_retried", {"retries": 1}),
        ("unrated_complaint", {"complaint_category": "wrong"}),
        ("unrated_complaint", {"complaint_text": "this is not right"}),
        ("unrated_short", {"answer": "x is seven."}),
        ("broken_text", {"answer": ANSWER + " \ufffd\ufffd"}),
        ("truncated_answer", {"finish_reason": "length"}),
        ("truncated_answer", {"finish_reason": "MAX_TOKENS", "rating": 5.0}),
        ("truncated_answer", {"answer": CUT}),
        (
            "truncated_answer",
            {"answer": "यह समीकरण हल करने के लिए हमें दोनों पक्षों से पाँच घटाना होगा और", "language": "hi", "rating": 5.0},
        ),
        ("truncated_answer", {"answer": "Use this:\n```python\nfor i in range(3):\n    print(i)", "rating": 5.0}),
        (
            "truncated_answer",
            {"answer": "Let us solve it together.\nStep 1: Area = 20.\nStep 2: 3 + 9 = 12 and 3 × 9", "rating": 5.0},
        ),
        ("truncated_answer", {"answer": "चलिए हल करते हैं।\nचरण 1: 1 किमी = 1000 ×", "language": "hi", "rating": 5.0}),
        ("truncated_answer", {"answer": "We multiply both sides by three, so 7 ×", "rating": 5.0}),
        ("repeated_answer", {"answer": "the answer is seven and then " * 12}),
        ("repeated_answer", {"answer": "Salt is white. " * 6}),
        ("repeated_answer", {"answer": "We divide both sides now.\n" * 5}),
        ("repeated_answer", {"answer": "Well done! " + "hihihi" * 60}),
        ("repeated_answer", {"answer": "How do I solve 0x + 5 = 26 for x?", "rating": 5.0}),
        ("refusal", {"answer": "I'm sorry, but I can't help with that request, please ask a teacher about it."}),
        ("refusal", {"answer": "As an AI language model, I cannot provide an answer to this question right now."}),
        (
            "refusal",
            {
                "answer": "क्षमा करें, मैं इस सवाल का उत्तर नहीं दे सकती। कृपया अपने शिक्षक से पूछिए।",
                "language": "hi",
                "rating": 5.0,
            },
        ),
        (
            "refusal",
            {
                "answer": "மன்னிக்கவும், இந்தக் கேள்விக்கு என்னால் பதிலளிக்க முடியாது. ஆசிரியரிடம் கேளுங்கள்.",
                "language": "ta",
                "rating": 5.0,
            },
        ),
        (
            "refusal",
            {
                "answer": "Maaf kijiye, main is sawal ka jawab nahi de sakti. Aap apne teacher se poochiye.",
                "language": "hi",
                "rating": 5.0,
            },
        ),
        ("wrong_language", {"answer": "इस समीकरण को हल करने के लिए पहले दोनों पक्षों से पाँच घटाइए।", "rating": 5.0}),
        ("wrong_language", {"language": "ta", "rating": 5.0}),
        (
            "cultural_review_pending",
            {"answer": "तू यह सवाल फिर से हल करके देख, यह बहुत आसान है।", "language": "hi", "rating": 5.0},
        ),
    ],
)
def test_each_rule_removes_what_it_is_for(rule, changes):
    assert fate(**changes) == rule


@pytest.mark.parametrize(
    "changes",
    [
        {"rating": 4.0},
        {"rating": 5.0, "answer": "x = 7"},
        {"rating": 4.0, "retries": 2, "thumbs": -1},
        {},
        {"rating": math.nan},
        {"rating": 5.0, "answer": "\\int_0^1 x\\,dx = \\frac{1}{2}"},
        {"rating": 5.0, "answer": "So the answer is option a"},
        {"rating": 5.0, "answer": "Here is the loop:\n```python\nfor i in range(3):\n    print(i)\n```"},
        {"rating": 5.0, "answer": "I can't help but notice how well you did here: seven is right."},
        {"rating": 5.0, "answer": "12 + 12 = 24\n24 + 12 = 36\n36 + 12 = 48\n48 + 12 = 60\n60 + 12 = 72"},
        {"rating": 5.0, "question": "√", "answer": "√4 = 2"},
        {
            "rating": 5.0,
            "answer": "Let us solve it together.\nStep 1: Area = 20.\nStep 2: The half of it is 10.\nAnswer: 10 cm²",
        },
        {"rating": 5.0, "answer": "Use C++"},
        {"rating": 5.0, "answer": "Check your multiplication. 31 × 21000 ="},
        {"rating": 5.0, "answer": "How many did he start juggling with"},
    ],
)
def test_good_rows_stay(changes):
    assert fate(**changes) == "kept"


@pytest.mark.parametrize(
    "error", ["None", "0", "OK", "no error", "status: ok", "STATUS_CODE_UNSET", "false", "{}", "200 OK"]
)
def test_a_field_that_reports_no_error_is_none(error):
    assert fate(rating=5.0, error=error) == "kept"


@pytest.mark.parametrize("error", ["timeout", "500", "Error: quota", "not ok", "none of the models answered"])
def test_a_field_that_reports_an_error_is_one(error):
    assert fate(rating=5.0, error=error) == "error"


@pytest.mark.parametrize("answer", ["Undefined", "None", "null", "NaN", "* *\n* *"])
def test_a_word_that_programs_write_for_nothing_may_be_the_answer(answer):
    assert fate(rating=5.0, answer=answer) == "kept"


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "Unfortunately, I am not able to answer this question."),
        ("hi", "क्षमा कीजिएगा, मुझे इसकी जानकारी नहीं है।"),
        ("hi_latn", "Main aapki madad nahi kar paunga."),
        ("ta", "மன்னிக்கவும், எனக்கு விடை தெரியவில்லை."),
        ("mr", "माफ करा, मी या प्रश्नाचे उत्तर देऊ शकणार नाही."),
        ("bn", "দুঃখিত, আমি উত্তর দিতে পারছি না।"),
        ("te", "క్షమించండి, నేను సమాధానం చెప్పలేను."),
        ("gu", "માફ કરશો, મને ખબર નથી."),
    ],
)
def test_refusals_are_found_in_many_languages(language, answer):
    assert fate(rating=5.0, language=language, answer=answer) == "refusal"


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "The guard says: I'm sorry, but I can't help you. He is polite."),
        ("en", "We add first, so I can't answer with one number: take any x and y = 5 − x."),
        ("en", "Sorry, I wrote 54 before; 7 × 8 is 56."),
        ("hi", "शून्य से भाग नहीं दे सकते, इसलिए 3/0 का मान नहीं है।"),
        ("ta", "மன்னிக்கவும், குறி தவறு. சரியான விடை −2."),
        ("hi_latn", "Mujhe nahi pata ka matlab I do not know hai."),
    ],
)
def test_lessons_that_sound_like_refusals_stay(language, answer):
    assert fate(rating=5.0, language=language, answer=answer) == "kept"


@pytest.mark.parametrize(
    "answer",
    [
        "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n" * 3,
        "| p | q |\n|---|---|\n" + "| 0 | 1 |\n| 1 | 0 |\n" * 6 + "| 1 | 1 |",
        "Halve it and note the rest.\n9 is 4 rest 1\nHalve it and note the rest.\n4 is 2 rest 0\n"
        "Halve it and note the rest.\n2 is 1 rest 0\n"
        "Halve it and note the rest.\n1 is 0 rest 1\nIt is 1001.",
    ],
)
def test_a_pattern_or_a_method_is_no_repetition(answer):
    assert fate(rating=5.0, answer=answer) == "kept"


def test_the_configured_values_are_the_defaults():
    assert (CONFIG.minimum_rating, CONFIG.unrated_minimum_characters, CONFIG.segment_minimum_interactions) == (
        4.0,
        50,
        100,
    )


def test_rule_names_are_unique_and_explained():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.description for rule in RULES)


def test_tables_have_the_schemas_of_the_contract_even_when_empty():
    result = curated()
    assert result.kept.schema.equals(EXAMPLE)
    assert result.removed.schema.equals(REMOVED)


texts = st.one_of(
    st.none(),
    st.sampled_from(
        [
            ANSWER,
            "x = 7",
            "",
            "मैं आपको समझाता हूँ कि यह कैसे होता है",
            "My name is Asha Rao, call 98765 43210",
            "I'm sorry, but I can't help with that.",
        ]
    ),
    st.text(max_size=80),
)
rows = st.builds(
    dict,
    question=texts.map(lambda text: text or ""),
    answer=texts,
    rating=st.one_of(st.none(), st.floats(1, 5, width=32)),
    thumbs=st.sampled_from([None, 1, -1]),
    retries=st.sampled_from([None, 0, 1]),
    error=st.sampled_from([None, "", "timeout"]),
    complaint_category=st.sampled_from([None, "wrong", "cultural"]),
    language=st.sampled_from(["en", "hi", "ta", "English", "xx", ""]),
    context=texts,
    history=st.one_of(
        st.none(),
        st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": texts}), max_size=2),
    ),
)


@settings(max_examples=draws(60))
@given(st.lists(rows, max_size=8))
def test_each_row_is_kept_or_removed_by_a_named_rule(made):
    made = [row(number) | changes for number, changes in enumerate(made)]
    result = curated(*made)
    assert result.read == len(made) == result.kept.num_rows + result.removed.num_rows
    ids = result.kept["interaction_id"].to_pylist() + result.removed["interaction_id"].to_pylist()
    assert sorted(ids) == sorted(item["interaction_id"] for item in made)
    assert set(result.removed["rule"].to_pylist()) <= {rule.name for rule in RULES}
    assert sum(result.funnel.values()) == len(made)
    assert result.kept["language"].null_count == 0


@settings(max_examples=draws(30))
@given(rating=st.floats(1, 3.984375, width=32), words=st.integers(1, 400))
def test_a_row_rated_below_the_minimum_never_gets_in(rating, words):
    assert fate(rating=rating, answer="so then we think " * words) != "kept"


@settings(max_examples=draws(30))
@given(
    low=st.floats(1, 5),
    high=st.floats(1, 5),
    short=st.integers(0, 200),
    long=st.integers(0, 200),
    made=st.lists(rows, max_size=6),
)
def test_a_stricter_configuration_never_lets_more_in(low, high, short, long, made):
    low, high, short, long = min(low, high), max(low, high), min(short, long), max(short, long)
    made = [row(number) | changes for number, changes in enumerate(made)]
    loose = curated(*made, with_config=config(minimum_rating=low, unrated_minimum_characters=short))
    strict = curated(*made, with_config=config(minimum_rating=high, unrated_minimum_characters=long))
    assert set(strict.kept["interaction_id"].to_pylist()) <= set(loose.kept["interaction_id"].to_pylist())


def test_curating_its_own_output_changes_nothing():
    made = [
        row(
            1,
            answer="As an AI language model, I say: subtract five from both sides, then divide by three. I hope this helps!",
            rating=5.0,
        ),
        row(2, question="My name is Asha Rao, mail asha@example.com. How do I solve 3x = 9 for x?", rating=4.0),
        row(3, answer="CafÃ© prices: 3 Ã— 4 = 12, because we multiply the two numbers with each other.", rating=5.0),
        row(4, answer="यह सवाल आसान है, पहले दोनों पक्षों से पाँच घटाइए।", language="hi", rating=5.0),
        row(
            5,
            history=[
                {"role": "user", "content": "I am Asha, from Pune"},
                {"role": "assistant", "content": "Well done, Asha!"},
            ],
        ),
    ]
    once = curated(*made).kept
    assert once.num_rows == 5
    shown = ["question", "answer", "context", "history", "system_prompt"]
    again = [item | kept for item, kept in zip(made, once.select(shown).to_pylist(), strict=True)]
    twice = curated(*again)
    assert twice.kept.select([*shown, "segment"]).equals(once.select([*shown, "segment"]))
    assert not twice.pii
    assert not twice.repaired or not any(twice.repaired.values())


def test_order_of_rows_and_batches_do_not_matter():
    made = [row(number, rating=float(number % 5 + 1)) for number in range(20)]
    whole = curated(*made).kept
    parts = pa.concat_tables([curated(*made[:7]).kept, curated(*made[7:]).kept])
    assert whole.equals(parts)


@settings(max_examples=draws(150))
@given(
    st.lists(
        st.sampled_from(["the", "answer", "is", "seven", "so", "\n", "\t", " ", "ok" * 50, "அஆஇஈ" * 30]), max_size=90
    ),
    st.integers(8, 30),
    st.floats(0.1, 0.9),
)
def test_the_cheap_test_for_repetition_loses_nothing(words, minimum_words, share):
    text = " ".join(words)
    limits = {"minimum_words": minimum_words, "maximum_share": share, "maximum_same_lines": 3}
    expected = _is_repeated(text, minimum_words, share, 3)
    assert repeated(pl.Series([text, "short"]), **limits).to_list() == [expected, False]


def test_weights_follow_the_rating():
    kept = curated(row(1, rating=5.0), row(2, rating=4.0), row(3, rating=4.5), row(4)).kept
    assert [round(weight, 3) for weight in kept["weight"].to_pylist()] == [1.0, 0.8, 0.9, 0.5]


def test_only_rated_rows_where_the_configuration_wants_it():
    assert fate(with_config=config(keep_unrated=False)) == "unrated"


def test_only_a_sample_of_removed_rows_keeps_a_redacted_excerpt():
    made = [
        row(number, rating=1.0, question=f"My name is Asha Rao, call me on 98765 4321{number}") for number in range(6)
    ]
    removed = curated(*made, with_config=config(removed_sample_per_rule=2)).removed
    assert removed["question"].null_count == 4
    shown = removed["question"].drop_null().to_pylist()
    assert shown == ["My name is <PERSON>, call me on <PHONE>"] * 2


def test_an_example_knows_its_team_and_the_board_that_the_log_names():
    kept = curated(row(rating=5.0, team="School 03", metadata='{"app": "x", "board": "CBSE"}'), row(rating=5.0)).kept
    assert kept.select(["team", "board", "valid_until"]).to_pylist() == [
        {"team": "School 03", "board": "CBSE", "valid_until": None},
        {"team": None, "board": None, "valid_until": None},
    ]

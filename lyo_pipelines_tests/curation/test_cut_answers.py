from __future__ import annotations

import polars as pl
import pytest

from lyo_pipelines.curation.cut_answers import is_cut, letters_of, said_cut
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import CONFIG

WORDS = load_wordlists().dangling_words


@pytest.mark.parametrize(
    "text",
    [
        "So we have \\(\\frac{x+1}{3",
        "The sides are $$a^2 + b^2 =",
        "See \\begin{cases} x = 1 \\\\",
        "Do this:\n1. Read.\n2. Draw.\n3.",
        "Reasons:\n- Heat.\n- Light.\n-",
        "Begin.\nStep 1: Add.\nStep 2:",
        "Use it:\n~~~\nprint(1)",
        "The volume is V = 3 × 4 × 5 =",
        "We add them: 12 + 30 +",
        "We know that 2x + 1 ≥",
        "There were 30 and 4 left, so 30 − 4 =",
        "The metals are iron, zinc,",
        "1. Boil the milk.\n2. Cool it.\n3. Stir in the",
        "The set is {2, 4, 6",
        "| a | b |\n| 1 |",
        "You should **always",
        'She wrote "The sea is calm and',
        "पहले हर को समान कीजिए। फिर दोनों अंशों को आपस में जो",
        "জল একটি যৌগ। এটি দুটি আলাদা মৌলের পরমাণু",
    ],
)
def test_an_open_end_is_a_cut(text):
    assert is_cut(text, "", WORDS)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Let us see.\nStep 1: Take 2 away.\nStep 2: So y = 9", ""),
        ("His blood group is B +", ""),
        ("The ion is written as Mg 2+", ""),
        ("It lies in [3, 8)", ""),
        ("a) Red\nb) Blue", ""),
        ("A block opens with ``` and ends with it too", ""),
        ("The word that joins both halves of this long sentence is because", "Which conjunction is it?"),
        ("It costs $5 and the other one $7", ""),
        ("Now you try: what is 6 × 7 =", ""),
        ("So there are\n12.", ""),
        ("```\nx = [1,\n```", ""),
        ("Use i++", ""),
        ("भारत की राजधानी नई दिल्ली है", ""),
        ("कारक के ये सब चिह्न हैं: का, के, की", "संबंध कारक के चिह्न लिखिए"),
        ("यहाँ खाली जगह में जो शब्द ठीक बैठता है वह होगा से", "रिक्त स्थान भरिए"),
        ("I look forward to your kind reply.\nWith warm and best regards,", ""),
        ("1. Boil the milk.\n2. Cool it.\n3. Stir", ""),
        ("हल हो गया। अब अगला सवाल आप कीजिए", ""),
    ],
)
def test_an_odd_end_may_be_whole(text, question):
    assert not is_cut(text, question, WORDS)


@pytest.mark.parametrize(
    "reason",
    [
        "MAX_TOKENS",
        "maxTokens",
        "FinishReason.LENGTH",
        "finish_reason_max_tokens",
        "token limit hit",
        "Content-Filter",
        "timeout",
        "length_capped",
        "response too long",
    ],
)
def test_a_finish_reason_is_known_in_any_spelling(reason):
    assert said_cut(pl.Series([reason, None]), CONFIG.truncated_finish_reasons).to_list() == [True, False]


@pytest.mark.parametrize(
    "reason", ["stop", "end_turn", "STOP", "COMPLETE", "eos_token", "tool_calls", "stop_sequence", ""]
)
def test_an_answer_that_ended_by_itself_is_not_cut(reason):
    assert said_cut(pl.Series([reason]), CONFIG.truncated_finish_reasons).to_list() == [False]


def test_what_only_says_that_it_is_a_reason_is_left_out():
    assert letters_of("FinishReason.MAX_TOKENS") == letters_of("max-tokens") == "maxtokens"

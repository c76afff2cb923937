"""Thoughts of a model are no answer, and thanks are no question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.chats.asides import is_thanks, without_thoughts
from lyo_pipelines.interactions.chats.pairing import THANKS_AT_END, conversation
from lyo_pipelines.interactions.chats.turns import Turn
from lyo_pipelines.interactions.errors import RowError


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("<think>\nA lake?\n</think>\n\nA tarn is a lake.", "A tarn is a lake."),
        ("<Thinking>hm</Thinking><think>so</think>A tarn is a lake.", "A tarn is a lake."),
        ("They ask of lakes.</think>\nA tarn is a lake.", "A tarn is a lake."),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>A lake.<|return|>",
            "A lake.",
        ),
        ("Put it in <think> and </think>, as in HTML.", "Put it in <think> and </think>, as in HTML."),
        ("If a < b then b > a.", "If a < b then b > a."),
    ],
)
def test_thoughts_before_an_answer_are_no_part_of_it(written, answer):
    assert without_thoughts(written) == answer


@pytest.mark.parametrize("written", ["<think>They ask", "<|channel|>analysis<|message|>They ask"])
def test_thoughts_alone_are_no_answer(written):
    with pytest.raises(RowError, match="cut_text"):
        without_thoughts(written)


@given(st.text())
def test_an_answer_without_tags_stays_as_it_is(text):
    kept = text.replace("<", "")
    assert without_thoughts(kept) == kept


def test_earlier_answers_lose_their_thoughts_too():
    turns = [("user", "a?"), ("assistant", "<think>x</think>A."), ("user", "b?"), ("assistant", "B.")]
    assert conversation([Turn(*turn) for turn in turns]).history == [
        {"role": "user", "content": "a?"},
        {"role": "assistant", "content": "A."},
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("ok got it, thx!", "Thank you so much", "धन्यवाद!", "நன்றி", "👍", "theek hai, samajh gaya", "🙏"),
        *(
            "Thanks, that helped!",
            "Cool, thanks for the help",
            "nice explanation, thank you",
            "No more questions, thanks",
        ),
        *("ok ma'am thank you", "bahut dhanyavaad sir", "मदद के लिए धन्यवाद", "ok i will try"),
        *("நன்றி ஐயா", "ধন্যবাদ স্যার", "Thanks, I get it now 😊"),
    ],
)
def test_thanks_are_known(text):
    assert is_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "ok?", "Is it good now?", "thanks, and what is 7 × 8", "समझ नहीं आया", "no", "12", "ok do it"),
        *("Thanks, now explain the second law", "thanks i didn't understand", "thank you letter for my teacher"),
        *("thanks, aur ek example batao", "धन्यवाद, अब दूसरा सवाल", "Thanks. The answer of my book is 12"),
    ],
)
def test_a_question_is_no_thanks(text):
    assert not is_thanks(text)


def test_a_chat_that_ends_with_thanks_and_a_word_to_it_trains_the_answer_before():
    turns = [
        ("user", "Which unit has charge?"),
        ("assistant", "The coulomb."),
        ("user", "thanks!"),
        ("assistant", "Welcome!"),
    ]
    chat = conversation([Turn(*turn) for turn in turns])
    assert (chat.question, chat.answer, chat.notes) == ("Which unit has charge?", "The coulomb.", (THANKS_AT_END,))
    alone = conversation([Turn("user", "thanks!"), Turn("assistant", "Welcome!")])
    assert (alone.answer, alone.notes) == ("Welcome!", ())

"""Which question and answer belong together, whatever came before, between and after them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.chats.pairing import UNANSWERED_END, conversation
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.chats.turns import Turn, turns_of
from lyo_pipelines.interactions.errors import RowError


def said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


ROLES = st.lists(st.sampled_from(["user", "assistant", "tool", "system"]), max_size=12)


@given(ROLES)
def test_no_text_is_lost_but_what_came_after_the_last_answer(roles: list) -> None:
    turns = [Turn(role, f"<{number}>") for number, role in enumerate(roles)]
    chat = conversation(turns)
    kept = [chat.question, chat.answer, chat.system_prompt, *(m["content"] for m in chat.history or [])]
    text = "\n".join([*filter(None, kept), *(turn.content for turn in chat.tool_turns)])
    lost = [turn for turn in turns if turn.content not in text]
    assert all(turn.role in ("user", "tool") for turn in lost)
    assert not lost or UNANSWERED_END in chat.notes
    assert all(text.count(turn.content) == 1 for turn in turns if turn not in lost)


@given(ROLES)
def test_an_answer_is_an_assistants_and_a_question_a_users(roles: list) -> None:
    chat = conversation([Turn(role, f"<{role} {number}>") for number, role in enumerate(roles)])
    assert all(part.startswith("<assistant") for part in (chat.answer or "").split("\n\n") if part)
    assert all(part.startswith("<user") for part in (chat.question or "").split("\n\n") if part)


@given(ROLES)
def test_neighbours_in_the_history_speak_in_turn(roles: list) -> None:
    history = conversation([Turn(role, "x") for role in roles]).history or []
    spoken = [message["role"] for message in history]
    assert all(one != other or one == "tool" for one, other in pairwise(spoken))


CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "scale"}}]}


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([*said(("user", "q")), CALL, *said(("assistant", "done"))], "done"),
        ([*said(("user", "q")), CALL, *said(("tool", "7 kg"), ("assistant", "7 kg it is"))], "7 kg it is"),
        ([*said(("user", "q")), CALL], '[{"id":"c","function":{"name":"scale"}}]'),
        (said(("user", "q"), ("assistant", "one"), ("assistant", "two")), "one\n\ntwo"),
        (said(("user", "q"), ("assistant", "a"), ("user", "thanks")), "a"),
        ([*said(("user", "q")), {"role": "assistant", "function_call": {"name": "scale"}}], '[{"name":"scale"}]'),
        (said((" Human", "q"), ("Chatbot ", "a")), "a"),
    ],
)
def test_the_answer_of_a_conversation(messages: list, answer: str) -> None:
    chat = conversation(turns_of(messages))
    assert (chat.question, chat.answer) == ("q", answer)


def test_a_question_that_is_known_to_have_failed_takes_no_earlier_answer() -> None:
    chat = conversation(turns_of(said(("user", "q"), ("assistant", "a"), ("user", "r"))), failed=True)
    assert (chat.question, chat.answer) == ("r", None)


@pytest.mark.parametrize("mark", [{"weight": 0}, {"weight": "0"}, {"train": False}, {"loss": False}])
def test_an_answer_that_is_marked_is_not_learnt(mark: dict) -> None:
    turns = turns_of([*said(("user", "q")), {"role": "assistant", "content": "a", **mark}])
    with pytest.raises(RowError, match="not_to_be_learnt"):
        conversation(turns)


EARLIER = said(("user", "old q"), ("assistant", "old a"))


@pytest.mark.parametrize(
    "given_",
    [
        {"question": "new", "chat_history": EARLIER},
        {"input": "new", "messages": EARLIER},
        {"query": "new", "history": [["old q", "old a"]]},
        {"input": "new", "history": "Human: old q\nAI: old a"},
        {"user_input": "new", "conversation_history": [["human", "old q"], ["ai", "old a"]]},
        {"question": "new", "chat_history": [*EARLIER, *said(("user", "new"))]},
    ],
)
def test_a_question_beside_its_history_is_the_new_one(given_: dict) -> None:
    chat = chat_of(given_, {"output": "yes"})
    assert (chat.question, chat.answer, chat.history) == ("new", "yes", EARLIER)


@pytest.mark.parametrize(
    "given_",
    [
        {"messages": said(("user", "one")), "question": "another"},
        {"question": "one", "query": "another"},
        {"question": "q", "history": ["who said", "this"]},
        said(("user", "q"), ("narrator", "x")),
    ],
)
def test_what_may_be_either_is_refused(given_: object) -> None:
    with pytest.raises(RowError):
        chat_of(given_, "a")

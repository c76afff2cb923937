"""An answer stays as it is written, known wrappers give their text, and what was cut or printed by a program is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lyo_pipelines.interactions.chats.pairing import Chat
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.formats.calls_about_chats import refuse_calls_about_chats

TEXT = "Blue light scatters most."
BLOCK = {"type": "text", "text": TEXT}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}]}, "stop"),
        ({"choices": [{"text": TEXT, "finish_reason": "length"}]}, "length"),
        ([{"choices": [{"delta": {"content": TEXT[:5]}}]}, {"choices": [{"delta": {"content": TEXT[5:]}}]}], None),
        ({"generations": [[{"text": TEXT, "generation_info": {"finish_reason": "stop"}}]]}, "stop"),
        ({"generations": [{"text": TEXT, "finish_reason": "MAX_TOKENS"}]}, "MAX_TOKENS"),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP"}]}, "STOP"),
        (
            {"output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}}, "stopReason": "end_turn"},
            "end_turn",
        ),
        (
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm"}, BLOCK],
                "stop_reason": "max_tokens",
            },
            "max_tokens",
        ),
        (
            {
                "object": "response",
                "output": [{"type": "reasoning"}, {"type": "message", "role": "assistant", "content": [BLOCK]}],
            },
            None,
        ),
        ({"message": {"role": "assistant", "content": TEXT}, "done": True, "done_reason": "stop"}, "stop"),
        ({"response": TEXT, "done": True, "done_reason": "length"}, "length"),
        ({"results": [{"outputText": TEXT, "completionReason": "FINISH"}]}, "FINISH"),
        ([{"generated_text": TEXT}], None),
        ({"type": "ai", "data": {"content": TEXT}}, None),
        ({"lc": 1, "type": "constructor", "id": ["langchain", "AIMessage"], "kwargs": {"content": TEXT}}, None),
        ({"kind": "response", "parts": [{"part_kind": "text", "content": TEXT}]}, None),
        ([{"role": "assistant", "parts": [{"type": "text", "content": TEXT}]}], None),
        ({"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": [TEXT]}}, None),
        ({"text": TEXT, "finishReason": "stop", "usage": {}}, "stop"),
        ({"query": "Why?", "result": TEXT, "source_documents": []}, None),
        ({"messages": [{"type": "human", "content": "Why?"}, {"type": "ai", "content": TEXT}]}, None),
    ],
)
def test_a_known_wrapper_gives_its_text(output: Any, reason: str | None) -> None:
    chat = chat_of("Why?", output)
    assert (chat.answer, chat.finish_reason) == (TEXT, reason)


@pytest.mark.parametrize(
    "written",
    [
        "[2, 9]",
        '["a", "b"]',
        '{"text": "Salaam", "count": 3}',
        '{"text": "Salaam"}',
        "{x | x > 0}",
        '{"a": 1',
        '[{"name": "x"}]',
    ],
)
def test_an_answer_that_looks_like_json_stays_as_it_is_written(written: str) -> None:
    assert chat_of("Give me one.", written).answer == written
    spoken = [{"role": "assistant", "content": written}]
    assert chat_of([{"role": "user", "content": "Give me one."}], spoken).answer == written


def test_an_object_that_is_no_wrapper_is_the_answer_itself() -> None:
    assert chat_of("q", {"answer": "4", "confidence": 0.5}).answer == '{"answer":"4","confidence":0.5}'
    assert chat_of("q", {"question": "another", "answer": "4"}).answer == '{"question":"another","answer":"4"}'
    assert chat_of("q", [0, 4]).answer == "[0,4]"


@pytest.mark.parametrize(
    "broken",
    [
        '[{"role": "user", "content": "Explain the ti',
        "[{'role': 'assistant', 'content': 'half",
        '{"choices": [{"message": {"content": "so',
        "[HumanMessage(content='hello')]",
        "content='hello' additional_kwargs={}",
        "<truncated due to size exceeding limit>",
        "The wheel turns because ...[truncated]",
        "The start... (litellm_truncated 900 chars) the end",
        "{'answer': 'printed by Python'}",
    ],
)
def test_text_that_was_cut_or_printed_by_a_program_is_refused(broken: str) -> None:
    with pytest.raises(RowError):
        chat_of("What?", broken)


def test_messages_as_python_prints_them_are_read() -> None:
    chat = chat_of(
        "[{'role': 'user', 'content': \"It's what?\"}]", "{'role': 'assistant', 'content': None, 'text': 'Tea.'}"
    )
    assert (chat.question, chat.answer) == ("It's what?", "Tea.")


def test_a_failure_is_an_error_and_no_answer() -> None:
    chat = chat_of("q", {"error": {"message": "rate limit", "code": 429}})
    assert (chat.answer, chat.error) == (None, "rate limit")


def test_parts_that_are_no_text_are_told() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    chat: Chat = chat_of([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, sound]}], TEXT)
    assert chat.question == "What is this?"
    assert len(chat.notes) == 1


def test_results_of_tools_are_never_the_question() -> None:
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "41 C"}]}
    call = {"type": "tool_use", "id": "1", "name": "heat", "input": {}}
    messages = [
        {"role": "user", "content": "Hot?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    chat = chat_of({"messages": messages}, "Yes.")
    assert (chat.question, chat.answer, [turn.role for turn in chat.tool_turns]) == (
        "Hot?",
        "Yes.",
        ["assistant", "tool"],
    )


@pytest.mark.parametrize(
    "name", ["Execute evaluator: Tone", "llm-as-a-judge", "generateChatTitle", "title_generation", "title"]
)
def test_calls_about_chats_are_no_interactions(name: str) -> None:
    with pytest.raises(RowError, match="call_about_a_chat"):
        refuse_calls_about_chats(name)


@pytest.mark.parametrize("name", ["tutor", "chat gemma", "explain the title of a poem", "evaluation", None])
def test_other_calls_are(name: str | None) -> None:
    refuse_calls_about_chats(name, "production")

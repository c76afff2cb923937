"""What a model answered, out of whatever its caller logged: the text of known wrappers, and anything else as it is written.

Beside the wrappers of wrappers.py, an object with one text under a usual name (`answer`, `output` …) and nothing beside it but what
such objects hold is one, too. A text that is such an object stays as it is written, unless the input was the object of a chain.
Any other object or list is the answer itself, as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lyo_pipelines.interactions.chats.turns import Turn, reason_in
from lyo_pipelines.interactions.chats.wrappers import ended, turns_in_wrapper
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.json_types import RawRow, is_dict

_ANSWERS = (
    *("answer", "output", "response", "completion", "text", "content", "result", "reply", "output_text", "outputText"),
    *(
        "generated_text",
        "generation",
        "response_text",
        "message",
        "outputs",
        "return_values",
        "final_answer",
        "final_output",
    ),
    *(
        "final_response",
        "finalAnswer",
        "answer_text",
        "bot_response",
        "ai_response",
        "assistant_response",
        "chat_response",
    ),
    *("model_response", "assistant_message", "bot_message", "responseText", "llm_response", "replies"),
    "raw",
)
_BESIDE = {
    *("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "done", "usage", "usage_metadata"),
    *(
        "usageMetadata",
        "token_usage",
        "tokenUsage",
        "model",
        "model_name",
        "created",
        "created_at",
        "object",
        "logprobs",
    ),
    *(
        "llm_output",
        "response_metadata",
        "generation_info",
        "additional_kwargs",
        "tool_calls",
        "toolCalls",
        "generation_id",
    ),
    *("response_id", "source_documents", "sources", "source_nodes", "citations", "documents", "intermediate_steps"),
    *("chat_history", "history", "context", "memory", "is_finished", "latency", "cost", "stop", "stop_sequence"),
    *("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"),
    *("inputTextTokenCount", "prompt_token_count", "generation_token_count", "warnings", "toolResults", "reasoning"),
    *("responseMessages", "experimental_providerMetadata", "providerMetadata", "meta", "is_search_required"),
}
_BESIDE_IN_OBJECTS = _BESIDE | {
    *("log", "run_id", "session_id", "sessionId", "conversation_id", "trace_id", "message_id", "metadata", "timestamp"),
    *("response_time", "latency_ms", "duration", "total_tokens"),
    *("last_agent", "new_items", "raw_responses", "pydantic", "json_dict", "tasks_output"),
}
"""What may stand beside the answer in an object that is no text: there nobody wrote the names by hand."""
_ECHOES = {"input", "question", "query", "prompt", "human_input", "user_input"}
_FAILED = ("error", "errors", "exception")
_OF_A_FAILURE = {
    *_FAILED,
    "code",
    "status",
    "status_code",
    "message",
    "type",
    "detail",
    "request_id",
    "traceback",
    "success",
}
KEPT_OBJECT = "the answer is a text that is an object with one text in it: it stays as it is written"
KEPT_AS_JSON = "the output is an object or a list that is no known wrapper: it is the answer, as JSON"


@dataclass(frozen=True)
class Reply:
    """What a model answered. turns: in order, none where it gave no answer. error: what its wrapper says went wrong.

    notes: what a person should know of how it was read.
    """

    turns: tuple[Turn, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()


def reply_of(value: Any, *, asked: str | None = None, from_object: bool = False) -> Reply:
    """The answer in a model's output. Raises RowError for an output that was cut or that holds an unknown part.

    asked: the question, by which an output that repeats it is known. from_object: the input was the object of a chain.
    """
    found = parsed(value)
    if found in NOTHING:
        return Reply()
    if not isinstance(found, (list, dict)):
        return _said(found if isinstance(found, str) else dump_json(found))
    turns = turns_in_wrapper(found)
    if turns is not None:
        return Reply(tuple(turns))
    written = value if isinstance(value, str) else None
    if written is None and isinstance(found, list) and len(found) == 1 and isinstance(found[0], str):
        return _said(found[0])  # a batch of one
    if is_dict(found):
        return _object(found, written, asked, from_object)
    return _said(written) if written else replace(_said(dump_json(found)), notes=(KEPT_AS_JSON,))


def _object(found: RawRow, written: str | None, asked: str | None, from_object: bool) -> Reply:
    """An object that is no wrapper by its form. written: the text that it stood in."""
    if error := _failure(found):
        return Reply(error=error)
    key = _one_answer(found, asked, _BESIDE if written is not None and not from_object else _BESIDE_IN_OBJECTS)
    if key is not None and (written is None or from_object or not found.keys().isdisjoint(_BESIDE)):
        inner = found[key]
        if key in ("outputs", "replies") and isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        reply = reply_of(inner, asked=asked)
        return replace(reply, turns=tuple(ended(list(reply.turns), reason_in(found))))
    if written is None:
        return replace(_said(dump_json(found)), notes=(KEPT_AS_JSON,))
    if written.lstrip()[1:].lstrip()[:1] == "'":
        raise RowError("ambiguous_answer", "a dict as Python prints it: the answer itself, or a wrapper around it")
    return replace(_said(written), notes=(KEPT_OBJECT,) if key is not None else ())


def _said(text: str) -> Reply:
    return Reply((Turn("assistant", text),))


def _one_answer(value: RawRow, asked: str | None, beside: set[str]) -> str | None:
    """The name under which an object holds the answer, where it is a wrapper and nothing else."""
    named = [name for name in _ANSWERS if value.get(name) is not None]
    if len(named) != 1:
        return None
    for name in value.keys() - beside - {named[0]}:
        echoed = name in _ECHOES and asked is not None and value[name] == asked
        if not echoed and value[name] is not None:
            return None
    return named[0]


def _failure(value: RawRow) -> str | None:
    """What went wrong, of an object that says nothing else."""
    error = next((value[name] for name in _FAILED if value.get(name)), None)
    if error is None or not value.keys() <= _OF_A_FAILURE:
        return None
    if is_dict(error) and isinstance(error.get("message"), str):
        return error["message"]
    return error if isinstance(error, str) else dump_json(error)

"""What the server is asked and how it answers, in the shapes of the OpenAI API. Which model answers does not belong here."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lyo_pipelines.errors import LyoError

LONGEST_ANSWER = 512
"""Tokens of an answer, where a request does not say how many."""


class RefusedError(LyoError):
    """A request that is not answered: what stands in the answer's `error`. retry_after: seconds, where waiting helps."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code, self.retry_after = status, param, code, retry_after

    def body(self) -> dict[str, object]:
        """The `error` object of an answer."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


ENGINES_OWN = {"tools": "tools", "functions": "tools", "logit_bias": "logit_bias", "response_format": "response_format"}
"""Fields that change the answer and that only some engines know -> what such an engine says that it understands."""
_OBJECT, _LIST, _NUMBER, _NAME_OR_OBJECT = (dict,), (list,), (int, float), (str, dict)
_PASSED: dict[str, tuple[type, ...]] = {
    "tools": _LIST, "functions": _LIST, "logit_bias": _OBJECT, "response_format": _OBJECT, "tool_choice": _NAME_OR_OBJECT,
    "parallel_tool_calls": (bool,), "function_call": _NAME_OR_OBJECT, "frequency_penalty": _NUMBER, "presence_penalty": _NUMBER,
    "reasoning_effort": (str,),
}  # fmt: skip
"""Fields of the OpenAI API that are kept for an engine that may know them -> what they may be."""
_WORDS = {
    dict: "an object",
    list: "an array",
    int: "a number",
    float: "a number",
    str: "a string",
    bool: "true or false",
}


class ClientGoneError(Exception):
    """Whoever asked takes no more of the answer."""


class ChatMessage(BaseModel):
    """One turn; content in parts is joined when all of them are text. The three last fields are for engines that know tools."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, content: Any) -> Any:
        if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            return "".join(str(part.get("text", "")) for part in content)
        if isinstance(content, list) and any(
            "image" in str(part.get("type")) for part in content if isinstance(part, dict)
        ):
            raise ValueError("an image: the models here read text alone, and none answers a question without its image")
        return content

    @model_validator(mode="before")
    @classmethod
    def _calls_say_nothing(cls, data: Any) -> Any:
        """A turn that calls tools may have no content; any other needs it."""
        if not isinstance(data, dict):
            return data
        if data.get("tool_calls") and data.get("content") is None:
            return {**data, "content": ""}
        if "content" not in data:
            raise ValueError("content is missing")
        return {**data, "tool_calls": data.get("tool_calls") or ()}

    @property
    def of_tools(self) -> bool:
        """Whether it calls a tool or is what one gave back."""
        return self.role == "tool" or bool(self.tool_calls)

    def turn(self) -> dict[str, str]:
        """The same as a chat template takes it."""
        return {"role": "system" if self.role == "developer" else self.role, "content": self.content}


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """What is asked for. Fields that would change the answer and are not known here are refused; others are ignored."""

    model_config = ConfigDict(frozen=True)

    model: str
    messages: tuple[ChatMessage, ...] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: tuple[str, ...] = ()
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    user: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    passed: dict[str, Any] = Field(default_factory=dict)

    @property
    def limit(self) -> int:
        """Most tokens of the answer."""
        return self.max_completion_tokens or self.max_tokens or LONGEST_ANSWER

    @property
    def needs(self) -> tuple[str, ...]:
        """What an engine must understand beyond text: of the values of ENGINES_OWN."""
        given = [name for name, value in self.passed.items() if name in ENGINES_OWN and value]
        plain = (self.passed.get("response_format") or {}).get("type", "text") == "text"
        wanted = [ENGINES_OWN[name] for name in given if not (name == "response_format" and plain)]
        return tuple(dict.fromkeys([*wanted, *(["tools"] if any(turn.of_tools for turn in self.messages) else [])]))

    @field_validator("temperature", "top_p", "stream", "stream_options", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value

    @field_validator("stop", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        value = () if value is None else (value,) if isinstance(value, str) else value
        return (
            [one for one in value if one != ""] if isinstance(value, (list, tuple)) else value
        )  # "" stands everywhere

    @field_validator("metadata", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return {} if value is None else value
        return {
            str(name): one if isinstance(one, str) else json.dumps(one)
            for name, one in value.items()
            if one is not None
        }

    @model_validator(mode="before")
    @classmethod
    def _nothing_unknown_that_matters(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        wanted = ["logprobs"] if data.get("logprobs") else []
        wanted += ["n"] if data.get("n") not in (None, 1) else []
        if wanted:
            raise ValueError(f"not supported by this server: {', '.join(wanted)}")
        passed = {name: data[name] for name in _PASSED if data.get(name) is not None}
        for name in [name for name, value in passed.items() if not isinstance(value, _PASSED[name])]:
            raise ValueError(f"{name} is {' or '.join(dict.fromkeys(_WORDS[kind] for kind in _PASSED[name]))}")
        return {**data, "passed": passed}


def refuse_unknown(request: ChatRequest, understood: Collection[str]) -> None:
    """Refuse what would change the answer and the engine does not understand: nobody must take it for done. Raises RefusedError."""
    if missing := [name for name in request.needs if name not in understood]:
        raise RefusedError(f"not supported by this server: {', '.join(missing)}", param=missing[0])


def parse_request(body: bytes) -> ChatRequest:
    """Read a request's body. Raises RefusedError naming the field that does not fit."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or None
        raise RefusedError(f"{place or 'request'}: {first['msg']}", param=place) from error


def token_usage(prompt_tokens: int, answer_tokens: int) -> dict[str, int]:
    """Tokens as an answer tells them."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": answer_tokens,
        "total_tokens": prompt_tokens + answer_tokens,
    }

"""What the server is asked and how it answers, in the shapes of the OpenAI API. Which model answers does not belong here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lyo_pipelines.errors import LyoError

LONGEST_ANSWER = 512
"""Tokens of an answer, where a request does not say how many."""


class RefusedError(LyoError):
    """A request that is not answered: what stands in the answer's `error`."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    def body(self) -> dict[str, object]:
        """The `error` object of an answer."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


class ChatMessage(BaseModel):
    """One turn; content in parts is joined when all of them are text."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, content: Any) -> Any:
        if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            return "".join(str(part.get("text", "")) for part in content)
        return content

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
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    user: str | None = None

    @property
    def limit(self) -> int:
        """Most tokens of the answer."""
        return self.max_completion_tokens or self.max_tokens or LONGEST_ANSWER

    @field_validator("temperature", "top_p", "stream", "stream_options", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value

    @field_validator("stop", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return () if value is None else (value,) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _nothing_unknown_that_matters(cls, data: Any) -> Any:
        if isinstance(data, dict):
            wanted = [name for name in ("tools", "functions", "logprobs", "logit_bias") if data.get(name)]
            wanted += ["n"] if data.get("n") not in (None, 1) else []
            wanted += ["response_format"] if (data.get("response_format") or {}).get("type", "text") != "text" else []
            if wanted:
                raise ValueError(f"not supported by this server: {', '.join(wanted)}")
        return data


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

"""llama.cpp in this process (package xllamacpp), with one model and its adapters; nobody else can reach it.

It opens an HTTP server by itself and takes over SIGINT and SIGTERM. Here that server gets a socket file in a folder of its own,
which only this user can open, and a key; and the signals are given back.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from lyo_pipelines.export.errors import CannotExportError, MissingLlamaCppError

EXTRA = "llama-cpp"
_FORCED = 1e6
"""Added to one token's logit so that it is the one that is written; what is told of it is its own log-probability all the same."""

_MANY, _ALL = 1000, 1_000_000
_BATCH = 256
"""Tokens of a prompt that are read before others have their turn, and before somebody who has gone is noticed."""


@dataclass(frozen=True)
class LlamaSizes:
    """context: tokens of one conversation; slots: conversations at once; threads: of the processor."""

    context: int
    slots: int = 1
    threads: int = 1


class LlamaServer:
    """One running llama.cpp. Methods block until the answer is there and may be called from several threads."""

    def __init__(self, model: Path, adapters: Sequence[Path], sizes: LlamaSizes) -> None:
        """Load the files. Raises MissingLlamaCppError, CannotExportError where llama.cpp refuses them."""
        xllamacpp = require_llama_cpp()
        self._folder = Path(tempfile.mkdtemp(prefix="lyo-llama-"))  # mode 0700
        self._key = token_hex(32)
        self._adapters = len(adapters)
        self._letter: int | None = None
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self._folder / "http.sock")), base_url="http://llama", timeout=60,
            headers={"Authorization": f"Bearer {self._key}"},
        )  # fmt: skip
        self._server: Any = None
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(model)
        parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in adapters]
        parameters.lora_init_without_apply = True
        parameters.n_ctx, parameters.n_parallel = sizes.context * sizes.slots, sizes.slots
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = sizes.threads
        parameters.fit_params = parameters.warmup = False
        parameters.n_batch = parameters.n_ubatch = _BATCH
        parameters.cache_ram_mib = 0  # a second cache, of 8 GB
        parameters.hostnames, parameters.api_keys = [str(self._folder / "http.sock")], [self._key]
        parameters.endpoint_slots = parameters.endpoint_props = parameters.endpoint_metrics = parameters.ui = False
        parameters.n_threads_http = 1
        parameters.verbosity = 1  # errors; more would print prompts
        try:
            with _signals_kept():
                self._server = xllamacpp.Server(parameters)
            # one token first: a server that is ended before its loop has begun never ends (the order to stop is overwritten)
            self._server.handle_completions({**self._body([1], None), "max_tokens": 1})
        except RuntimeError as error:
            self.close()
            names = ", ".join(path.name for path in [model, *adapters])
            raise CannotExportError(f"llama.cpp does not load {names}: {error}") from error

    def close(self) -> None:
        """End it, once the last answer that is still being written is there."""
        self._client.close()  # first: its server would wait for a connection that is kept open
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> LlamaServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(
        self, prompt: Sequence[int], adapter: int | None, more: Mapping[str, Any], told: Callable[[Any], bool]
    ) -> None:
        """Write an answer; `told` gets each event, in llama.cpp's words, and returns whether that is enough.

        more: what the request says beside prompt and adapter. An event with `error` is the last one.
        """
        body = {**self._body(prompt, adapter), "stream": True, "return_progress": True, **more}
        self._running().handle_completions(body, told)

    def next_tokens(self, prompt: Sequence[int], adapter: int | None, count: int = 20) -> dict[int, float]:
        """The likeliest next tokens by id, with their log-probabilities over the whole vocabulary. Raises CannotExportError."""
        told = self._one_token(prompt, adapter, forced=self._whole_letter(), count=count, cached=False)
        assert told is not None  # a whole letter is always told
        return {one["id"]: one["logprob"] for one in told["top_logprobs"]}

    def log_probabilities(self, prompt: Sequence[int], answer: Sequence[int], adapter: int | None) -> list[float]:
        """The log-probability of each token of an answer (no stop tokens), by its prompt and the tokens before it."""
        return [self._log_probability([*prompt, *answer[:at]], token, adapter) for at, token in enumerate(answer)]

    def _log_probability(self, before: Sequence[int], token: int, adapter: int | None) -> float:
        told = self._one_token(before, adapter, forced=token, count=1, cached=True)
        if told is not None:
            return float(told["logprob"])
        for count in (
            _MANY,
            _ALL,
        ):  # the token is part of a letter, and llama.cpp keeps it back: it is among the likeliest
            told = self._one_token(before, adapter, forced=self._whole_letter(), count=count, cached=True)
            found = {one["id"]: one["logprob"] for one in (told or {}).get("top_logprobs", [])}
            if token in found:
                return float(found[token])
        raise CannotExportError(f"llama.cpp does not tell how likely token {token} is")

    def tokens_of(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens of a conversation as llama.cpp itself renders and splits it: by the template that stands in the model's file."""
        text = self._post("/apply-template", {"messages": list(messages)})["prompt"]
        return self._post("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"]

    def _one_token(
        self, prompt: Sequence[int], adapter: int | None, *, forced: int, count: int, cached: bool
    ) -> dict[str, Any] | None:
        """What is told of the next token, which is `forced`: its log-probability and the likeliest ones. None for half a letter."""
        body = {
            **self._body(prompt, adapter), "max_tokens": 1, "temperature": 0, "cache_prompt": cached, "logprobs": count,
            "logit_bias": [[forced, _FORCED]],
        }  # fmt: skip
        answer = self._running().handle_completions(body)
        if "choices" not in answer:
            raise CannotExportError(f"llama.cpp does not answer: {(answer.get('error') or answer).get('message')}")
        told = answer["choices"][0]["logprobs"]
        return told["content"][0] if told else None

    def _whole_letter(self) -> int:
        if self._letter is None:
            split = {"content": "a", "add_special": False, "parse_special": False}
            self._letter = int(self._post("/tokenize", split)["tokens"][-1])
        return self._letter

    def _body(self, prompt: Sequence[int], adapter: int | None) -> dict[str, Any]:
        # every adapter has its scale said: what is left out keeps that of the request before, and the cache of its tokens
        scales = [{"id": number, "scale": float(number == adapter)} for number in range(self._adapters)]
        return {"prompt": list(prompt), "lora": scales}

    def _running(self) -> Any:
        if self._server is None:
            raise CannotExportError("llama.cpp has been closed")
        return self._server

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self._client.post(path, json=body)
        if answer.status_code != httpx.codes.OK:
            raise CannotExportError(f"llama.cpp refuses {path}: {answer.text[:300]}")
        return answer.json()


def require_llama_cpp() -> Any:
    """The package. Raises MissingLlamaCppError saying what to install."""
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingLlamaCppError(
            f"llama.cpp is not installed ({error})", hint=f"Install it: pip install 'lyo_pipelines[{EXTRA}]'."
        ) from error
    return xllamacpp


@contextmanager
def _signals_kept() -> Iterator[None]:
    """llama.cpp takes SIGINT and SIGTERM for itself while it starts; set them back as they were, from whichever thread."""
    libc = ctypes.CDLL(None)
    kept = {number: ctypes.create_string_buffer(1024) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, action in kept.items():
        libc.sigaction(number, None, action)
    try:
        yield
    finally:
        for number, action in kept.items():
            libc.sigaction(number, action, None)

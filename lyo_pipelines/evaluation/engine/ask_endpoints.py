"""Asking models behind endpoints, batch by batch on disk like the others: what was answered is never asked (or paid) again.

An endpoint that is down does not stop an evaluation of our own models: what is missing is said, and asked the next time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.evaluation import Remote
from lyo_pipelines.evaluation.endpoints.client import ChatClient, EndpointError, Reply, key_of
from lyo_pipelines.evaluation.engine.outputs import OutputsFolder, by_item
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.external_process.progress import Progress
from lyo_pipelines.hosted.redaction import redacted

Messages = Sequence[Mapping[str, str]]
_STAGE = "replies"
_COLUMNS = ("texts", "prompt_tokens", "answer_tokens", "truncated", "seconds")
PROTOCOL_VERSION = 1
"""Raised when the same question would be sent otherwise."""


@dataclass(frozen=True)
class Replies:
    """What came back, by the id of the question. why: of those that are missing, "" when none is."""

    found: dict[str, Reply]
    why: str


def ask_remote(
    remote: Remote, asked: Mapping[str, Messages], *, max_tokens: int | None, name: str, cache: Path, progress: Progress
) -> Replies:
    """Ask everything that is not on disk yet. Raises EndpointError only where the key is not set."""
    folder = OutputsFolder(cache / f"remote-{_key(remote, max_tokens)}")
    with folder.locked(), ChatClient(remote, key_of(remote)) as client:
        there = _read(folder)
        left = {key: messages for key, messages in asked.items() if _id(key, messages) not in there}
        progress.start(_STAGE, name, len(asked), len(asked) - len(left))
        why = _ask(
            client, left, folder, max_tokens, lambda: progress.update(len(asked) - _missing(asked, folder), len(asked))
        )
        there = _read(folder)
    found = {key: there[_id(key, messages)] for key, messages in asked.items() if _id(key, messages) in there}
    return Replies(found, why)


def outputs_of(items: Sequence[Item], replies: Replies, limit: int) -> ModelOutputs:
    """What came back in the order of the items, as the outputs of a model that tells no likelihoods. limit: tokens of one answer."""
    found = [replies.found.get(item.item_id) for item in items]
    return ModelOutputs(
        nll_sums=[None] * len(found),
        nll_tokens=[0] * len(found),
        cut=[False] * len(found),
        texts=[reply.text if reply else "" for reply in found],
        answer_tokens=[reply.answer_tokens if reply else None for reply in found],
        truncated=[bool(reply and reply.truncated) for reply in found],
        prompt_tokens=[reply.prompt_tokens if reply else None for reply in found],
        max_new_tokens=limit,
        timing=None,
        answered=[reply is not None for reply in found],
    )


def questions_of(items: Sequence[Item], curation: CurationConfig) -> dict[str, Messages]:
    """Id -> messages of the items that have an answer to write, redacted once more, as they leave this machine."""
    asked = [item for item in items if not item.is_plain]
    changed = redacted((content for item in asked for _, content in item.prompt), curation)
    return {
        item.item_id: [{"role": role, "content": changed.get(content, content)} for role, content in item.prompt]
        for item in asked
    }


def _ask(
    client: ChatClient,
    left: Mapping[str, Messages],
    folder: OutputsFolder,
    max_tokens: int | None,
    done: Callable[[], None],
) -> str:
    """Ask in batches of twice as many as are asked at a time; returns why some are missing."""
    size, rows, failures = client.remote.parallel * 2, list(left.items()), list[str]()
    with ThreadPoolExecutor(client.remote.parallel) as pool:
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            try:
                replies = list(pool.map(lambda row: _one(client, row[1], max_tokens), batch))
            except BaseException:  # Ctrl-C: nobody waits for minutes until the pool is empty
                client.stop()
                raise
            good = [(_id(*row), reply) for row, reply in zip(batch, replies, strict=True) if isinstance(reply, Reply)]
            if good:
                folder.append(_STAGE, _columns(good))
            bad = [reply for reply in replies if isinstance(reply, EndpointError)]
            failures += [str(error) for error in bad]
            done()
            if any(error.useless for error in bad) or len(bad) == len(batch):
                break  # the rest would fail, too, and each failure takes minutes
    return (
        "" if not failures else f"{_missing(left, folder)} of {len(left)} not answered; the last reason: {failures[-1]}"
    )


def _one(client: ChatClient, messages: Messages, max_tokens: int | None) -> Reply | EndpointError:
    try:
        return client.chat(messages, max_tokens=max_tokens)
    except EndpointError as error:
        return error


def _columns(good: Sequence[tuple[str, Reply]]) -> dict[str, list[Any]]:
    return {
        "ids": [key for key, _ in good],
        "texts": [reply.text for _, reply in good],
        "prompt_tokens": [reply.prompt_tokens for _, reply in good],
        "answer_tokens": [reply.answer_tokens for _, reply in good],
        "truncated": [reply.truncated for _, reply in good],
        "seconds": [reply.seconds for _, reply in good],
    }


def _read(folder: OutputsFolder) -> dict[str, Reply]:
    return {key: Reply(*row) for key, row in by_item(folder.batches(_STAGE), _COLUMNS).items()}


def _missing(asked: Mapping[str, Messages], folder: OutputsFolder) -> int:
    there = _read(folder)
    return sum(_id(key, messages) not in there for key, messages in asked.items())


def _id(key: str, messages: Messages) -> str:
    """A question by its content: another wording is another question."""
    return hashlib.sha256(json.dumps([key, [dict(message) for message in messages]]).encode()).hexdigest()[:24]


def _key(remote: Remote, max_tokens: int | None) -> str:
    return hashlib.sha256(json.dumps([PROTOCOL_VERSION, remote.url, remote.model, max_tokens]).encode()).hexdigest()[
        :16
    ]

"""What would leave this machine, redacted once more, and what it would cost. Nothing is sent here.

Train and validation leave; the test split is never opened.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

import orjson

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.dataset.versions import Version, read_split
from lyo_pipelines.errors import LyoError
from lyo_pipelines.hosted.client import HostedClosedError
from lyo_pipelines.hosted.record import HostedJob
from lyo_pipelines.hosted.redaction import redacted
from lyo_pipelines.storage.lake import Lake

SENT_SPLITS = ("train", "validation")
_LEAST = 10
"""Examples that providers of this API demand."""


class HostedRefusedError(LyoError):
    """A hosted job is not begun; the message says which condition is not met."""


@dataclass(frozen=True)
class Prepared:
    """The files as bytes, by split, and what is known of them. tokens: estimated, of all epochs."""

    files: dict[str, bytes]
    examples: dict[str, int]
    redacted: dict[str, int]
    tokens: int
    estimate: float


def require_allowed(config: HostedConfig, today: date, environment: Mapping[str, str] | None = None) -> str:
    """The provider's key, once everything is set that lets data leave and money be spent.

    Raises HostedRefusedError, HostedClosedError.
    """
    if config.base_url is None or not config.model:
        raise HostedRefusedError(
            "hosted fine-tuning is off: hosted.base_url and hosted.model are not set.", hint="See docs/hosted.md."
        )
    host = urlsplit(config.base_url).hostname or ""
    if (day := config.closed_from.get(host)) is not None and today > day:
        raise HostedClosedError(
            f"{host} has created no fine-tuning jobs since {day}.",
            hint="Name another provider (hosted.base_url), or train here: `lyo train`.",
        )
    if not config.consent:
        raise HostedRefusedError(
            f"training examples would be sent to {host}, and hosted.consent is false.",
            hint="Set it to true once whoever answers for the data has agreed.",
        )
    if config.price_per_million_tokens is None:
        raise HostedRefusedError("hosted.price_per_million_tokens is not set, so nothing can be held to the cap.")
    key = (os.environ if environment is None else environment).get(config.api_key_env, "").strip()
    if not key:
        raise HostedRefusedError(f"the environment variable {config.api_key_env} is not set.")
    return key


def prepare_files(
    lake: Lake, version: Version, config: HostedConfig, curation: CurationConfig, earlier: Sequence[HostedJob]
) -> Prepared:
    """Read, redact and write both splits as chat JSONL. Raises HostedRefusedError where there are too few examples."""
    files, examples, taken_out = dict[str, bytes](), dict[str, int](), Counter[str]()
    for split in SENT_SPLITS:
        table = read_split(lake, version.segment, version.fingerprint, split, ["messages", "images"])
        if pictured := len(table) - table["images"].null_count:
            raise HostedRefusedError(
                f"{pictured:,} rows of {split} show pictures, and pictures are never sent.",
                hint="Take a source with pictures out of curation.images.learn_from, and build the dataset again.",
            )
        conversations = _redacted(table["messages"].to_pylist(), curation, taken_out)
        examples[split] = len(conversations)
        files[split] = b"".join(orjson.dumps({"messages": _trained(one)}) + b"\n" for one in conversations)
    if examples["train"] < _LEAST:
        raise HostedRefusedError(
            f"{version.segment} has {examples['train']} training examples; providers want {_LEAST}."
        )
    tokens = round(len(files["train"]) / bytes_per_token(config, earlier) * config.n_epochs)
    estimate = tokens / 1e6 * (config.price_per_million_tokens or 0.0)
    return Prepared(files, examples, dict(taken_out), tokens, estimate)


def bytes_per_token(config: HostedConfig, earlier: Sequence[HostedJob]) -> float:
    """The configured figure, or the smallest that jobs with this model have shown: an estimate may be high, not low."""
    shown = [
        job.bytes * job.hyperparameters.get("n_epochs", 1) / job.trained_tokens
        for job in earlier
        if job.trained_tokens and job.model == config.model and job.status == "succeeded"
    ]
    return min(shown, default=config.bytes_per_token)


def require_within_cap(config: HostedConfig, estimate: float, earlier: Sequence[HostedJob]) -> None:
    """Raise HostedRefusedError where this job with all others would pass the cap."""
    spent = sum(job.committed for job in earlier)
    if spent + estimate > config.spending_cap:
        raise HostedRefusedError(
            f"the job is estimated at {estimate:.2f} {config.currency}, {spent:.2f} are spent or committed, and "
            f"hosted.spending_cap is {config.spending_cap:.2f}.",
            hint="Raise the cap, or train on fewer examples or epochs.",
        )


def _redacted(
    conversations: list[list[dict[str, str]]], curation: CurationConfig, counts: Counter[str]
) -> list[list[dict[str, str]]]:
    changed = redacted((message["content"] for one in conversations for message in one), curation, counts)
    return [
        [{"role": message["role"], "content": changed.get(message["content"], message["content"])} for message in one]
        for one in conversations
    ]


def _trained(messages: list[dict[str, str]]) -> list[dict[str, str | int]]:
    """Only the last answer was chosen by curation: earlier ones carry weight 0."""
    told: list[dict[str, str | int]] = []
    for message in messages[:-1]:
        told.append({**message, "weight": 0} if message["role"] == "assistant" else {**message})
    return [*told, {**messages[-1]}]

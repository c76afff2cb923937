"""Holding an answer to a JSON schema while it is written: at every step only tokens that can still lead to a valid answer remain.

The grammar is llguidance's. Keys come in the schema's order, with one space or none between them. What is not bounded stays so: an
answer that runs on to the longest one allowed is cut there, and counts as cut and not valid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import torch
import transformers

from lyo_pipelines.evaluation.planning.assemble import AdapterError

DECIMALS = 0.0001
"""Numbers are held to multiples of this: digits beyond are a model that cannot stop, not information."""
_SPACE = " ?"


class ConstraintError(AdapterError):
    """Answers cannot be held to their schema with this model; the message says why and what to do."""


class Constraint:
    """The schemas of an evaluation's items for one tokenizer. An item without a schema is asked freely."""

    def __init__(self, tokenizer: Any, stops: Sequence[int], schemas: Mapping[str, str]) -> None:
        """schemas: item id -> JSON schema. Raises ConstraintError when a schema or the tokenizer does not lend itself."""
        self._stops = list(stops)
        try:
            self._tokenizer = llguidance.hf.from_tokenizer(tokenizer, eos_token=self._stops)
        except ValueError as error:
            raise ConstraintError(f"the tokenizer cannot be read by llguidance ({error}). {_INSTEAD}") from error
        self._grammars = {schema: self._grammar(schema) for schema in set(schemas.values())}
        self._schemas = schemas

    def processor(self, item_ids: Sequence[str]) -> transformers.LogitsProcessor:
        """A fresh processor for one batch, its rows in the order of the items."""
        return _Held([self.held(item_id) for item_id in item_ids])

    def held(self, item_id: str) -> HeldAnswer | None:
        """What one answer is held by; None where its item has no schema."""
        schema = self._schemas.get(item_id)
        return None if schema is None else HeldAnswer(self._matcher(self._grammars[schema]), self._stops)

    def _grammar(self, schema: str) -> str:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            bounded(json.loads(schema)), overrides={"whitespace_pattern": _SPACE}
        )
        matcher = self._matcher(grammar)
        if not _allowed(matcher).any() or matcher.is_error():
            raise ConstraintError(f"this model's vocabulary cannot write the {{ that JSON begins with. {_INSTEAD}")
        return grammar

    def _matcher(self, grammar: str) -> llguidance.LLMatcher:
        matcher = llguidance.LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise ConstraintError(f"the schema cannot be made a grammar ({_why(matcher)}). {_INSTEAD}")
        return matcher


_INSTEAD = "Set `constrained: off` under `evaluation:` in config.yaml: the model is then asked freely."


class HeldAnswer:
    """One answer that is being written: what may come next."""

    def __init__(self, matcher: llguidance.LLMatcher, stops: Sequence[int]) -> None:
        self._matcher = matcher
        self._stops = list(stops)

    def allowed(self, written: Sequence[int], width: int) -> np.ndarray:
        """Which tokens may follow, bool [width]. written: tokens since the last call; width: of the model's output."""
        matcher = self._matcher
        for token in written:
            if not matcher.is_stopped():
                matcher.consume_token(token)
        if matcher.is_error():
            raise ConstraintError(f"an answer could not be held to its schema ({_why(matcher)}). {_INSTEAD}")
        row = np.zeros(width, dtype=bool)
        if matcher.is_stopped():  # complete, or ended already: then generate pads whatever is chosen here
            row[self._stops] = True
        else:
            known = _allowed(matcher)[:width]  # the model's output may be wider than the vocabulary
            row[: known.size] = known
        return row


class _Held(transformers.LogitsProcessor):
    """Called by generate before each token is chosen; follows what every row of the batch has written."""

    def __init__(self, rows: Sequence[HeldAnswer | None]) -> None:
        self._rows = rows
        self._read: int | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Forbid what does not fit; the first call tells where the answers begin, whatever the architecture puts before them."""
        read = input_ids.shape[1] if self._read is None else self._read
        written, self._read = input_ids[:, read:].tolist(), input_ids.shape[1]
        allowed = np.ones(scores.shape, dtype=bool)
        for number, row in enumerate(self._rows):
            if row is not None:
                allowed[number] = row.allowed(written[number], scores.shape[1])
        return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -torch.inf)


def bounded(schema: Any) -> Any:
    """The schema with every number held to DECIMALS where it says nothing itself."""
    if isinstance(schema, list):
        return [bounded(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    known = {key: bounded(value) for key, value in schema.items()}
    return {"multipleOf": DECIMALS, **known} if known.get("type") == "number" else known


def _why(matcher: llguidance.LLMatcher) -> str:
    """What llguidance says, in one line and without its inner state."""
    return " ".join(matcher.get_error().split("<state>")[0].split())


def _allowed(matcher: llguidance.LLMatcher) -> np.ndarray:
    """Whether each token of the vocabulary may come next."""
    return np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little").astype(bool)

"""Asking every model the same items, reusing what is already on disk. Comparing what they answered does not belong here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.batch_halving import Ask, asked_in_halves
from lyo_pipelines.evaluation.engine.constrained import Constraint
from lyo_pipelines.evaluation.engine.encoding import Encoded, encode_to_ask
from lyo_pipelines.evaluation.engine.model_host import LeanRows, ModelHost
from lyo_pipelines.evaluation.engine.outputs import Batch, OutputsFolder, by_item
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs, ModelSpec
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs, Timing
from lyo_pipelines.evaluation.planning.assemble import outputs_key
from lyo_pipelines.evaluation.planning.memory import estimate_answers, largest_fitting
from lyo_pipelines.external_process.progress import Progress
from lyo_pipelines.training.dimensions import dimensions_of_config
from lyo_pipelines.training.engine.decoding import positions_of, stop_ids
from lyo_pipelines.training.memory import free_bytes

LIKELIHOOD, ANSWERS, WAITING = "likelihood", "answers", "response_time"


@dataclass(frozen=True)
class Asker:
    """All that is needed to ask one model after the other."""

    inputs: EvaluationInputs
    host: ModelHost
    cache: Path
    progress: Progress
    answers: bool = True
    """False: only the references' likelihoods are measured, and nothing is asked."""
    on: str = ""
    """Name of the items where they are not the evaluation's own, for the progress."""

    def ask(self, spec: ModelSpec) -> ModelOutputs:
        """Ask one model whatever is not on disk yet."""
        folder = OutputsFolder(self.cache / self.key(spec))
        with folder.locked():
            reused = self._complete(folder)
            if not reused:
                self._ask_model(spec, folder)
            else:
                self.progress.start("reused answers", self.shown(spec), len(self.inputs.items), len(self.inputs.items))
            return self._collect(folder, reused=reused)

    def key(self, spec: ModelSpec) -> str:
        """Name of the folder of a model's outputs."""
        key = outputs_key(self.inputs, spec, device=self.host.device, dtype=self.host.dtype_name)
        return key if self.answers else f"{key}-loss"

    def _ask_model(self, spec: ModelSpec, folder: OutputsFolder) -> None:
        config = self.inputs.config
        self.progress.start("load", self.shown(spec), 1)
        with self.host.using(spec) as (model, tokenizer):
            self.progress.update(1, 1)
            self.host.reset_memory()
            encoded, limit = encode_to_ask(
                tokenizer, self.inputs.items,
                max_length=config.max_length, positions=positions_of(model), max_new_tokens=config.max_new_tokens,
            )  # fmt: skip
            asked = [e for e in encoded if not e.plain and self.answers]
            schemas = self.inputs.schemas
            constraint = Constraint(tokenizer, stop_ids(tokenizer, model), schemas) if schemas else None
            together = self._together(spec, model, asked, limit)
            self._stage(spec, folder, LIKELIHOOD, encoded, config.loss_batch, lambda left, at_once: (
                generate.likelihood(model, tokenizer, batch)
                for batch in generate.batches_by_length(left, at_once, whole=True)
            ))  # fmt: skip
            lean = self.host.lean(spec)

            def answers(left: Sequence[Encoded], at_once: int) -> Iterator[Batch]:
                if lean is not None:
                    stops = stop_ids(tokenizer, model)
                    yield from generate.lean_answers(
                        lean, tokenizer, left, stops=stops, max_new_tokens=limit, at_once=at_once, constraint=constraint
                    )
                    return
                for batch in generate.batches_by_length(left, at_once, whole=False):
                    yield generate.answers(model, tokenizer, batch, max_new_tokens=limit, constraint=constraint)

            self._stage(spec, folder, ANSWERS, asked, together, answers)
            self._waiting(spec, folder, model, tokenizer, asked, limit=limit, lean=lean)

    def _stage(
        self, spec: ModelSpec, folder: OutputsFolder, stage: str, encoded: Sequence[Encoded], at_once: int, ask: Ask
    ) -> None:
        if not encoded:
            return
        there = {item_id for batch in folder.batches(stage) for item_id in batch["ids"]}
        left = [e for e in encoded if e.item_id not in there]
        done, total = len(encoded) - len(left), len(encoded)
        self.progress.start(stage, self.shown(spec), total, done)
        for batch in asked_in_halves(left, at_once, ask, release=self.host.release_memory, say=self.progress.say):
            folder.append(stage, batch)
            done += len(batch["ids"])
            self.progress.update(done, total)

    def _together(self, spec: ModelSpec, model: Any, asked: Sequence[Encoded], limit: int) -> int:
        """How many items are asked together: as many as the configuration wants, or as the free memory is estimated to hold."""
        wanted, dimensions = self.inputs.config.generation_batch, dimensions_of_config(model.config.to_dict())
        if dimensions is None or not asked:
            return wanted
        device = "cuda" if self.host.device.startswith("cuda") else "cpu"

        def needed(batch: int) -> float:
            parts = estimate_answers(
                dimensions, batch=batch, prompt=max(len(e.prompt) for e in asked), answer=limit, four_bit=spec.four_bit,
                size=self.host.dtype.itemsize, device=device,
            ).parts  # fmt: skip
            return parts["cache"] + parts["work"] + parts["logits"]  # the others are there already

        fitting = largest_fitting(min(wanted, len(asked)), needed, free_bytes(device))
        if fitting < min(wanted, len(asked)):
            self.progress.say(f"{self.shown(spec)}: {fitting} items together instead of {wanted}, for the free memory")
            return fitting
        return wanted

    def _waiting(
        self,
        spec: ModelSpec,
        folder: OutputsFolder,
        model: Any,
        tokenizer: Any,
        encoded: list[Encoded],
        *,
        limit: int,
        lean: LeanRows | None,
    ) -> None:
        if folder.read(WAITING) is not None:
            return
        config = self.inputs.config
        probe = _spread(encoded, config.latency_items)
        if probe:
            self.progress.start("response time", self.shown(spec), len(probe))
        times = []
        how = {"new_tokens": config.latency_new_tokens, "synchronize": self.host.synchronize}
        for measured in (
            generate.waiting_times(model, tokenizer, probe, **how)
            if lean is None
            else generate.lean_waiting_times(lean, probe, **how)
        ):
            times.append(measured)
            self.progress.update(len(times), len(probe))
        environment = {
            "times": times,
            "max_new_tokens": limit,
            "peak_memory_bytes": self.host.peak_memory_bytes(),
            "device": self.host.device,
            "dtype": self.host.dtype_name,
        }
        folder.write(WAITING, environment)

    def shown(self, spec: ModelSpec) -> str:
        """What the progress calls a model."""
        return f"{spec.role} on {self.on}" if self.on else spec.role

    def _is_asked(self, item: Item) -> bool:
        return self.answers and not item.is_plain

    def _complete(self, folder: OutputsFolder) -> bool:
        everything = {item.item_id for item in self.inputs.items}
        asked = {item.item_id for item in self.inputs.items if self._is_asked(item)}
        return folder.read(WAITING) is not None and all(
            {item_id for batch in folder.batches(stage) for item_id in batch["ids"]} >= wanted
            for stage, wanted in ((LIKELIHOOD, everything), (ANSWERS, asked))
        )

    def _collect(self, folder: OutputsFolder, *, reused: bool) -> ModelOutputs:
        scored = by_item(folder.batches(LIKELIHOOD), ("nll_sums", "nll_tokens", "cut"))
        batches = folder.batches(ANSWERS)
        nothing = {item.item_id: ("", 0, False, 0) for item in self.inputs.items if not self._is_asked(item)}
        written = nothing | by_item(batches, ("texts", "answer_tokens", "truncated", "prompt_tokens"))
        order = [item.item_id for item in self.inputs.items]
        waiting: dict[str, Any] = folder.read(WAITING) or {}  # JSON of a cache that may be removed
        seconds = sum(batch["seconds"][0] for batch in batches)
        tokens = sum(sum(batch["answer_tokens"]) for batch in batches)
        return ModelOutputs(
            nll_sums=[scored[i][0] for i in order],
            nll_tokens=[scored[i][1] for i in order],
            cut=[bool(scored[i][2]) for i in order],
            texts=[written[i][0] for i in order],
            answer_tokens=[written[i][1] for i in order],
            truncated=[written[i][2] for i in order],
            prompt_tokens=[written[i][3] for i in order],
            max_new_tokens=waiting["max_new_tokens"],
            timing=Timing(
                first_token_seconds=[t["first"] for t in waiting["times"]],
                total_seconds=[t["total"] for t in waiting["times"]],
                probe_tokens=self.inputs.config.latency_new_tokens,
                generation_seconds=seconds,
                generation_tokens_per_second=tokens / seconds if seconds else math.nan,
                peak_memory_bytes=waiting["peak_memory_bytes"],
                device=waiting["device"],
                dtype=waiting["dtype"],
                reused=reused,
            ),
        )


def _spread(encoded: list[Encoded], count: int) -> list[Encoded]:
    """Evenly over prompt lengths, so that long prompts are timed too."""
    ordered = sorted(encoded, key=lambda e: (len(e.prompt), e.item_id))
    count = min(count, len(ordered))
    return [ordered[int((k + 0.5) * len(ordered) / count)] for k in range(count)]

"""The models of the embedded engine: one base in memory, the adapters that were last asked for, and the proof of each.

Everything here runs on the engine's one thread. Who is asked when belongs to worker.py.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import torch
from safetensors import SafetensorError

from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.inference.lean_model import LeanModel
from lyo_pipelines.inference.lora_rows import RowLora
from lyo_pipelines.inference.row_batch import Row, RowBatch
from lyo_pipelines.serving.engines.engine import NotAppliedError, Proof
from lyo_pipelines.serving.engines.proving import prove_applied, stored_probes
from lyo_pipelines.training.engine.decoding import stop_ids
from lyo_pipelines.training.probes import Measured, Probe, ProbeSet, Quantisation
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class HeldModel:
    """A base, or an adapter on it, ready to be asked. lean: None where its requests are answered one at a time by transformers."""

    spec: ModelSpec
    lean: LeanModel | None
    adapter: RowLora | None
    tokenizer: Any
    stops: frozenset[int]


class TorchModels:
    """Loads what is asked for. most: adapters in memory at once."""

    def __init__(
        self, models_dir: Path, *, device: str, dtype: str, most: int, on_drop: Callable[[HeldModel], None]
    ) -> None:
        """on_drop: told of each model that leaves memory."""
        self.host = ModelHost(models_dir, device=device, dtype=dtype, attention=None)
        self._most, self._on_drop = most, on_drop
        self._held: OrderedDict[str, HeldModel] = OrderedDict()
        self._proofs: dict[HeldModel, Proof | NotAppliedError | None] = {}

    @property
    def quantisation(self) -> Quantisation:
        """Of the base in memory."""
        if self.host.loaded is not None and self.host.loaded[1]:
            return "4-bit"
        name = self.host.dtype_name
        return cast("Quantisation", name) if name in get_args(Quantisation) else "float32"

    def is_loaded(self, spec: ModelSpec) -> bool:
        """Whether the spec's base is the one in memory: another one can only take its place."""
        return self.host.loaded == self.host.base_of(spec)

    def get(self, spec: ModelSpec, in_use: Collection[RowLora]) -> HeldModel:
        """Load the base or adapter, unless it is there. in_use: adapters that must stay.

        Raises DamagedAdapterError where an adapter cannot be loaded, MissingBaseModelError without a base.
        """
        if not self.is_loaded(spec):
            for held in list(self._held.values()):
                self._drop(held)
        if (held := self._held.get(spec.role)) is not None and held.spec == spec:
            self._held.move_to_end(spec.role)
            return held
        if (old := self._held.get(spec.role)) is not None:
            self._drop(old)
        try:
            with self.host.using(spec) as (model, tokenizer):
                rows = self.host.lean(spec)
                stops = frozenset(stop_ids(tokenizer, model))
        except (RuntimeError, ValueError, KeyError, OSError, SafetensorError) as error:
            if spec.adapter_dir is None or isinstance(error, torch.OutOfMemoryError):
                raise
            self.host.forget(spec)
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DamagedAdapterError(
                f"{spec.adapter_dir} cannot be loaded on {spec.base_name}: {first[:200]}"
            ) from error
        held = HeldModel(spec, rows.model if rows else None, rows.adapter if rows else None, tokenizer, stops)
        self._held[spec.role] = held
        self._make_room(in_use, held)
        return held

    def _make_room(self, in_use: Collection[RowLora], newest: HeldModel) -> None:
        """After the new one was loaded: peft's layers are never without any adapter then."""
        adapters = [held for held in self._held.values() if held.spec.adapter_dir is not None]
        free = [one for one in adapters if one is not newest and not any(one.adapter is used for used in in_use)]
        for held in free[: max(len(adapters) - self._most, 0)]:
            self._drop(held)

    def _drop(self, held: HeldModel) -> None:
        self.host.forget(held.spec)
        self._held.pop(held.spec.role, None)
        self._proofs.pop(held, None)
        self._on_drop(held)

    def proof(self, held: HeldModel) -> Proof | None:
        """The proof of a model in memory, made at once where there is none yet. Raises NotAppliedError, each time it is asked."""
        for _ in self.proving(held):
            pass
        found = self._proofs.get(held)
        if isinstance(found, NotAppliedError):
            raise NotAppliedError(found.message)
        return found

    def proving(self, held: HeldModel) -> Iterator[None]:
        """Make the proof, a pass at a time; nothing is done where it was made since the adapter was loaded."""
        folder = held.spec.adapter_dir
        if folder is None or held in self._proofs:
            return
        outcome: Proof | NotAppliedError | None = None
        if (probes := stored_probes(folder)) is not None:
            measured: list[Measured] = []
            yield from self._measure(held, probes, measured)
            try:
                outcome = prove_applied(folder, probes, measured, self.quantisation)
            except NotAppliedError as error:
                _log.error("refused: %s", error)
                outcome = error
        self._proofs[held] = outcome

    def _measure(self, held: HeldModel, probes: ProbeSet, measured: list[Measured]) -> Iterator[None]:
        if held.lean is not None:
            yield from _measured_by_row(held.lean, held.adapter, probes, measured)
            return
        for probe in probes.probes:
            with self.host.using(held.spec) as (model, _):
                measured.append(_measured_alone(model, probe))
            yield


def _measured_by_row(
    lean: LeanModel, adapter: RowLora | None, probes: ProbeSet, measured: list[Measured]
) -> Iterator[None]:
    """As requests are answered: each beginning is read, its last token is a step of a batch that holds a row of the base as well."""
    batch = RowBatch(lean, most=len(probes.probes) + 1)
    found: list[dict[int, float]] = [{} for _ in probes.probes]
    asked = [(probe, adapter, _Recorder(probe, into)) for probe, into in zip(probes.probes, found, strict=True)]
    asked.append((probes.probes[0], None, _Recorder(probes.probes[0], {})))
    for probe, one, recorder in asked:
        before = probe.tokens[:-1] or probe.tokens
        batch.start(
            [
                Row(
                    list(before),
                    limit=1 + len(probe.tokens) - len(before),
                    stops=frozenset(),
                    adapter=one,
                    choose=recorder,
                )
            ]
        )
        batch.read_on()
        yield
    while batch.rows:
        batch.step()
        yield
    measured += found


class _Recorder:
    """Chooses the tokens of a probe and keeps the log-probabilities behind its last one."""

    def __init__(self, probe: Probe, into: dict[int, float]) -> None:
        self._probe, self._into = probe, into
        self._left = list(probe.tokens[-1:]) if len(probe.tokens) > 1 else []

    def __call__(self, logits: torch.Tensor, written: Any) -> int:
        if self._left:
            return self._left.pop()
        self._into |= _told(logits, self._probe)
        return 0


def _measured_alone(model: Any, probe: Probe) -> Measured:
    """By transformers' own forward."""
    ids = torch.tensor([probe.tokens], device=model.device)
    if not model.config.is_encoder_decoder:
        return _told(model(input_ids=ids).logits[0, -1], probe)
    encoder = torch.tensor([probe.encoder_tokens], device=model.device)
    return _told(model(input_ids=encoder, decoder_input_ids=ids).logits[0, -1], probe)


def _told(logits: torch.Tensor, probe: Probe) -> dict[int, float]:
    shares = torch.log_softmax(logits.float(), dim=-1)
    known = [one.id for one in probe.next if 0 <= one.id < shares.numel()]
    return dict(zip(known, shares[torch.tensor(known, dtype=torch.long, device=shares.device)].tolist(), strict=True))

"""Proof that an engine answers as the adapter it was given: its log-probabilities of the stored probes, judged. Measuring them is each
engine's own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from lyo_pipelines.serving.engines.engine import NotAppliedError, Proof
from lyo_pipelines.training.probes import (
    Measured,
    NotReproducedError,
    ProbeSet,
    Quantisation,
    judge,
    read_probes,
)

_log = logging.getLogger(__name__)


def stored_probes(adapter_dir: Path) -> ProbeSet | None:
    """The probes of an adapter; None where its training wrote none, which is said in the log. Raises DocumentError."""
    probes = read_probes(adapter_dir)
    if probes is None:
        _log.warning(
            "%s has no probes: it was trained before there were any (or is a whole model), and whether it is applied is not proved",
            adapter_dir,
        )
    return probes


def prove_applied(
    adapter_dir: Path,
    probes: ProbeSet,
    measured: Sequence[Measured],
    quantisation: Quantisation,
    *,
    tolerance: float | None = None,
) -> Proof:
    """The proof, from what the engine measured (see training's `judge`). Raises NotAppliedError naming the adapter."""
    try:
        found = judge(probes, measured, quantisation, tolerance=tolerance)
    except NotReproducedError as error:
        raise NotAppliedError(f"{adapter_dir}: {error}") from error
    if found.faint:
        _log.warning(
            "%s differs from its base by %.4f nats, within the tolerance of %g: whether it is applied cannot be told",
            adapter_dir, found.gap, found.tolerance,
        )  # fmt: skip
    return Proof(found.to_adapter, found.to_base, found.tolerance)

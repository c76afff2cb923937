"""Asking a model of the comparison that a provider holds. Its report needs every answer: some items are another test set."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.engine.ask_endpoints import ask_remote, outputs_of, questions_of
from lyo_pipelines.evaluation.engine.ask_models import Asker
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.hosted.reaching import remote_of


class UnansweredError(LyoError):
    """The provider did not answer everything, so nothing is compared."""


def ask_any(asker: Asker, spec: ModelSpec) -> ModelOutputs:
    """Ask a model, wherever it is. Raises UnansweredError, HostedRefusedError."""
    if (model := spec.hosted) is None:
        return asker.ask(spec)
    inputs = asker.inputs
    assert inputs.provider is not None  # gather_inputs has asked it whether this one may be asked
    limit = inputs.config.max_new_tokens or inputs.provider.answer_tokens
    remote = remote_of(model, inputs.provider, "evaluate", inputs.config.endpoint_defaults.parallel)
    replies = ask_remote(
        remote, questions_of(inputs.items, inputs.curation),
        max_tokens=limit, name=asker.shown(spec), cache=asker.cache, progress=asker.progress,
    )  # fmt: skip
    if replies.why:
        raise UnansweredError(
            f"{spec.version}: {replies.why}", hint="Evaluate again: what was answered is kept and not asked again."
        )
    return outputs_of(inputs.items, replies, limit)


def ask_all(asker: Asker) -> dict[str, ModelOutputs]:
    """Role -> outputs, for every model of the evaluation; the base comes first."""
    return {spec.role: ask_any(asker, spec) for spec in asker.inputs.models}

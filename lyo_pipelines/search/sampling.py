"""Optuna by ask and tell: which figures a trial tries, and whether it is given up. Nothing of Optuna is stored.

A study is made anew from the records for every question, in memory, and its sampler is seeded by the search's seed and the number of
the trial. So a search that was killed asks the same questions as one that was not. (A study's own `optimize` stops no trial when its
time is over, and its SQLite storage locks: optuna #1484, #820.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from lyo_pipelines.config.search import Figure, Range, SearchConfig
from lyo_pipelines.search.record import TrialRecord

optuna.logging.set_verbosity(optuna.logging.WARNING)

_IMPORTANCE_FROM = 6
"""Complete trials below which it cannot be said which figure matters."""


def proposed_figures(
    config: SearchConfig, earlier: Sequence[TrialRecord], own: Mapping[str, Figure]
) -> dict[str, Figure]:
    """What trial number len(earlier) tries: the recipe's own figures first, then what TPE proposes."""
    if not earlier:
        return dict(own)
    return dict(_asked(config, earlier, {}).params)


def is_hopeless(config: SearchConfig, earlier: Sequence[TrialRecord], trial: TrialRecord) -> bool:
    """Whether a running trial is to be given up after its last validation (Optuna's MedianPruner). Trial 0 never is."""
    if not trial.number or not trial.values:
        return False
    asked = _asked(config, earlier, trial.figures)
    for index, value in enumerate(trial.values):
        asked.report(value, index)
    return asked.should_prune()


def importance_of(config: SearchConfig, records: Sequence[TrialRecord]) -> dict[str, float]:
    """Share of each figure in how trials differ, largest first; {} where too few are complete or none differs."""
    losses = {one.loss for one in records if one.state == "complete"}
    if sum(one.state == "complete" for one in records) < _IMPORTANCE_FROM or len(losses) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=config.seed)
    return dict(optuna.importance.get_param_importances(_study(config, records), evaluator=evaluator))


def _asked(config: SearchConfig, earlier: Sequence[TrialRecord], figures: Mapping[str, Figure]) -> optuna.Trial:
    study = _study(config, earlier)
    if figures:
        study.enqueue_trial(dict(figures))
    return study.ask(_distributions(config))


def _study(config: SearchConfig, earlier: Sequence[TrialRecord]) -> optuna.Study:
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(
            n_startup_trials=config.random_trials, seed=_seed(config.seed, len(earlier))
        ),
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=config.prune.after_trials, n_warmup_steps=config.prune.after_validations
        ),
        direction="minimize",
    )
    for record in earlier:
        study.add_trial(_frozen(config, record))
    return study


def _frozen(config: SearchConfig, record: TrialRecord) -> FrozenTrial:
    complete = record.state == "complete"
    # a trial that diverged or failed is worse than any other, and TPE learns that only from one that was given up
    return create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        value=record.loss if complete else None,
        params=dict(record.figures),
        distributions=_distributions(config),
        intermediate_values=dict(enumerate(record.values)),
    )


def _distributions(config: SearchConfig) -> dict[str, BaseDistribution]:
    return {key: _distribution(found) for key, found in config.ranges.items()}


def _distribution(found: Range) -> BaseDistribution:
    if found.choices is not None:
        return CategoricalDistribution(found.choices)
    assert found.low is not None and found.high is not None  # the model has seen to it
    if isinstance(found.low, int) and isinstance(found.high, int):
        return IntDistribution(found.low, found.high, log=bool(found.log))
    return FloatDistribution(float(found.low), float(found.high), log=bool(found.log))


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big")

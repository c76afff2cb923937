"""Which examples make which micro-batch in which order, until the budget is spent: a pure function of lengths and seed.

The whole training is planned before it starts, so the schedule ends with it, the time left is known, and a resumed run goes on in
the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.mixing import epoch_order
from lyo_pipelines.training.recipes import BatchSection, BudgetSection, Mixing

WINDOW_STEPS = 8
"""Examples are sorted by length inside windows of this many optimizer steps: short enough to stay random."""


class EmptyTrainingError(LyoError):
    """There is nothing to train on."""


@dataclass(frozen=True)
class TrainingPlan:
    """Micro-batches (indices of examples) in order; each `accumulation` of them make one optimizer step."""

    micro_batches: tuple[tuple[int, ...], ...]
    tokens: tuple[int, ...]
    accumulation: int
    examples: int

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return -(-len(self.micro_batches) // self.accumulation)

    @cached_property
    def tokens_after(self) -> np.ndarray:
        """int64[steps + 1]: non-padding tokens trained on after each optimizer step."""
        bounds = [min((step + 1) * self.accumulation, len(self.tokens)) for step in range(self.steps)]
        cumulative = np.concatenate([[0], np.cumsum(self.tokens, dtype=np.int64)])
        return cumulative[np.array([0, *bounds])]

    @cached_property
    def epoch_after(self) -> np.ndarray:
        """float64[steps + 1]: passes over the training split after each optimizer step."""
        sizes = [len(batch) for batch in self.micro_batches]
        cumulative = np.concatenate([[0], np.cumsum(sizes)])
        bounds = [min((step + 1) * self.accumulation, len(sizes)) for step in range(self.steps)]
        return cumulative[np.array([0, *bounds])] / self.examples


def plan_training(
    lengths: np.ndarray,
    batch: BatchSection,
    budget: BudgetSection,
    seed: int,
    *,
    segments: Sequence[str] | None = None,
    mixing: Mixing | None = None,
) -> TrainingPlan:
    """Plan the training. lengths: int[n] tokens per example; segments, mixing: where each comes from, and how much each part counts.

    Each epoch is a seeded shuffle. With `group_by_length`, windows of it are sorted by length and cut into micro-batches, which are
    shuffled again. The plan ends with the step that reaches the budget; there is always at least one step.
    Raises EmptyTrainingError without examples.
    """
    count = len(lengths)
    if count == 0:
        raise EmptyTrainingError("the training split is empty: nothing to train on")
    micro: list[tuple[int, ...]] = []
    tokens: list[int] = []
    wanted_examples = max(1, round(budget.epochs * count))
    taken = spent = epoch = 0
    while taken < wanted_examples:
        order = epoch_order(segments or [""] * count, mixing or Mixing(), np.random.default_rng([seed, epoch]))
        for indices in _epoch_batches(order, lengths, batch, seed, epoch):
            if taken >= wanted_examples:
                break
            at_step_start = len(micro) % batch.accumulation == 0
            if at_step_start and micro and _spent(spent, len(micro) // batch.accumulation, budget):
                return TrainingPlan(tuple(micro), tuple(tokens), batch.accumulation, count)
            part = indices[: wanted_examples - taken]
            micro.append(tuple(int(i) for i in part))
            tokens.append(int(lengths[part].sum()))
            taken += len(part)
            spent += tokens[-1]
        epoch += 1
    return TrainingPlan(tuple(micro), tuple(tokens), batch.accumulation, count)


@dataclass(frozen=True)
class Place:
    """A micro-batch (its number in the plan) in a process's order; one that is not counted only keeps step with the others."""

    number: int
    counted: bool = True


@dataclass(frozen=True)
class Share:
    """What one of several processes trains, in order; each `accumulation` of its places are its part of one optimizer step."""

    places: tuple[Place, ...]
    accumulation: int

    def of_step(self, step: int) -> tuple[Place, ...]:
        """Its part of the optimizer step after `step` others."""
        return self.places[step * self.accumulation : (step + 1) * self.accumulation]


def deal(plan: TrainingPlan, processes: int) -> list[Share]:
    """Deal the micro-batches of each step to processes: each gets as many, and about as many tokens.

    The step stays what it is in one process: the same micro-batches, in another order of adding. A last step with too few of them
    is filled up with its shortest, which does not count. Raises ValueError where a step cannot be dealt evenly.
    """
    if plan.accumulation % processes:
        raise ValueError(f"{plan.accumulation} micro-batches cannot be dealt evenly to {processes} processes")
    shares: list[list[Place]] = [[] for _ in range(processes)]
    for start in range(0, len(plan.micro_batches), plan.accumulation):
        numbers = range(start, min(start + plan.accumulation, len(plan.micro_batches)))
        for share, hand in zip(shares, _hands(numbers, plan.tokens, processes), strict=True):
            share.extend(hand)
    return [Share(tuple(share), plan.accumulation // processes) for share in shares]


def _hands(numbers: range, tokens: Sequence[int], processes: int) -> list[list[Place]]:
    """One step, dealt: the longest first, each to whom has least and has room."""
    room = -(-len(numbers) // processes)
    hands: list[list[int]] = [[] for _ in range(processes)]
    for number in sorted(numbers, key=lambda one: -tokens[one]):
        least = min((hand for hand in hands if len(hand) < room), key=lambda hand: sum(tokens[one] for one in hand))
        least.append(number)
    shortest = min(numbers, key=lambda one: tokens[one])
    return [
        [Place(number) for number in sorted(hand)] + [Place(shortest, counted=False)] * (room - len(hand))
        for hand in hands
    ]


def seen_by_segment(plan: TrainingPlan, segments: Sequence[str]) -> dict[str, dict[str, int]]:
    """{segment: {"examples": how many there are, "seen": how often one is seen in the whole plan}}."""
    found = {key: {"examples": count, "seen": 0} for key, count in sorted(Counter(segments).items())}
    for index in chain.from_iterable(plan.micro_batches):
        found[segments[index]]["seen"] += 1
    return found


def evaluation_batches(lengths: np.ndarray, size: int) -> list[list[int]]:
    """Fixed batches by descending length: the largest first, so that memory fails at once or never."""
    order = np.argsort(-lengths, kind="stable")
    return [order[start : start + size].tolist() for start in range(0, len(order), size)]


def _epoch_batches(
    order: np.ndarray, lengths: np.ndarray, batch: BatchSection, seed: int, epoch: int
) -> list[np.ndarray]:
    if not batch.group_by_length:
        return [order[start : start + batch.size] for start in range(0, len(order), batch.size)]
    rng = np.random.default_rng([seed, epoch, 1])
    window = batch.size * batch.accumulation * WINDOW_STEPS
    result: list[np.ndarray] = []
    for start in range(0, len(order), window):
        part = order[start : start + window]
        part = part[np.argsort(lengths[part], kind="stable")]
        cut = [part[at : at + batch.size] for at in range(0, len(part), batch.size)]
        result += [cut[i] for i in rng.permutation(len(cut))]
    return result


def _spent(tokens: int, steps: int, budget: BudgetSection) -> bool:
    return (budget.tokens is not None and tokens >= budget.tokens) or (
        budget.steps is not None and steps >= budget.steps
    )

"""What the report says about models behind endpoints: answers, tokens, cost, waiting. Their metrics stand among the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyo_pipelines.config.evaluation import Remote
from lyo_pipelines.contracts.report_sections import EndpointSection, JudgeSection, RemoteUsage
from lyo_pipelines.contracts.report_values import Percentiles


@dataclass(frozen=True)
class EndpointUsage:
    """What asking took: tokens as the endpoint counted them (None: it did not say of every request), seconds of each request."""

    requests: int
    tokens_in: int | None
    tokens_out: int | None
    seconds: tuple[float, ...] = ()

    @classmethod
    def of(cls, tokens: Sequence[tuple[int | None, int | None]], seconds: Sequence[float]) -> EndpointUsage:
        """Add up requests."""

        def total(column: int) -> int | None:
            known = [count for row in tokens if (count := row[column]) is not None]
            return sum(known) if len(known) == len(tokens) else None

        return cls(len(tokens), total(0), total(1), tuple(seconds))

    def usage(self, remote: Remote) -> RemoteUsage:
        """The same as values of the report, with the cost at the remote's prices (None where price or tokens are not known)."""
        p50, p95 = (np.percentile(self.seconds, [50, 95]) * 1000) if self.seconds else (None, None)
        return RemoteUsage(
            url=remote.url,
            model=remote.model,
            requests=self.requests,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            cost=cost(self, remote),
            answer_ms=Percentiles(
                p50=None if p50 is None else round(float(p50), 1), p95=None if p95 is None else round(float(p95), 1)
            ),
        )


def cost(spent: EndpointUsage, remote: Remote) -> float | None:
    """Price of what was spent, in the currency of the prices."""
    prices = (remote.price_per_million_in, remote.price_per_million_out)
    tokens = (spent.tokens_in, spent.tokens_out)
    parts = [
        count * price / 1e6
        for count, price in zip(tokens, prices, strict=True)
        if count is not None and price is not None
    ]
    return sum(parts) if len(parts) == len(prices) else None


def endpoint_section(
    name: str, remote: Remote, spent: EndpointUsage, *, asked: int, answered: int, why: str
) -> EndpointSection:
    """One entry of the report's `endpoints`. why: of answers that are missing."""
    usage = spent.usage(remote)
    per_answer = None if usage.cost is None or not answered else usage.cost / answered
    return EndpointSection(
        name=name, asked=asked, answered=answered, why=why, cost_per_answer=per_answer, **dict(usage)
    )


def is_incomplete(endpoints: Sequence[EndpointSection], judge: JudgeSection | None) -> tuple[str, ...]:
    """What a report still waits for: a later evaluation asks again for what is missing."""
    missing = [f"{entry.name}: {entry.why}" for entry in endpoints if entry.why]
    return (*missing, *([f"judge: {judge.why}"] if judge and judge.why else []))

"""What Prometheus may know of the gateway: counts and times by segment, arm and engine, never a user, a key or a text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from lyo_pipelines.serving.models import ModelChoice

_LABELS = ("segment", "arm", "engine")
_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The numbers of one gateway (one process). engine: its name."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("lyo_requests", "Requests that ended", (*_LABELS, "outcome"), registry=registry)
        self._tokens = Counter("lyo_tokens", "Tokens of prompts and answers", (*_LABELS, "kind"), registry=registry)
        self._first = Histogram(
            "lyo_time_to_first_token_seconds", "Until the first piece", _LABELS, buckets=_SECONDS, registry=registry
        )
        self._whole = Histogram(
            "lyo_response_seconds", "Until the whole answer", _LABELS, buckets=_SECONDS, registry=registry
        )
        self._turned_away = Counter("lyo_turned_away", "Requests that were not accepted", ("why",), registry=registry)
        self._fallbacks = Counter(
            "lyo_fallbacks", "Answers that another model gave than the routed one", _LABELS, registry=registry
        )
        self._feedback = Counter("lyo_feedback", "Feedback that was kept", registry=registry)
        self.queue = Gauge("lyo_queue", "Requests that are answered or wait", registry=registry)
        self.journal = Gauge("lyo_journal_waiting", "Lines that the journal has not written yet", registry=registry)
        self.refused = Gauge("lyo_refused_adapters", "Adapters that the engine did not apply", registry=registry)

    def ended(self, choice: ModelChoice, outcome: str, seconds: float) -> None:
        """outcome: stop, length, tool_calls, no_source, or failed, cut, gone."""
        labels = self._labels(choice)
        self._requests.labels(*labels, outcome).inc()
        self._whole.labels(*labels).observe(seconds)

    def first_piece(self, choice: ModelChoice, seconds: float) -> None:
        """The first piece of an answer is there."""
        self._first.labels(*self._labels(choice)).observe(seconds)

    def tokens(self, choice: ModelChoice, prompt: int, answer: int) -> None:
        """Of one answer."""
        labels = self._labels(choice)
        self._tokens.labels(*labels, "prompt").inc(prompt)
        self._tokens.labels(*labels, "answer").inc(answer)

    def fell_back(self, choice: ModelChoice) -> None:
        """choice: the model that was routed and did not answer."""
        self._fallbacks.labels(*self._labels(choice)).inc()

    def turned_away(self, why: str) -> None:
        """why: key, host, origin, rate, budget, queue, too_large, too_slow, journal, drain."""
        self._turned_away.labels(why).inc()

    def feedback(self) -> None:
        """Feedback was kept."""
        self._feedback.inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _labels(self, choice: ModelChoice) -> tuple[str, str, str]:
        return choice.segment or "base", choice.arm or "none", self._engine

"""A training that asks whoever started it whether to go on: after each line of metrics.jsonl, one mark on stdout, one line from stdin.

The answer is waited for, so what is decided on a line holds from that very line: a stop after a validation leaves the checkpoint of
that validation, and never a step more on one machine than on another. Who decides, and by what, belongs to the caller.
"""

from __future__ import annotations

import sys

from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest

QUESTION, GO_ON = "?", "go"


class AskingReporter(Reporter):
    """Speaks as the reporter that it stands for; each sentence of progress is a question. No answer (a caller that died) is a no."""

    def __init__(self, reporter: Reporter, stop: StopRequest) -> None:
        super().__init__(reporter.name, reporter.pipes)
        self.stop = stop

    def tell(self, text: str) -> None:
        """Say how far the training is, and wait for the answer."""
        super().tell(text)
        sys.stdout.write(f"{QUESTION}\n")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != GO_ON:
            self.stop.reason = self.stop.reason or "the search ends it"

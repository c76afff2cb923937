"""What a model under training answers to questions: asked as everywhere in this project, scored, and held against its start.

Who rewards and who judges is told from outside (`Scores`): rooms above this one know what a right answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from trl.trainer.utils import use_adapter

from lyo_pipelines.training.engine.chat import Tokens
from lyo_pipelines.training.engine.decoding import generate_ids, padding_id, read_answer, stop_ids
from lyo_pipelines.training.guards import Validation

Score = Callable[[Sequence[str], Sequence[str]], Sequence[float | None]]
"""(keys of questions, one answer to each) -> 0 to 1 for each, None where it cannot say."""
REFERENCE = "ref"
"""TRL's name for the frozen copy of the adapter that training starts from."""


@dataclass(frozen=True)
class Scores:
    """What is rewarded, with its weight, and who judges without being rewarded; by name."""

    rewards: Mapping[str, tuple[float, Score]]
    judges: Mapping[str, Score]

    @property
    def total(self) -> float:
        """The most that an answer can get, before it is divided by this."""
        return sum(weight for weight, _ in self.rewards.values())

    def reward(self, keys: Sequence[str], answers: Sequence[str], finished: Sequence[bool]) -> NDArray[np.float64]:
        """0 to 1 for each answer, as TRL adds them up: what cannot be said counts nothing. Unfinished answers get 0."""
        parts = [weight * as_numbers(score(keys, answers)) for weight, score in self.rewards.values()]
        return np.nansum(parts, axis=0) / self.total * np.asarray(finished, np.float64)


@dataclass(frozen=True)
class Questions:
    """Questions of a split: keys (as Scores knows them), groups, and tokens of prompt and reference answer."""

    keys: tuple[str, ...]
    groups: tuple[str, ...]
    tokens: tuple[Tokens, ...]

    def __len__(self) -> int:
        return len(self.keys)


def as_numbers(scores: Sequence[float | None]) -> NDArray[np.float64]:
    """float64[n], NaN where there is none."""
    return np.array([np.nan if score is None else score for score in scores], np.float64)


class Asker:
    """Asks one model; `longest` tokens an answer."""

    def __init__(self, model: Any, tokenizer: Any, longest: int) -> None:
        self.model, self.tokenizer, self.longest = model, tokenizer, longest
        self.stops = stop_ids(tokenizer, model.get_base_model())

    def write(self, prompts: Sequence[Sequence[int]], temperature: float | None = None) -> list[list[int]]:
        """Answers to prompts as tokens, end mark included; greedy without a temperature."""
        ids, mask = self._left_padded(prompts)
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                rows = generate_ids(
                    self.model,
                    self.tokenizer,
                    ids,
                    mask,
                    stops=self.stops,
                    longest=self.longest,
                    temperature=temperature,
                )
        finally:
            self.model.train(training)
        return [self._until_stop(row) for row in rows]

    def read(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """Their texts."""
        return [read_answer(self.tokenizer, answer) for answer in answers]

    def finished(self, answers: Sequence[Sequence[int]]) -> list[bool]:
        """Which of them the model ended itself."""
        return [bool(answer) and answer[-1] in self.stops for answer in answers]

    def validate(self, questions: Questions, scores: Scores, size: int, told: Callable[[int, int], None]) -> Validation:
        """Greedy answers of the active adapter to all questions, scored. told(done, total) is called after every batch."""
        written: list[list[int]] = []
        apart, tokens = 0.0, 0
        for start in range(0, len(questions), size):
            prompts = [one.prompt for one in questions.tokens[start : start + size]]
            part = self.write(prompts)
            for prompt, answer in zip(prompts, part, strict=True):
                apart += self._distance(prompt, answer)
                tokens += len(answer)
            written += part
            told(len(written), len(questions))
        texts, finished = self.read(written), self.finished(written)
        return Validation(
            reward=scores.reward(questions.keys, texts, finished),
            judges={name: as_numbers(judge(questions.keys, texts)) for name, judge in scores.judges.items()},
            lengths=np.array([len(answer) for answer in written], np.float64),
            unfinished=1 - float(np.mean(finished)),
            kl=apart / max(tokens, 1),
        )

    def validate_start(
        self, questions: Questions, scores: Scores, size: int, told: Callable[[int, int], None]
    ) -> Validation:
        """The same of the adapter that training started from."""
        with use_adapter(self.model, REFERENCE):
            return self.validate(questions, scores, size, told)

    @torch.no_grad()
    def _distance(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """KL(model, start) at each token of an answer, over the whole vocabulary, summed: nats."""
        if not answer or self.model.active_adapter == REFERENCE:
            return 0.0
        ids = torch.tensor([[*prompt, *answer]], device=self.model.device)
        place = slice(len(prompt) - 1, -1)
        now = torch.log_softmax(self.model(input_ids=ids, use_cache=False).logits[0, place].float(), dim=-1)
        with use_adapter(self.model, REFERENCE):
            start = torch.log_softmax(self.model(input_ids=ids, use_cache=False).logits[0, place].float(), dim=-1)
        return float((now.exp() * (now - start)).sum())

    def _left_padded(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), padding_id(self.tokenizer), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt, dtype=torch.long)
            mask[row, width - len(prompt) :] = 1
        return ids.to(self.model.device), mask.to(self.model.device)

    def _until_stop(self, row: list[int]) -> list[int]:
        end = next((at for at, token in enumerate(row) if token in self.stops), len(row) - 1)
        return row[: end + 1]

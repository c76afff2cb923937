"""A prompt that is read once for many answers gives the costs of reading each row whole."""

from __future__ import annotations

import pytest

from lyo_pipelines.privacy_audit.scoring import _after_prompt, _each_whole, answer_costs
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.chat import tokenize
from lyo_pipelines_tests.training.tiny import make_model

PROMPT = [{"role": "user", "content": "add four and five apples so we get"}]
ANSWERS = ["the answer is six.", "seven", "step step step the number is four five six seven."]


@pytest.mark.parametrize("family", ["llama", "gemma2", "gpt2", "t5"])
def test_reading_the_prompt_once_changes_no_cost(tmp_path, family):
    import torch

    folder = make_model(tmp_path / family, family)
    model = base.load_model(str(folder), dtype=torch.float32).eval()
    tokenizer = base.load_tokenizer(str(folder))
    tokens = tokenize([[*PROMPT, {"role": "assistant", "content": one}] for one in ANSWERS], tokenizer, 128)
    with torch.inference_mode():
        model.config.use_cache = True
        whole = _each_whole(model, tokenizer, tokens)
        assert answer_costs(model, tokenizer, PROMPT, ANSWERS, max_length=128, batch=2) == pytest.approx(
            whole, rel=1e-4
        )
        if family != "t5":
            assert _after_prompt(model, tokenizer, tokens) == pytest.approx(whole, rel=1e-4)

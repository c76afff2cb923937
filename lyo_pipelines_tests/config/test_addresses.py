"""No secret stands in an address of the configuration, and none in the error that says so."""

from __future__ import annotations

import pytest

from lyo_pipelines.config.loading import ConfigError, lay_over

SECRET = "hunter2"


WHERE = ["http://svc:{}@h/v1", "https://{}@h/v1", "https://h/v1?api-key={}", "https://h/?x=1&Token={}", "http://[{}/",
         "svc:{}@h:8000", "http:/svc:{}@h/v1"]  # fmt: skip


@pytest.mark.parametrize("address", [one.format(SECRET) for one in WHERE])
@pytest.mark.parametrize(
    "changes",
    [
        lambda url: {"evaluation": {"endpoints": [{"name": "rival", "model": "m", "url": url}]}},
        lambda url: {"gateway": {"server": {"base_url": url}}},
        lambda url: {"alerts": {"ui_url": url}},
    ],
    ids=["endpoint", "server", "ui"],
)
def test_an_address_with_a_secret_is_refused_and_not_repeated(changes, address):
    with pytest.raises(ConfigError) as error:
        lay_over(changes(address))
    assert SECRET not in str(error.value)


def test_an_address_with_a_harmless_query_is_one():
    config = lay_over(
        {"evaluation": {"endpoints": [{"name": "rival", "model": "m", "url": "https://h/v1?api-version=2"}]}}
    )
    assert config.evaluation.endpoints[0].url.endswith("=2")

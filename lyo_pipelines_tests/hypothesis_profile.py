"""How Hypothesis runs here: no clock decides whether a property holds, and every run can be repeated by its seed."""

from __future__ import annotations

import os
import secrets

import pytest
from hypothesis import HealthCheck, settings

_SEED = "hypothesis_seed"

_SCALE = float(os.environ.get("LYO_TEST_EXAMPLES", "1"))


def draws(number: int) -> int:
    """How many examples a property is shown for: `number`, times LYO_TEST_EXAMPLES (0.1: a quick look; 10: a long night)."""
    return max(1, round(number * _SCALE))


# a cold import or a busy machine makes a single example slow, and says nothing of the property
settings.register_profile(
    "lyo", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], max_examples=draws(100)
)
settings.load_profile("lyo")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed that Hypothesis would draw by itself for each test; the workers of xdist are handed the same one."""
    if getattr(config.option, _SEED, None) is None:
        setattr(config.option, _SEED, str(secrets.randbelow(2**32)))


def pytest_report_header(config: pytest.Config) -> str:
    return f"hypothesis seed: {_replay(config)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Also below the failures: `-q` prints no header, and a long run has scrolled it away."""
    terminalreporter.write_line(f"hypothesis seed; the same examples again with {_replay(config)}")


def _replay(config: pytest.Config) -> str:
    return f"--hypothesis-seed={getattr(config.option, _SEED)}"

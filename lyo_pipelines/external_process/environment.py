"""What the libraries of a process are told before torch is loaded: threads, network, noise. A user's own settings win."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# How a thread of torch waits for the others: libgomp asks 300,000 times again before it sleeps, which a busy machine pays for dearly.
SHORT_SPIN = {"GOMP_SPINCOUNT": "20000"}
"""For training, whose products are large: the threads ask a short while, then sleep.

Measured on two cores, tokens/s of a training alone and beside two busy processes: 300,000 turns 618 and 177, 20,000 turns 608
and 243, none (NO_SPIN) 350 and about 200.
"""
NO_SPIN = {"OMP_WAIT_POLICY": "PASSIVE"}
"""For answering, whose products are small and many, so that threads wait often: they sleep at once.

Measured with a model of 135 million weights on two cores beside about twenty busy processes: a short spin gave a quarter of the
answers' tokens/s, and half of the likelihood's. On an idle machine it was not measured.
"""


def prepare_environment(*, offline: bool, waiting: Mapping[str, str] = SHORT_SPIN) -> None:
    """Set what is not set yet; to be called before torch is loaded, which reads it once.

    offline: nothing may be fetched from the Hugging Face hub. waiting: SHORT_SPIN or NO_SPIN, unless somebody chose either variable.
    """
    defaults = {
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    if offline:
        defaults["HF_HUB_OFFLINE"] = "1"
    if not os.environ.keys() & {*SHORT_SPIN, *NO_SPIN}:  # a count would overrule the policy that somebody chose
        defaults |= waiting
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning)  # of libraries about each other
    # peft imports it; without its optional kernels it complains at every start
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def loading() -> Iterator[None]:
    """Import many modules without looking for garbage meanwhile: what they define lives as long as the process.

    Looking took a sixth of the CPU time of a code location's start and a fifth of that of torch, transformers and peft. What was
    loaded is left out of later looks, too.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collected:
            gc.enable()

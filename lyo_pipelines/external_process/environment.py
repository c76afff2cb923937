"""What the libraries of a process are told before torch is loaded: threads, network, noise. A user's own settings win."""

from __future__ import annotations

import logging
import os
import warnings

SPIN_TURNS = "20000"
"""How often a thread of torch asks again before it sleeps, while it waits for the others (libgomp's own: 300,000).

Measured on two cores, tokens/s of a training alone and beside two busy processes: 300,000 turns 618 and 177, 20,000 turns 608
and 243, none (OMP_WAIT_POLICY=PASSIVE) 350 and about 200.
"""


def prepare_environment(*, offline: bool) -> None:
    """Set what is not set yet; to be called before torch is loaded, which reads it once.

    offline: nothing may be fetched from the Hugging Face hub.
    """
    defaults = {
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    if offline:
        defaults["HF_HUB_OFFLINE"] = "1"
    if "OMP_WAIT_POLICY" not in os.environ:  # a policy that somebody chose would be overruled by a count
        defaults["GOMP_SPINCOUNT"] = SPIN_TURNS
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning)  # of libraries about each other
    # peft imports it; without its optional kernels it complains at every start
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

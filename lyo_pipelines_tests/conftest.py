"""What holds for every test: tiny models gain nothing from threads, and threads that spin lose a lot beside other tests."""

from __future__ import annotations

import os

# read when torch is loaded, here and in every process that a test starts
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

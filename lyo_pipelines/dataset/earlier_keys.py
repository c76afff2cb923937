"""The keys under which 0.1 remembered question texts: its memory still holds. Today's keys are comparable_texts.py's.

Such a key names the first thing of content that a student said, its first paragraph, or a long later question, in a plainer
normalisation. Only keys that the memory knows are looked at.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.question_texts import one_spaced
from lyo_pipelines.storage.arrow import pc


def earlier_text_keys(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return (row numbers, keys) of N question texts under the old normalisation."""
    lower = one_spaced(pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC")))
    return member_keys("x", pc.utf8_rtrim(lower, characters=" .?!:;,।"))

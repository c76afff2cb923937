"""Documents: a chunk is plain text to go on with (one assistant message); a question/answer pair of a document is an ordinary chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.tasks.base import TaskFormat, language_name

FORMAT_VERSION = "documents-1"


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the system prompt of a question/answer pair; a chunk has none."""
    subject = str(row.get("subject") or "").replace("_", " ").strip()
    about = f" ({subject})" if subject else ""
    return (
        f"You are Lyo. Answer from the study material{about} in {language_name(row.get('language'))}. "
        "When asked a single term, say what it means."
    )


class DocumentFormat(TaskFormat):
    """A row without a question is plain text: its messages are one assistant message, with neither system prompt nor user."""

    def to_messages(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the messages of one chunk or pair."""
        if (row.get("question") or "").strip():
            return super().to_messages(row)
        return [{"role": "assistant", "content": (row["answer"] or "").strip()}]

    def messages_column(self, table: pa.Table) -> pa.ListArray:
        """Return the messages of all rows of a table."""
        asked = pc.not_equal(pc.utf8_trim_whitespace(pc.fill_null(table["question"], "")), "")
        asks = asked.combine_chunks().to_numpy(zero_copy_only=False).astype(bool)
        pairs, chunks = np.flatnonzero(asks), np.flatnonzero(~asks)
        texts = pc.utf8_trim_whitespace(pc.fill_null(table["answer"].take(pa.array(chunks)), "")).combine_chunks()
        roles = pa.array(["assistant"] * len(chunks), pa.string())
        plain = pa.ListArray.from_arrays(
            pa.array(np.arange(len(chunks) + 1, dtype=np.int32)),
            pa.StructArray.from_arrays([roles, texts], fields=list(MESSAGE)),
        )
        order = np.empty(len(asks), np.int64)
        order[np.concatenate([pairs, chunks])] = np.arange(len(asks))
        return pa.concat_arrays([super().messages_column(table.take(pa.array(pairs))), plain]).take(pa.array(order))


FORMAT = DocumentFormat(
    task="documents",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="continued pretraining on chunks of documents, and the questions and answers that documents hold",
)

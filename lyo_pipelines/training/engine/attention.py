"""Attention for short rows on a CPU: three batched matrix products, in bfloat16 where the model is.

PyTorch's fused CPU kernel is made for long rows; its backward pass takes about twice as long as these products at 150 to
500 tokens. For long rows memory (rows x heads x length x length) speaks for the fused kernel: `speed.attention: sdpa`.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "lyo_short_rows"


def register_attention() -> str:
    """Make the kernel known to transformers; returns its name for `attn_implementation`."""
    AttentionInterface.register(NAME, short_rows)
    AttentionMaskInterface.register(NAME, eager_mask)
    return NAME


def short_rows(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    softcap: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(scaling q k' + mask) v. query: [batch, heads, length, size]; key, value: [batch, groups, length, size].

    attention_mask: additive, [batch or 1, 1, length, keys]. Returns ([batch, length, heads, size], None).
    """
    batch, heads, length, size = query.shape
    repeats, keys = heads // key.shape[1], key.shape[2]
    # the heads that share keys stand in one matrix: no repeated keys and values
    q = query.reshape(batch * key.shape[1], repeats * length, size)
    k, v = key.reshape(-1, keys, size), value.reshape(-1, keys, size)
    scores = torch.bmm(q, k.transpose(1, 2)).view(batch, heads, length, keys)
    if softcap is not None:
        scores = torch.tanh(scores * (scaling / softcap)) * softcap
        scores = scores + attention_mask if attention_mask is not None else scores
    elif attention_mask is not None:
        scores = torch.add(attention_mask, scores, alpha=scaling)
    else:
        scores = scores * scaling
    shares = torch.softmax(scores, dim=-1)
    shares = torch.nn.functional.dropout(shares, dropout, training=module.training) if dropout else shares
    result = torch.bmm(shares.view(batch * key.shape[1], repeats * length, keys), v)
    return result.view(batch, heads, length, size).transpose(1, 2).contiguous(), None

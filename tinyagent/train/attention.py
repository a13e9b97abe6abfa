"""Causal attention for short sequences on a CPU.

torch's own kernel takes one head of one sequence at a time, which for the hundred tokens of a
request and its plan is more overhead than work, above all backwards. Here the heads that share a
key (grouped-query attention) are the rows of one product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "grouped"
"""What `transformers` calls it."""


def suits(model: Any) -> bool:
    """Whether it is what a model computes: others cap their scores, or look back less far."""
    return bool(model.config.model_type == "llama")


def use(model: Any) -> None:
    """Have a model attend so."""
    AttentionInterface.register(NAME, attend)
    model.set_attn_implementation(NAME)


def attend(
    _module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    scaling: float,
    **_: object,
) -> tuple[Tensor, None]:
    """Causal attention without padding on the left.

    Args:
        query: (batch, heads, tokens, size).
        key: (batch, groups, tokens, size).
        value: as ``key``.
        scaling: of the scores.

    Returns:
        (batch, tokens, heads, size).
    """
    batch, heads, tokens, size = query.shape
    groups = key.shape[1]
    together = (batch * groups, heads // groups * tokens)
    keys, values = (t.reshape(batch * groups, tokens, size) for t in (key, value))
    scores = torch.bmm(query.reshape(*together, size), keys.transpose(1, 2)) * scaling
    past = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).tril()
    masked = scores.view(-1, heads // groups, tokens, tokens).float().where(past, -torch.inf)
    shares = masked.softmax(-1).to(value.dtype).view(*together, tokens)
    mixed = torch.bmm(shares, values).view(batch, heads, tokens, size)
    return mixed.transpose(1, 2).contiguous(), None

"""Quantisation-aware training: the layers compute with the weights that Q4_0 will store."""

from __future__ import annotations

from typing import Any

import torch

from tinyagent.train.lora import SCALE, adapted
from tinyagent.train.sharded import own, whole


class Rounding:
    """Fake quantisation of every weight that LoRA changes.

    The frozen weight W is set to ``round(W0 + s B A) - s B A``, so that the layer computes
    with exactly what Q4_0 will store, while A and B get their gradients as if nothing were
    rounded (straight through). Between two roundings the error is taken as constant. Where
    processes share a weight by its rows, each rounds its own: a block of Q4_0 lies in one row.
    """

    def __init__(self, peft: Any) -> None:
        self.layers = adapted(peft)
        self.originals = [own(layer.base_layer.weight).detach().clone() for layer in self.layers]
        self.done = False

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def round(self) -> None:
        """Round as the adapter is now."""
        for layer, original in zip(self.layers, self.originals, strict=True):
            a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            change = SCALE * (own(b).float() @ whole(a).float())
            merged = original.float() + change
            own(layer.base_layer.weight).copy_(as_q4_0(merged) - change)
        self.done = True


def as_q4_0(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` (out, in) as Q4_0 stores it: blocks of 32, one F16 scale, 4 bits each.

    The rule is that of ``quantize_row_q4_0_ref`` in ggml: the scale is the block's value of
    greatest magnitude, with its sign, over -8.
    """
    blocks = weight.reshape(-1, 32)
    at = blocks.abs().argmax(1, keepdim=True)
    scale = blocks.gather(1, at) / -8
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    steps = torch.clamp(torch.floor(blocks * inverse + 8.5), 0, 15) - 8
    return (steps * scale.half().float()).reshape(weight.shape)

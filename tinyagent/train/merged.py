"""LoRA at the speed of the model alone: one product a layer, with merged weights.

peft computes a layer as ``W x + s B (A x)``: three products, two of them thin, and a sum as large
as the result; backwards it is twice that. Here the weights are merged once a step, and the forward
pass is that of the model without an adapter. What LoRA's gradients need is computed from the
layer's input and the gradient of its output alone:

    dA = s (dy B)' x        dB = s dy' (x A')

Computing with weights that are rounded to bf16, while fp32 ones are trained, is what mixed
precision does everywhere; here the sum of both is rounded, not each.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import Tensor
from torch.nn.functional import linear

from tinyagent.train.lora import SCALE, adapted


class MergedLinear(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed
    """``x W'`` for merged ``W``; gradients for ``x``, ``A`` and ``B``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, merged: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``x`` (…, in), ``merged`` (out, in), ``a`` (rank, in), ``b`` (out, rank)."""
        ctx.save_for_backward(x, merged, a, b)
        return linear(x, merged)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, Tensor | None, Tensor | None]:
        """The gradients of ``x``, ``a`` and ``b``; ``merged`` is not trained."""
        x, merged, a, b = ctx.saved_tensors
        a_low, b_low = a.to(x.dtype), b.to(x.dtype)
        rows, grads = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        da = db = None  # of a factor that stays as it is
        if ctx.needs_input_grad[2]:
            da = SCALE * ((grads @ b_low).T @ rows).to(a.dtype)
        if ctx.needs_input_grad[3]:
            db = SCALE * (grads.T @ linear(rows, a_low)).to(b.dtype)
        return dy @ merged, None, da, db


class MergedLora(Linear):  # type: ignore[misc]  # peft is not followed
    """A layer with an adapter that computes with its ``merged_weight`` (out, in)."""

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., in) to (..., out)."""
        a, b = self.lora_A["default"].weight, self.lora_B["default"].weight
        result: Tensor = MergedLinear.apply(x, self.merged_weight, a, b)
        return result

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def merge_weight(self) -> None:
        """Merge as the adapter, and the weight below it, are now."""
        frozen = self.base_layer.weight
        a, b = (m["default"].weight.to(frozen.dtype) for m in (self.lora_A, self.lora_B))
        torch.addmm(frozen, b, a, alpha=SCALE, out=self.merged_weight)


def merged_layers(peft: Any) -> list[MergedLora]:
    """The layers with an adapter, which compute with merged weights from now on."""
    layers = adapted(peft)
    for layer in layers:
        # Not a new module in its place: names, and what was compiled, stay as they are.
        layer.__class__ = MergedLora
        # Not a buffer: processes would send each other what every one of them works out.
        layer.merged_weight = torch.empty_like(layer.base_layer.weight)
    return layers

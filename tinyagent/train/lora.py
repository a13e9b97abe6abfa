"""The base model, and the LoRA adapter that is trained on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tinyagent.errors import SettingsError
from tinyagent.planner.merge import read_factors
from tinyagent.train.sharded import whole
from tinyagent.versions import ADAPTER, TRAINING

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SCALE = 2
"""LoRA's alpha over its rank."""


def load_base(base: Path, dtype: Any = torch.float32) -> tuple[Any, Any]:
    """The base model and its tokenizer, from a GGUF file or a folder."""
    place = {"gguf_file": base.name} if base.suffix == ".gguf" else {}
    folder = base.parent if place else base
    tokenizer = AutoTokenizer.from_pretrained(folder, **place)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **place)
    return model, tokenizer


def with_adapter(model: Any, rank: int) -> Any:
    """The model with a new adapter, which changes nothing yet; the adapter alone is trained."""
    lora = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=LINEAR)
    return get_peft_model(model, lora).train()


@torch.no_grad()  # type: ignore[untyped-decorator]
def with_every_weight(model: Any) -> Any:
    """The model for a full fine-tune of the layers that an adapter changes.

    It is told as an adapter of full rank, so that all that is done with one can be done with it:
    of each layer's factors the smaller is the identity (over ``SCALE``) and stays, the other is
    the change of the weight itself, and alone is trained.
    """
    ranks = {
        name: min(module.weight.shape)
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in LINEAR
    }
    alphas = {name: SCALE * rank for name, rank in ranks.items()}
    lora = LoraConfig(target_modules=LINEAR, rank_pattern=ranks, alpha_pattern=alphas)
    peft = get_peft_model(model, lora).train()
    for layer in adapted(peft):
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        identity, change = sorted((a, b), key=lambda factor: factor.numel())
        identity.copy_(torch.eye(len(identity)) / SCALE)
        identity.requires_grad = False
        change.zero_()
    return peft


@torch.no_grad()  # type: ignore[untyped-decorator]
def start_at(peft: Any, adapter: Path) -> None:
    """Have a full fine-tune begin with what an adapter changes, of whatever rank it is."""
    scale, factors = read_factors(adapter)
    for name, (a, b) in factors.items():
        layer = peft.get_submodule(name)
        for factor in (layer.lora_A["default"].weight, layer.lora_B["default"].weight):
            if factor.requires_grad:
                factor.copy_(torch.from_numpy(scale * (b @ a)))


def adapted(peft: Any) -> list[Any]:
    """The layers that have an adapter."""
    return [m for m in peft.modules() if hasattr(m, "lora_A")]


def adapter_of(peft: Any) -> dict[str, torch.Tensor]:
    """The adapter's weights; where processes share them, all have to ask."""
    weights = {n: whole(p.detach()) for n, p in peft.named_parameters() if "lora_" in n}
    found: dict[str, torch.Tensor] = get_peft_model_state_dict(peft, state_dict=weights)
    return found


def card_of(run: Path) -> dict[str, Any]:
    """What a run that is over was trained by.

    Raises:
        SettingsError: its card, or its adapter, is missing.
    """
    for name in (ADAPTER, TRAINING):
        if not (run / name).is_file():
            raise SettingsError(f"{run / name} does not exist; train it to its end first")
    card: dict[str, Any] = json.loads((run / TRAINING).read_text("utf-8"))
    return card


def write_adapter(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write LoRA weights in F16, as ``planner.merge`` reads them."""
    halves = {name: w.to("cpu", torch.float16).contiguous() for name, w in weights.items()}
    save_file(halves, path, metadata={"scale": str(float(SCALE))})

"""Merge an adapter into the base model, and quantise: what set-up does, once.

Works on GGUF files in numpy, so that set-up needs no torch: each weight that
the adapter changes is dequantised, changed, and written as F16; llama.cpp's own
quantiser then makes Q4_0, for which it has the fastest kernels on a CPU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize
from safetensors import safe_open

from tinyagent.errors import ModelError
from tinyagent.planner.engine import quiet

Matrix = npt.NDArray[np.float32]

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""A layer's weights: transformers' name, and GGUF's."""

_LAYER = re.compile(r"(?:.*\.)?layers\.(\d+)\.(\w+\.\w+)")
_KEY = re.compile(r"(.+)\.lora_([AB])\.weight")


def merge(base: Path, adapter: Path | None, out: Path) -> None:
    """Write ``base`` with ``adapter`` merged in (None: as it is), in F16.

    Raises:
        ModelError: the adapter does not fit the base model.
    """
    reader = GGUFReader(base)
    heads = _number(reader, "attention.head_count")
    kv_heads = _number(reader, "attention.head_count_kv")
    changes = read_adapter(adapter) if adapter else {}
    if unknown := set(changes) - {t.name for t in reader.tensors}:
        raise ModelError(f"{adapter} changes {min(unknown)}, which {base.name} has not")
    writer = GGUFWriter(out, "llama")
    _copy_fields(reader, writer)
    writer.add_file_type(1)
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name in changes:
            change = changes[tensor.name]
            if "attn_q" in tensor.name or "attn_k" in tensor.name:
                change = _interleave(change, heads if "attn_q" in tensor.name else kv_heads)
            weight = weight + change
        is_vector = weight.ndim == 1
        writer.add_tensor(tensor.name, weight if is_vector else weight.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(source: Path, out: Path, kind: str = "Q4_0") -> None:
    """Quantise a GGUF file with llama.cpp's own quantiser; ``kind`` as it names them.

    Raises:
        ModelError: llama.cpp refused.
    """
    quiet()
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    options.allow_requantize = True
    if llama_cpp.llama_model_quantize(str(source).encode(), str(out).encode(), options):
        raise ModelError(f"llama.cpp could not quantise {source} to {kind}")


def merge_in_4_bits(base: Path, adapter: Path, out: Path) -> None:
    """Write ``base`` with ``adapter`` merged in, as Q4_0; meanwhile it stands beside, in F16.

    Raises:
        ModelError: the adapter does not fit the base model, or llama.cpp failed.
    """
    full = out.with_name(f"{out.stem}-f16.gguf")
    merge(base, adapter, full)
    quantize(full, out)
    full.unlink()


def read_adapter(path: Path) -> dict[str, Matrix]:
    """An adapter's changes, ``scale * B @ A``, by the name of the GGUF tensor; (out, in) each.

    Raises:
        ModelError: it is none, or not of layers that a planner has.
    """
    scale, factors = read_factors(path)
    changes = {}
    for layer, (a, b) in factors.items():
        match = _LAYER.fullmatch(layer)
        if not match or match[2] not in NAMES:
            raise ModelError(f"{path}: {layer} is no layer that an adapter changes")
        changes[f"blk.{match[1]}.{NAMES[match[2]]}.weight"] = scale * (b @ a)
    return changes


def read_factors(path: Path) -> tuple[float, dict[str, tuple[Matrix, Matrix]]]:
    """An adapter's scale, and its A (rank, in) and B (out, rank) by layer, as peft names them.

    Raises:
        ModelError: it is none.
    """
    halves: dict[str, dict[str, Matrix]] = {}
    with safe_open(path, framework="numpy") as file:
        scale = float(file.metadata()["scale"])
        for key in file.keys():  # noqa: SIM118 - a safetensors file is no mapping
            match = _KEY.fullmatch(key)
            if not match:
                raise ModelError(f"{path}: {key} is no weight of a LoRA adapter")
            halves.setdefault(match[1], {})[match[2]] = file.get_tensor(key).astype(np.float32)
    return scale, {layer: (half["A"], half["B"]) for layer, half in halves.items()}


def _interleave(weight: Matrix, heads: int) -> Matrix:
    """Order the rows of a query or key weight as llama.cpp's rotary embedding wants them."""
    rows, columns = weight.shape
    return (
        weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
    )


def _number(reader: Any, key: str) -> int:
    return int(reader.fields[f"llama.{key}"].contents())


def _copy_fields(reader: Any, writer: Any) -> None:
    """All metadata but what the writer and the quantiser set themselves."""
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in (
            "general.architecture",
            "general.file_type",
            "general.quantization_version",
        ):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)

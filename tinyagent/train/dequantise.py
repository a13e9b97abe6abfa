"""The weights of a shipped ToolRAG graph, to go on training from.

int8 by channel, as ``onnxruntime.quantization`` writes it: ``(q - zero) * scale``.
Within half a step of what was trained, so a short training from here keeps
what is known, where one from the encoder has to learn it all again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from tinyagent.errors import ModelError

_QUANTISED = "_quantized"


def weights_of(graph: Path) -> dict[str, torch.Tensor]:
    """The graph's weights, by the names and in the shapes that ``train.toolrag.Network`` has.

    Raises:
        ModelError: it is no such graph.
    """
    try:
        model = onnx.load(graph).graph
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{graph} cannot be read as ONNX ({error})") from error
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.initializer}
    found: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    for name, value in stored.items():
        if name.endswith((".weight", ".bias")):
            found[name] = value
        elif name.endswith(f".weight{_QUANTISED}"):
            found[name.removesuffix(_QUANTISED)] = _dequantised(stored, name)
    for node in model.node:
        if node.op_type == "MatMulInteger":
            module = node.name.rpartition("/")[0].strip("/").replace("/", ".")
            found[f"{module}.weight"] = _dequantised(stored, node.input[1]).T
    if "linear.weight" not in found:
        raise ModelError(f"{graph} is no classifier of ToolRAG's")
    return {name: torch.tensor(value, dtype=torch.float32) for name, value in found.items()}


def _dequantised(
    stored: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]], name: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(in, out) with a scale for each column, or a whole table with one."""
    whole = name.removesuffix(_QUANTISED)
    scale, zero = stored[f"{whole}_scale"], stored[f"{whole}_zero_point"]
    return (stored[name].astype(np.float32) - zero.astype(np.float32)) * scale

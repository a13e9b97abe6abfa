"""Fine-tune ToolRAG's classifier: an encoder and one linear layer, a sigmoid a tool.

    tinyagent train toolrag DATA --epochs 2

Binary cross-entropy with a positive weight: a tool that is missing makes the
plan impossible, one too many only makes the prompt longer. At the end every
bias is raised for the same reason. The word embeddings stay as they are (they
are half of the weights, and need not be shipped then).

A training that is cut off goes on where its folder's checkpoint is, if it is still the same
training: same data, same recipe.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from tinyagent.errors import SettingsError
from tinyagent.models import sha256_of, update_manifest
from tinyagent.toolrag.base import LEAN
from tinyagent.toolrag.classifier import read_labels, read_lean
from tinyagent.toolrag.encoder import open_session
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train.dequantise import weights_of
from tinyagent.train.encoders import Pretrained
from tinyagent.train.hardware import has_bf16
from tinyagent.train.processes import on_cpu
from tinyagent.train.progress import Progress, tell

CHECKPOINT = "checkpoint.pt"
FILES = ("classifier.onnx", "classifier.json")
"""What a training makes."""
PROBED = 800
"""Rows that the outputs of new tools are first fitted on."""
PROBE_DECAY = 1e-3
"""Weight decay of that fit; without it, separable labels have no best weights."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on, beside its data."""

    epochs: int = 2
    rows: int = 0
    """Only so many rows, the first; 0 takes all."""
    learning_rate: float = 2e-4
    batch: int = 32
    positive_weight: float = 3.0
    lean: float = LEAN
    """Nats by which every logit is more, at the end, than what was learned: that finds a tool
    where it is likely, and one that is missing costs more than one too many."""
    max_tokens: int = 192
    """Of a request that is longer the end is not seen, while its tools are still wanted."""
    seed: int = 0
    threads: int = 2
    checkpoint_every: int = 50
    """Steps."""


class Network(nn.Module):  # type: ignore[misc]  # torch is optional, and not followed
    """Word vectors (batch, tokens, width) to logits (batch, tools).

    The mean over the tokens is what the encoder was made for; ``mask`` leaves
    the padding out, and is absent from the exported graph.
    """

    def __init__(self, encoder: Any, tools: int = len(SIXTEEN)) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = nn.Linear(encoder.config.hidden_size, tools)

    def forward(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of every tool."""
        return self.linear(self.pooled(words, mask))

    def pooled(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """Vectors of the requests, (batch, width)."""
        hidden = self.encoder(inputs_embeds=words, attention_mask=mask).last_hidden_state
        if mask is None:
            return hidden.mean(1)
        weight = mask[..., None].to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1)


def train(
    data: Path,
    validation: Path,
    encoder: Pretrained,
    out: Path,
    recipe: Recipe,
    start: Path | None = None,
    own: Sequence[str] = (),
) -> dict[str, Any]:
    """Train and quantise the classifier into ``out``; returns its card.

    Args:
        data: rows to learn from; ``validation`` are those that measure. A row's
            ``probabilities``, by tool, are learned in the place of its ``tools``: so a model
            keeps what it knows while it learns more (Learning without Forgetting,
            arXiv 1606.09282).
        encoder: to fine-tune.
        out: the training's folder; it goes on there if it was cut off.
        recipe: all else that it depends on.
        start: a classifier's graph to go on from, its card beside it, which the new card holds as
            "before"; None starts at the encoder.
        own: tools beside the sixteen, that each get an output; others that a row wants are
            left to their descriptions.

    Raises:
        SettingsError: ``out`` has the checkpoint of another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    labels = [*SIXTEEN, *own]
    words, tokens, network = encoder.words, encoder.tokenizer, Network(encoder.model, len(labels))
    device = torch.device("cpu") if on_cpu() else torch.accelerator.current_accelerator()
    new = list(range(len(labels))) if start is None else _take_over(network, start, labels)
    lean = np.full(len(labels), recipe.lean, dtype=np.float32)
    if start is not None:
        known = [i for i in range(len(labels)) if i not in new]
        lean[known] -= read_lean(start.with_suffix(".json"))
    network.to(device)
    rows, held = _read(data, labels)[: recipe.rows or None], _read(validation, labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    total = recipe.epochs * math.ceil(len(rows) / recipe.batch)
    warmup = min(30, total // 10 + 1)
    digest = sha256_of(data)
    begun_with = sha256_of(start) if start else sha256(words.numpy().tobytes()).hexdigest()
    asked = replace(recipe, threads=0, checkpoint_every=0)  # these two may be others
    same = f"{digest} {asked} {begun_with} {labels}"
    losses = _resume(out, network, optimizer, same)
    done = len(losses)
    if start is not None and new and not done:
        _probe(network, rows, words, tokens, recipe, new)
    begun, bf16, seen = time.monotonic(), not on_cpu() or has_bf16(), 0
    # With dropout, probabilities to keep would move by its noise alone.
    network.train(not any(row.kept for row in rows))
    for step, batch in enumerate(islice(_batches(rows, recipe), done, None), done):
        share = step / total
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(1, (step + 1) / warmup) * (1 - share)
        vectors, mask, targets = _tensors(batch, words, tokens, recipe, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = network(vectors, mask)
        # A probability to keep would move where its two sides weigh differently.
        weights = [1.0 if row.kept else recipe.positive_weight for row in batch]
        loss = nn.functional.binary_cross_entropy_with_logits(
            logits.float(), targets, pos_weight=torch.tensor(weights, device=device)[:, None]
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        seen += int(mask.sum())
        took = time.monotonic() - begun
        left = took / (step + 1 - done) * (total - step - 1)
        recent = sum(losses[-20:]) / len(losses[-20:])
        tell(out, Progress(step + 1, (step + 1) / total, recent, left))
        if step % 20 == 0:
            print(
                f"step {step}/{total}  loss {recent:.4f}  {seen / took:.0f} tokens/s  "
                f"{left / 60:.1f} min left",
                flush=True,
            )
        if (step + 1) % recipe.checkpoint_every == 0:
            _save(out, network, optimizer, same, losses)
    network.eval().cpu()
    with torch.no_grad():
        network.linear.bias += torch.tensor(lean)
    _export(network, words.shape[1], out)
    card = {
        "labels": labels,
        "recipe": asdict(recipe),
        "begun_with": begun_with,
        "data": {"rows": len(rows), "sha256": digest},
        "validation": metrics(*_predict(out / FILES[0], held, words, tokens, recipe)),
        "loss": losses[-1],
    }
    if start is not None:
        card["before"] = json.loads(start.with_suffix(".json").read_text("utf-8"))
    (out / FILES[1]).write_text(json.dumps(card, indent=1) + "\n")
    (out / "losses.json").write_text(json.dumps([round(x, 4) for x in losses]))
    (out / CHECKPOINT).unlink(missing_ok=True)
    return card


def ship(run: Path, models: Path) -> None:
    """Put a training's files into ``models/toolrag``, and enter them in the manifest."""
    folder = models / "toolrag"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(run / name, folder / name)
    update_manifest("toolrag-classifier", models)
    update_manifest("toolrag-labels", models)


def metrics(logits: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]) -> dict[str, float]:
    """Tool recall (the paper's: over all gold tools), precision, and tools on average."""
    picked = logits >= 0
    hits = float((picked & (targets > 0)).sum())
    return {
        "recall": hits / max(1.0, float(targets.sum())),
        "precision": hits / max(1.0, float(picked.sum())),
        "tools": float(picked.sum(1).mean()),
        "all_found": float(((targets > 0) <= picked).all(1).mean()),
    }


@dataclass(frozen=True)
class Row:
    """A request, and what each output is to be; ``kept`` where an earlier model says so."""

    request: str
    targets: list[float]
    kept: bool = False


def _read(path: Path, labels: Sequence[str]) -> list[Row]:
    rows = (json.loads(line) for line in path.open(encoding="utf-8"))
    return [
        Row(row["request"], [kept.get(tool, 0.0) for tool in labels], True)
        if (kept := row.get("probabilities"))
        else Row(row["request"], [float(tool in row["tools"]) for tool in labels])
        for row in rows
    ]


def _take_over(network: Network, start: Path, labels: Sequence[str]) -> list[int]:
    """Load a classifier's weights; the outputs that it does not have."""
    weights, known = weights_of(start), read_labels(start.with_suffix(".json"))
    taken = [i for i, label in enumerate(labels) if label in known]
    rows = [known.index(labels[i]) for i in taken]
    for name in ("linear.weight", "linear.bias"):
        grown = network.state_dict()[name].clone()
        grown[taken] = weights[name][rows]
        weights[name] = grown
    network.load_state_dict(weights, strict=False)
    return [i for i in range(len(labels)) if i not in taken]


def _probe(
    network: Network, rows: list[Row], words: Tensor, tokens: Any, recipe: Recipe, new: list[int]
) -> None:
    """Fit the new outputs alone first, by logistic regression on the vectors as they are.

    An output at random would bend the encoder until it fits, and what is known with it
    (linear probing, then fine-tuning: arXiv 2202.10054).
    """
    pooled, wanted, device = [], [], network.linear.weight.device
    network.eval()
    with torch.no_grad():
        for i in range(0, min(PROBED, len(rows)), recipe.batch):
            part = rows[i : i + recipe.batch]
            vectors, mask, targets = _tensors(part, words, tokens, recipe, device)
            pooled.append(network.pooled(vectors, mask))
            wanted.append(targets[:, new])
    inputs, outputs = torch.cat(pooled), torch.cat(wanted)
    probe = nn.Linear(inputs.shape[1], len(new)).to(device)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.LBFGS(probe.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(probe(inputs), outputs)
        loss = loss + PROBE_DECAY * probe.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        network.linear.weight[new] = probe.weight
        network.linear.bias[new] = probe.bias


def _batches(rows: list[Row], recipe: Recipe) -> Iterator[list[Row]]:
    """Batches of requests of similar length, for all epochs."""
    random = Random(recipe.seed)
    for _ in range(recipe.epochs):
        order = sorted(random.sample(rows, len(rows)), key=lambda r: len(r.request) // 30)
        batches = [order[i : i + recipe.batch] for i in range(0, len(order), recipe.batch)]
        random.shuffle(batches)
        yield from batches


def _tensors(
    batch: list[Row], words: Tensor, tokens: Any, recipe: Recipe, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Word vectors, mask and targets of a batch."""
    ids = [e.ids[: recipe.max_tokens] for e in tokens.encode_batch([r.request for r in batch])]
    length = max(map(len, ids))
    padded = torch.zeros(len(ids), length, dtype=torch.long)
    mask = torch.zeros(len(ids), length, dtype=torch.long)
    for i, row in enumerate(ids):
        padded[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    targets = torch.tensor([row.targets for row in batch])
    return words[padded].to(device), mask.to(device), targets.to(device)


def _predict(
    graph: Path, rows: list[Row], words: Tensor, tokens: Any, recipe: Recipe
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What the graph, as it is shipped, says of each row, and what it is to say."""
    session = open_session(graph, recipe.threads)
    logits = []
    for row in rows:
        vectors, _, _ = _tensors([row], words, tokens, recipe, torch.device("cpu"))
        logits.append(session.run(None, {"words": vectors.numpy()})[0][0])
    return np.stack(logits), np.array([row.targets for row in rows])


def _resume(out: Path, network: Network, optimizer: Any, same: str) -> list[float]:
    """Take up the checkpoint of this training, if there is one; the losses so far.

    Raises:
        SettingsError: there is one of another training.
    """
    path = out / CHECKPOINT
    if not path.is_file():
        return []
    saved = torch.load(path, map_location="cpu", weights_only=True)
    if saved["same"] != same:
        raise SettingsError(
            f"{out} was begun with other data, another recipe or another start; give another --out"
        )
    network.load_state_dict(saved["network"])
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["random"])  # of dropout
    return list(saved["losses"])


def _save(out: Path, network: Network, optimizer: Any, same: str, losses: list[float]) -> None:
    saved = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "same": same,
        "losses": losses,
    }
    torch.save(saved, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / CHECKPOINT)


def _export(network: Network, width: int, out: Path) -> None:
    """Export to ONNX, quantised to int8."""
    full = out / "full.onnx"
    torch.onnx.export(
        network,
        (torch.zeros(1, 8, width),),
        str(full),
        input_names=["words"],
        output_names=["logits"],
        dynamic_axes={"words": {1: "tokens"}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(full, out / FILES[0], weight_type=QuantType.QInt8, per_channel=True)
    full.unlink()

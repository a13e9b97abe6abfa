"""Ship what was trained: ``tinyagent train export RUN``.

Takes a run's adapter, or its last checkpoint while it is still training, makes the 4-bit file
from it, and has both runtimes plan the same requests. Where they do, it is put into
``models/planner``; until then, what is shipped stays as it is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinyagent.commands.prepare import prepare
from tinyagent.errors import ModelError
from tinyagent.models import find, sha256_of, update_manifest
from tinyagent.planner.merge import merge_in_4_bits
from tinyagent.train import checkpoints
from tinyagent.train.agreement import LEAST, Agreement, compare
from tinyagent.train.lora import write_adapter
from tinyagent.versions import ADAPTER, GGUF, TRAINING

LARGEST = 25_000_000
"""Bytes of an adapter that is shipped."""


def export(run: Path, models: Path) -> tuple[Path, Agreement]:
    """Ship the adapter of ``run``.

    Returns:
        The 4-bit GGUF file that was made from it, and how far it plans as the trained model does.

    Raises:
        ModelError: it does not, was trained from another base, or is a full fine-tune.
    """
    base, shipped = find("smollm2", models), models / "planner"
    with TemporaryDirectory() as folder:
        new = Path(folder)
        _take(run, new)
        if (new / ADAPTER).stat().st_size > LARGEST:
            raise ModelError(
                f"{run} is a full fine-tune, too large to ship; "
                f"make an adapter of it with: tinyagent train extract {run}"
            )
        card = json.loads((new / TRAINING).read_text("utf-8"))
        if others := set(_bases(card)) - {sha256_of(base)}:
            raise ModelError(
                f"{run} was trained from another base (sha256 {min(others)[:12]}…) than the one "
                "that the shipped adapter goes with"
            )
        small = new / GGUF
        merge_in_4_bits(base, new / ADAPTER, small)
        agreement = compare(base, new / ADAPTER, small)
        if agreement.same < LEAST * len(agreement.plans):
            raise ModelError(f"in 4 bits {run} does not plan as what was trained: {agreement}")
        shipped.mkdir(parents=True, exist_ok=True)
        for name in (ADAPTER, TRAINING):
            shutil.copyfile(new / name, shipped / name)
    update_manifest("planner-adapter", models)
    prepare(models)
    return find("planner-q4_0", models), agreement


def _bases(card: dict[str, Any]) -> Iterator[str]:
    """Digests of the bases that a run, or those that it was made of, were trained from."""
    if "base_sha256" in card:
        yield card["base_sha256"]
    made_of = [*card.get("average_of", ()), *filter(None, [card.get("extracted_from")])]
    for one in made_of:
        yield from _bases(one)


def _take(run: Path, new: Path) -> None:
    """A run's adapter and card; of a run that goes on, those of its last checkpoint."""
    checkpoint, finished = checkpoints.read(run), (run / ADAPTER).is_file()
    steps = json.loads((run / TRAINING).read_text("utf-8")).get("steps", 0) if finished else 0
    if checkpoint is not None and checkpoint.step > steps:
        write_adapter(checkpoint.adapter, new / ADAPTER)
        card = {**checkpoint.asked, "steps": checkpoint.step, "tokens": checkpoint.tokens}
        (new / TRAINING).write_text(json.dumps(card, indent=1))
    elif finished:
        for name in (ADAPTER, TRAINING):
            shutil.copyfile(run / name, new / name)
    else:
        raise ModelError(f"{run} has no adapter, and no checkpoint; train it first")

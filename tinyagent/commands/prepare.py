"""Make the models that the app runs from those that are installed: ``make models``.

Seconds, once: the adapter is merged into the base model and both are quantised
to Q4_0. What is there and fits the manifest is not made again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinyagent.errors import ModelError
from tinyagent.models import find, record_made
from tinyagent.planner.merge import merge_in_4_bits, quantize


def prepare(models: Path, tell: Callable[[str], None] = lambda text: None) -> None:
    """Make ``cache/planner-q4_0.gguf`` and ``cache/base-q4_0.gguf`` where they are not there.

    Raises:
        ModelError: a file that they are made from is missing or damaged.
    """
    cache = models / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    base = find("smollm2", models)
    if not _stands("base-q4_0", models):
        tell("making the writers' model (Q4_0)")
        _replace(cache / "base-q4_0.gguf", lambda out: quantize(base, out))
        record_made("base-q4_0", models)
    if not _stands("planner-q4_0", models):
        tell("merging the planner's adapter (Q4_0)")
        adapter = find("planner-adapter", models)
        _replace(cache / "planner-q4_0.gguf", lambda out: merge_in_4_bits(base, adapter, out))
        record_made("planner-q4_0", models)


def _stands(name: str, models: Path) -> bool:
    try:
        find(name, models)
    except ModelError:
        return False
    return True


def _replace(path: Path, make: Callable[[Path], None]) -> None:
    """Make a file under another name first, so that a half-made one is never taken for it."""
    partial = path.with_suffix(".partial")
    make(partial)
    partial.replace(path)


if __name__ == "__main__":
    from tinyagent.settings import load_settings

    prepare(load_settings().models, print)

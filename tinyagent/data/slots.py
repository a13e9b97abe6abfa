"""Slots: what a pattern's ``{person}``, ``{time}`` or ``{file}`` may hold.

The values lie in ``slots/*.txt``, one a line; ``# `` starts a comment. In
``person`` a line ``my mom | mom`` is what the request says, and what the plan copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from tinyagent.data.patterns import PatternError

FOLDER = Path(__file__).parent / "slots"


@dataclass(frozen=True)
class Filling:
    """A slot's value: as the request says it, and as the plan copies it."""

    said: str
    copied: str


@cache
def values(kind: str) -> tuple[Filling, ...]:
    """All values of a kind of slot.

    Raises:
        PatternError: there is no such kind.
    """
    path = FOLDER / f"{kind}.txt"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.txt")))
        raise PatternError(f"there is no slot {{{kind}}}; there are: {known}")
    fillings = []
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("# "):
            said, _, copied = line.partition(" | ")
            fillings.append(Filling(said.strip(), copied.strip() or said.strip()))
    return tuple(fillings)


def kind_of(slot: str) -> str:
    """The kind of a slot: ``person`` of ``person2``."""
    return slot.rstrip("0123456789")


def draw(slots: list[str], random: Random) -> dict[str, Filling]:
    """A value for each slot; two slots of one kind never hold the same."""
    drawn: dict[str, Filling] = {}
    for slot in slots:
        kind = kind_of(slot)
        taken = {f.copied.lower() for s, f in drawn.items() if kind_of(s) == kind}
        choices = [f for f in values(kind) if f.copied.lower() not in taken]
        drawn[slot] = random.choice(choices)
    return drawn

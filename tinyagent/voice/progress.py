"""How far something is that takes its time: a model that is fetched, a long recording."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float, float], None]
"""Told what is being done, how much of it is done, and of how much in all (bytes, seconds)."""


def unseen(what: str, done: float, total: float) -> None:
    """Nobody looks."""

"""Test sets: JSON lines, a request each, with every plan that is accepted.

The splits of `tinyagent data generate` are read as well: one plan each, the style as a tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tinyagent.errors import SettingsError
from tinyagent.lines import read_each
from tinyagent.plans.syntax import Plan, read_plan


@dataclass(frozen=True)
class Item:
    """One request of a test set, with every accepted plan, the most natural first."""

    id: str
    query: str
    now: datetime
    plans: tuple[Plan, ...]
    tags: tuple[str, ...]

    @property
    def gold_tools(self) -> set[str]:
        """The tools of the most natural plan."""
        return {call.tool for call in self.plans[0]}


def read_test_set(path: Path) -> list[Item]:
    """Read a test set (JSON lines).

    Raises:
        SettingsError: the file cannot be read, or a line is no such object; the message names it.
    """
    return read_each(path, _item, "{!r}")


def first_of(path: Path, limit: int) -> list[Item]:
    """The first ``limit`` requests of a test set, all where it is 0.

    Raises:
        SettingsError: it cannot be read, or has none.
    """
    items = read_test_set(path)[: limit or None]
    if not items:
        raise SettingsError(f"{path}: there is no request in it")
    return items


def _item(row: dict[str, Any]) -> Item:
    now = datetime.fromisoformat(row["now"])
    if "pattern" in row:
        only = read_plan(row["plan"])
        return Item(row["pattern"], row["request"], now, (only,), (row["style"],))
    plans = tuple(read_plan(plan) for plan in row["plans"])
    if not plans:
        raise ValueError("it has no plan")
    return Item(row["id"], row["query"], now, plans, tuple(row.get("tags", ())))

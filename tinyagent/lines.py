"""JSON lines: those that a run appends to and goes on with, and those that others wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tinyagent.errors import PlanError, SettingsError

T = TypeVar("T")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none where it is missing.

    A last line that was cut off, as its process ended, is taken out of the file.
    """
    if not path.exists():
        return []
    text = path.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    # Not splitlines(): within a row there may be other characters that it takes for an end.
    return [json.loads(line) for line in whole.split("\n") if line]


def read_each(path: Path, read: Callable[[dict[str, Any]], T], wrong: str) -> list[T]:
    """What ``read`` makes of each row of a file; blank lines are none.

    Args:
        wrong: what is said of a line that ``read`` cannot take: a format for its error.

    Raises:
        SettingsError: the file cannot be read, or a line is no such row; the message names it.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: it cannot be read ({error})") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(read(json.loads(line)))
            except (ValueError, KeyError, TypeError, PlanError) as error:
                raise SettingsError(f"{path}, line {number}: {wrong.format(error)}") from error
    return found

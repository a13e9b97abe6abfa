"""JSON lines that a run appends to, and goes on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


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

"""A trace log of labelled runs, for tests of what is learned from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import NOW
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces import TraceLog
from tinyagent.traces.importer import import_lines
from tinyagent.traces.store import TraceStore


def store_with(
    folder: Path, rows: Sequence[tuple[str, str]], tools: ToolSet = SIXTEEN
) -> TraceStore:
    """A log in ``folder`` with these requests, each labelled with its right plan."""
    lines = folder / "in.jsonl"
    lines.write_text(
        "\n".join(
            json.dumps({"request": request, "now": NOW.isoformat(), "plan": plan})
            for request, plan in rows
        )
    )
    path = folder / "traces" / "traces.db"
    TraceLog(path).close()
    made, _, wrong = import_lines(lines, TraceStore(path), NOW, tools)
    assert (made, wrong) == (len(rows), [])
    return TraceStore(path)

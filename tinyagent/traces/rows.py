"""What the log's rows mean: a whole trace for JSON, the models' name, whether its writer lives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from tinyagent.errors import TraceError
from tinyagent.voice.recordings import about_recording

Trace = dict[str, Any]
"""A row of ``traces``, under each name of ``STEPS`` the rows of that table, and ``recording``:
what is known of what was said (``voice.recordings``) with its ``file``; None if it was typed."""

STEPS = ("tools", "plans", "tasks", "texts", "questions", "approvals", "labels", "events")
_JSON_CELLS = {
    "versions",
    "seconds",
    "arguments",
    "candidates",
    "proposed",
    "approved",
    "left_out",
    "edited",
    "reasons",
    "declared",
    "event",
}


def read_trace(log: sqlite3.Connection, path: Path, trace: str) -> Trace:
    """The whole trace, for JSON.

    Raises:
        TraceError: there is no such trace; ``path`` stands in the message.
    """
    found = next(_rows(log, "select * from traces where id = ?", trace), None)
    if found is None:
        raise TraceError(f"{path}: there is no trace {trace}; `tinyagent traces list` shows them")
    own = {k: _cell(k, v) for k, v in found.items() if not k.startswith("pid")}
    steps = {
        name: [
            {k: _cell(k, v) for k, v in row.items() if k != "trace"}
            for row in _rows(log, f"select * from {name} where trace = ? order by rowid", trace)
        ]
        for name in STEPS
    }
    return own | steps | {"recording": about_recording(path, trace)}


def model_name(versions: Mapping[str, str]) -> str:
    """The planner that a run was planned with, in words; "" where nothing says it."""
    if server := versions.get("server"):
        return server
    adapter = versions.get("planner-adapter", "")
    return f"planner {adapter}" if adapter else ""


def lives(row: Mapping[str, Any]) -> bool:
    """Is the process that wrote this trace still the one with its id?"""
    try:
        return bool(abs(psutil.Process(row["pid"]).create_time() - row["pid_started"]) < 1.0)
    except psutil.Error:
        return False


def _rows(log: sqlite3.Connection, query: str, trace: str) -> Iterator[dict[str, Any]]:
    cursor = log.execute(query, [trace])
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def _cell(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON_CELLS and isinstance(value, str) else value

"""Requests with right plans, made elsewhere: JSON lines into the trace log, as labelled runs.

A line is ``{"request", "now", "plan"}``, as ``tinyagent data generate`` and the
planner export write it, or one of a test set (``query``, ``plans``). Nothing runs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tinyagent import events
from tinyagent.errors import SettingsError, TinyAgentError, TraceError
from tinyagent.events import Event
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.tools.declaration import declarations
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.labels import Label, checked
from tinyagent.traces.log import TraceLog
from tinyagent.traces.store import TraceStore

SOURCE = "import"


def import_lines(
    path: Path, store: TraceStore, at: datetime, tools: ToolSet = SIXTEEN
) -> tuple[int, int, list[str]]:
    """Put the lines of a file into the log.

    Args:
        at: when that is, for the log.
        tools: those that the plans may call.

    Returns:
        How many runs were made, how many lines were in the log already, and what
        is wrong with the others, a message each.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: it cannot be read ({error})") from error
    made = known = 0
    wrong: list[str] = []
    log = TraceLog(store.path)
    try:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                request, now, plan = _read(line, tools)
                run = _id(request, now, plan)
                if _is_there(store, run):
                    known += 1
                    continue
                for event in _happened(run, request, now, plan, at, tools):
                    log.record(event)
                store.label(Label(run, "good", plan=str(plan), source=SOURCE), at)
                made += 1
            except TinyAgentError as error:
                wrong.append(f"{path}, line {number}: {error}")
    finally:
        log.close()
    return made, known, wrong


def _read(line: str, tools: ToolSet) -> tuple[str, datetime, Plan]:
    """The request, its time and its right plan; a TinyAgentError says what is wrong."""
    try:
        row: dict[str, Any] = json.loads(line)
        request = row["request"] if "request" in row else row["query"]
        text = row["plan"] if "plan" in row else row["plans"][0]
        now = datetime.fromisoformat(row["now"]).replace(tzinfo=None)
        if not isinstance(request, str) or not request.strip():
            raise SettingsError("the request is empty")
        plan = read_plan(text)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SettingsError(
            f"it has no request, now and plan, nor query, now and plans ({error!r})"
        ) from None
    checked(Label("", "good", plan=str(plan)), now, tools)
    return request, now, plan


def _id(request: str, now: datetime, plan: Plan) -> str:
    """The same for the same line: importing twice adds nothing."""
    text = f"{request}\n{now.isoformat()}\n{plan}"
    return f"{SOURCE}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _is_there(store: TraceStore, run: str) -> bool:
    try:
        return bool(store.read(run)["labels"])
    except TraceError:
        return False


def _happened(
    run: str, request: str, now: datetime, plan: Plan, at: datetime, tools: ToolSet
) -> list[Event]:
    """The events of a run that planned, and then did nothing."""
    called = tools.only({call.tool for call in plan})
    declared = declarations(called.values())
    found: list[Event] = [
        events.RequestReceived(request, now.isoformat(timespec="minutes"), "none", SOURCE, {}),
        events.ToolsSelected({}, list(called), None, SOURCE, 0.0, declared),
        *(events.PlanLine.of(call, tools[call.tool].changes) for call in plan),
        events.PlanReady(str(plan), "", 0, 0, 0, {}, 1.0),
        events.Answered("Imported; nothing was run."),
    ]
    moment = at.isoformat(timespec="milliseconds")
    return [replace(event, run=run, seq=n, at=moment) for n, event in enumerate(found, 1)]

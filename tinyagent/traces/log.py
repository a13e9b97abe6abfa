"""The trace log's one writer: each event is in the file before anybody else hears of it.

So a run that dies half-way leaves a trace that says how far it came; the next
start marks it as interrupted.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from sqlite_utils.db import Database, Table

from tinyagent import events
from tinyagent.errors import TraceError
from tinyagent.events import Event, from_json, to_json
from tinyagent.runs.state import RunState
from tinyagent.traces.labels import Label, add_label
from tinyagent.traces.migrations import CERTAINTY, MIGRATIONS
from tinyagent.traces.rows import lives, model_name, read_trace


class TraceLog:
    """An open trace log. Any thread may use it.

    Args:
        path: the SQLite file; it and its folder are made, readable by the user only.
        patience: seconds to wait for another program that writes to it.

    Raises:
        TraceError: the file cannot be opened or written; the message says what to do.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._states: dict[str, RunState] = {}
        self._plans: dict[str, int] = {}
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.chmod(0o600)  # where an earlier one was readable by others; -wal is made alike
            connection = sqlite3.connect(path, timeout=patience, check_same_thread=False)
            self._db = Database(connection)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            self._db.execute("pragma foreign_keys = on")
            MIGRATIONS.apply(self._db)
            # Even where there is nothing to write yet: a file that cannot be
            # written is to be known at start, not half-way through a run.
            self._db.execute("begin immediate")
            self._db.execute("rollback")
            self._mark_interrupted()
        except (OSError, sqlite3.Error) as error:
            raise TraceError(what_to_do(path, error)) from error

    def record(self, event: Event) -> None:
        """Write one event down, in one transaction.

        Raises:
            TraceError: it could not be written; nothing of it was.
        """
        with self._lock:
            try:
                with self._db.atomic():
                    self._write(event)
            except sqlite3.Error as error:
                raise TraceError(what_to_do(self.path, error)) from error

    def happened(self, trace: str) -> list[Event]:
        """The events of a trace, in order."""
        with self._lock:
            rows = list(self._table("events").rows_where("trace = ?", [trace], order_by="seq"))
        return [from_json(row["event"]) for row in rows]

    def read(self, trace: str) -> dict[str, Any]:
        """The whole trace, for JSON: its row, and a list of rows for each kind of step.

        Raises:
            TraceError: there is no such trace.
        """
        with self._lock:
            return read_trace(self._db.conn, self.path, trace)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _write(self, event: Event) -> None:
        run = event.run
        before = self._states.get(run, RunState())
        state = before.after(event)
        if isinstance(event, events.PlanRestarted | events.Replanning | events.PlanRevised):
            plan = self._plans[run] + 1
        else:
            plan = self._plans.get(run, 1)
        if isinstance(event, events.RequestReceived):
            self._begin(event)
        self._table("events").insert(
            {
                "trace": run,
                "seq": event.seq,
                "at": event.at,
                "type": type(event).__name__,
                "event": to_json(event),
            }
        )
        self._write_step(event, plan)
        if state.status != before.status:
            self._table("traces").update(run, {"status": state.status})
        # Only now, as the transaction may fail; then the event did not happen.
        self._plans[run] = plan
        self._states[run] = state
        if state.over:
            del self._states[run], self._plans[run]

    def _begin(self, event: events.RequestReceived) -> None:
        process = psutil.Process()
        self._table("traces").insert(
            {
                "id": event.run,
                "request": event.request,
                "source": event.source,
                "now": event.now,
                "backend": event.backend,
                "versions": json.dumps(event.versions),
                "model": model_name(event.versions),
                "status": "selecting",
                "started": event.at,
                "pid": process.pid,
                "pid_started": process.create_time(),
            }
        )

    def _write_step(self, event: Event, plan: int) -> None:
        run = event.run
        match event:
            case events.ToolsSelected():
                self._select(event)
            case events.PlanReady():
                self._plan(event, plan, "proposed", event.plan, _cost(event))
                self._db.execute(f"{CERTAINTY} where id = ?", [event.run])
            case events.PlanRevised():
                self._plan(event, plan, "revised", event.plan, {})
            case events.PlanLine():
                self._table("tasks").insert(
                    {
                        "trace": run,
                        "plan": plan,
                        "task": event.task,
                        "tool": event.tool,
                        "call": event.line,
                        "status": "waiting",
                    }
                )
            case events.TextWritten():
                text = asdict(event)
                cells = {k: text[k] for k in ("task", "argument", "text", "fallback", "seconds")}
                self._table("texts").insert({"trace": run, "plan": plan} | cells)
            case events.QuestionAsked():
                self._table("questions").insert(
                    {
                        "id": event.question,
                        "trace": run,
                        "plan": plan,
                        "task": event.task,
                        "argument": event.argument,
                        "text": event.text,
                        "candidates": json.dumps(event.candidates),
                    }
                )
                self._task(event, plan, status="asking")
            case events.QuestionAnswered():
                self._table("questions").update(event.question, {"choice": event.choice})
            case events.ApprovalAsked():
                self._table("approvals").insert(
                    {
                        "id": event.approval,
                        "trace": run,
                        "plan": plan,
                        "proposed": json.dumps([asdict(c) for c in event.calls]),
                        "asked": event.at,
                    }
                )
            case events.ApprovalDecided():
                self._decide(event, plan)
            case events.Answered():
                self._end(event, answer=event.text, complete=event.complete)
            case events.Failed():
                self._end(event, answer=event.message, error=event.message, complete=False)
            case events.Stopped():
                self._end(event, answer=event.text, complete=False)
            case _:
                self._write_task(event, plan)

    def _write_task(self, event: Event, plan: int) -> None:
        match event:
            case events.TaskStarted():
                arguments = json.dumps(event.arguments, ensure_ascii=False)
                self._task(
                    event,
                    plan,
                    status="running",
                    started=event.at,
                    text=event.text,
                    arguments=arguments,
                )
            case events.TaskDone():
                self._task(
                    event,
                    plan,
                    status="done",
                    finished=event.at,
                    result=event.result,
                    link=event.link,
                    seconds=event.seconds,
                )
            case events.TaskFailed():
                self._task(
                    event,
                    plan,
                    status="failed",
                    finished=event.at,
                    error=event.error,
                    kind=event.kind,
                    seconds=event.seconds,
                )
            case events.TaskSkipped():
                self._task(event, plan, status="skipped", error=event.reason)
            case _:
                pass  # text as it is written, and progress: kept as events only

    def _select(self, event: events.ToolsSelected) -> None:
        self._table("traces").update(
            event.run,
            {
                "method": event.method,
                "threshold": event.threshold,
                "toolrag_seconds": event.seconds,
            },
        )
        self._table("tools").insert_all(
            {"trace": event.run, "tool": tool, "probability": p, "picked": tool in event.tools}
            for tool, p in event.probabilities.items()
        )
        self._db.execute(f"{CERTAINTY} where id = ?", [event.run])

    def _decide(self, event: events.ApprovalDecided, plan: int) -> None:
        if event.by:  # nobody was asked, so there is no row yet
            proposed = json.dumps([asdict(c) for c in event.calls])
            row = {"id": event.approval, "trace": event.run, "plan": plan, "proposed": proposed}
            self._table("approvals").insert(row)
        self._table("approvals").update(
            event.approval,
            {
                "decision": event.decision,
                "approved": json.dumps([asdict(c) for c in event.calls]),
                "left_out": json.dumps(event.left_out),
                "edited": json.dumps(event.edited),
                "decided": event.at,
            },
        )
        if event.decision == "approved":
            self._plan(event, plan, "approved", event.plan, {})
        self._label(event)

    def _label(self, event: events.ApprovalDecided) -> None:
        """What a person changed at approval is a label, and so is a rejection."""
        if event.decision == "revised":
            return  # the approval of what was written comes yet
        plans = self._table("plans").rows_where(
            "trace = ? and kind = 'proposed' and plan = ?", [event.run, event.plan]
        )
        last = self._table("labels").rows_where("trace = ?", [event.run], order_by="id desc")
        as_proposed = event.decision == "approved" and any(plans)
        if as_proposed or next((x["plan"] for x in last), None) == event.plan:
            return
        add_label(self._db, Label(event.run, "bad", plan=event.plan, source="approval"), event.at)

    def _plan(
        self, event: Event, number: int, kind: str, plan: str, cost: Mapping[str, Any]
    ) -> None:
        row = {"trace": event.run, "number": number, "kind": kind, "plan": plan, "at": event.at}
        # A question after the approval may make a second approval of the same plan.
        self._table("plans").insert(row | dict(cost), replace=True)

    def _task(self, event: Event, plan: int, **cells: object) -> None:
        number = event.task  # type: ignore[attr-defined]  # all events of a task have it
        self._table("tasks").update((event.run, plan, number), cells)

    def _end(self, event: Event, **cells: object) -> None:
        self._table("traces").update(event.run, {"finished": event.at} | cells)
        self._db.execute(
            # The clock may have been set back meanwhile.
            "update traces set seconds = "
            "max(0, (julianday(finished) - julianday(started)) * 86400) where id = ?",
            [event.run],
        )

    def _mark_interrupted(self) -> None:
        """Mark the runs whose process is gone; those of another live process go on."""
        with self._db.atomic():
            for row in self._table("traces").rows_where("finished is null"):
                if not row["status"].startswith("interrupted") and not lives(row):
                    status = f"interrupted while {row['status']}"
                    self._table("traces").update(row["id"], {"status": status})
                    self._db.execute(_IN_DOUBT, [row["id"]])

    def _table(self, name: str) -> Table:
        return self._db.table(name)


_IN_DOUBT = """
update tasks set status = 'may have run', error =
    'TinyAgent was ended while this ran; it may have happened. It is not tried again by itself.'
where trace = ? and status = 'running' and exists (
    select 1 from events where events.trace = tasks.trace and type = 'PlanLine'
    and json_extract(event, '$.tool') = tasks.tool and json_extract(event, '$.changes')
)"""
"""A change that was cut off: nobody can know whether it happened."""


def _cost(event: events.PlanReady) -> dict[str, Any]:
    return {
        "prompt": event.prompt,
        "prompt_tokens": event.prompt_tokens,
        "plan_tokens": event.plan_tokens,
        "decode_steps": event.decode_steps,
        "seconds": json.dumps(event.seconds),
        "confidence": event.confidence,
    }


def what_to_do(path: Path, error: OSError | sqlite3.Error) -> str:
    """A message for an error of the file: what happened, where, and the cure."""
    reason = str(error)
    if "locked" in reason:
        cure = "another program holds it; close that program, or set `traces` to another file"
    elif "full" in reason:
        cure = "make room there, or set `traces` to a file on another disk"
    elif "malformed" in reason or "not a database" in reason:
        cure = "it is damaged or no trace log; move it away, and a new one is made"
    elif isinstance(error, OSError) or "readonly" in reason or not os.access(path.parent, os.W_OK):
        cure = f"make {path.parent} a folder that you can write to, or set `traces` to another file"
    else:
        cure = "set `traces` to another file"
    return f"the trace log {path}: {reason}; {cure}"

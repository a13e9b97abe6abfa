"""The schema of the trace log, as the steps that made it.

Each step and its record are one transaction. Steps are never changed once
released: a new column is a new step. ``docs/traces.md`` is generated from the
result (``traces.schema``).
"""

from __future__ import annotations

from sqlite_utils.db import Database
from sqlite_utils.migrations import Migrations

MIGRATIONS = Migrations("tinyagent.traces")


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m001_traces(db: Database) -> None:
    """One row a run, and rows for each of its steps.

    Why: a run is asked about by its steps ("which requests picked too many
    tools?", "what did people edit?"), which JSON in one column does not answer.
    """
    db["traces"].create(
        {
            "id": str,
            "request": str,
            "source": str,
            "now": str,
            "backend": str,
            "versions": str,
            "status": str,
            "started": str,
            "finished": str,
            "method": str,
            "threshold": float,
            "toolrag_seconds": float,
            "answer": str,
            "complete": int,
            "error": str,
            "pid": int,
            "pid_started": float,
        },
        pk="id",
    )
    db["tools"].create(
        {"trace": str, "tool": str, "probability": float, "picked": int},
        pk=("trace", "tool"),
        foreign_keys=[("trace", "traces", "id")],
    )
    db["plans"].create(
        {
            "trace": str,
            "number": int,
            "kind": str,
            "plan": str,
            "prompt": str,
            "prompt_tokens": int,
            "plan_tokens": int,
            "decode_steps": int,
            "seconds": str,
            "confidence": float,
            "at": str,
        },
        pk=("trace", "number", "kind"),
        foreign_keys=[("trace", "traces", "id")],
    )
    db["tasks"].create(
        {
            "trace": str,
            "plan": int,
            "task": int,
            "tool": str,
            "call": str,
            "text": str,
            "arguments": str,
            "status": str,
            "result": str,
            "link": str,
            "error": str,
            "kind": str,
            "started": str,
            "finished": str,
            "seconds": float,
        },
        pk=("trace", "plan", "task"),
        foreign_keys=[("trace", "traces", "id")],
    )
    db["texts"].create(
        {
            "trace": str,
            "plan": int,
            "task": int,
            "argument": str,
            "text": str,
            "fallback": int,
            "seconds": float,
        },
        pk=("trace", "plan", "task", "argument"),
        foreign_keys=[("trace", "traces", "id")],
    )
    db["questions"].create(
        {
            "id": str,
            "trace": str,
            "plan": int,
            "task": int,
            "argument": str,
            "text": str,
            "candidates": str,
            "choice": str,
        },
        pk="id",
        foreign_keys=[("trace", "traces", "id")],
    )
    db["approvals"].create(
        {
            "id": str,
            "trace": str,
            "plan": int,
            "proposed": str,
            "decision": str,
            "approved": str,
            "left_out": str,
            "edited": str,
            "asked": str,
            "decided": str,
        },
        pk="id",
        foreign_keys=[("trace", "traces", "id")],
    )
    db["events"].create(
        {"trace": str, "seq": int, "at": str, "type": str, "event": str},
        pk=("trace", "seq"),
        foreign_keys=[("trace", "traces", "id")],
    )


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m002_indexes(db: Database) -> None:
    """Indexes on what a trace page lists and filters by.

    Why: slow lists in other trace viewers were missing indexes.
    """
    db["traces"].create_index(["started"])
    db["traces"].create_index(["status"])
    db["tasks"].create_index(["tool", "status"])


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m003_views(db: Database) -> None:
    """Views with plain names, for whoever opens the file with another program.

    Why: ``edits`` is what people changed, which is a label for training.
    """
    db.create_view(
        "recent",
        "select id, started, request, status, answer from traces order by started desc",
    )
    db.create_view(
        "failed_tasks",
        "select tasks.trace, traces.request, tasks.call, tasks.kind, tasks.error from tasks "
        "join traces on traces.id = tasks.trace where tasks.status = 'failed'",
    )
    db.create_view(
        "edits",
        "select traces.id as trace, traces.request, traces.now, proposed.plan as proposed, "
        "approved.plan as approved from plans as proposed "
        "join plans as approved on approved.trace = proposed.trace and approved.kind = 'approved' "
        "join traces on traces.id = proposed.trace "
        "where proposed.kind = 'proposed' and proposed.plan <> approved.plan",
    )

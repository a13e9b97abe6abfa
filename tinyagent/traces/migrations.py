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


CERTAINTY = """
update traces set certainty = (select min(sure) from (
    select 0.5 + 0.5 * abs(probability - threshold)
        / max(iif(probability >= threshold, 1 - threshold, threshold), 1e-9) as sure
    from tools where trace = traces.id and traces.threshold is not null
    union all select confidence from plans where trace = traces.id and kind = 'proposed'
))"""
"""How sure the models were of a run, from 0 to 1: the least of the planner's mean token
probability and, for each tool, how far its probability is from the threshold (0.5: on it)."""


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m004_labels(db: Database) -> None:
    """What people say of runs, and what a list of runs is filtered and sorted by.

    Why: a label is never overwritten, so it is a row of its own, and the newest
    one counts; ``traces.label`` repeats that one's verdict, as a list of
    100,000 runs cannot look for it. ``seconds``, ``model`` and ``certainty``
    are kept for the same reason. What people did at approval before this step
    becomes labels here.
    """
    traces = db["traces"]
    traces.add_column("seconds", float)
    traces.add_column("model", str, not_null_default="")
    traces.add_column("certainty", float)
    traces.add_column("label", str, not_null_default="")
    db["labels"].create(
        {
            "id": int,
            "trace": str,
            "verdict": str,
            "reasons": str,
            "plan": str,
            "note": str,
            "source": str,
            "at": str,
        },
        pk="id",
        not_null={"trace", "verdict", "reasons", "plan", "note", "source", "at"},
        foreign_keys=[("trace", "traces", "id")],
    )
    db["labels"].create_index(["trace"])
    db.execute(
        "create trigger label_given after insert on labels begin "
        "update traces set label = new.verdict where id = new.trace; end"
    )
    db.execute(
        "create trigger label_deleted after delete on labels begin update traces set label = "
        "coalesce((select verdict from labels where trace = old.trace order by id desc limit 1), "
        "'') where id = old.trace; end"
    )
    db.execute(
        "update traces set seconds = (julianday(finished) - julianday(started)) * 86400, "
        "model = coalesce(nullif('planner ' || nullif(json_extract(versions, "
        "'$.\"planner-adapter\"'), ''), ''), '')"
    )
    db.execute(CERTAINTY)
    db.execute(
        "insert into labels (trace, verdict, reasons, plan, note, source, at) "
        "select trace, 'bad', '[]', '', '', 'approval', decided from approvals "
        "where decision = 'rejected' order by decided"
    )
    db.execute(
        "insert into labels (trace, verdict, reasons, plan, note, source, at) "
        "select trace, 'bad', '[]', plan, '', 'approval', at from plans as done "
        "where kind = 'approved' and not exists (select 1 from plans where trace = done.trace "
        "and kind = 'proposed' and plan = done.plan) order by at"
    )
    db.create_view(
        "labelled",
        "select traces.id as trace, traces.request, traces.now, labels.verdict, labels.reasons, "
        "labels.plan as right_plan, labels.note, labels.source, labels.at from labels "
        "join traces on traces.id = labels.trace where labels.verdict <> '' and labels.id = "
        "(select max(id) from labels as newer where newer.trace = labels.trace)",
    )


_PLANS = (
    "coalesce((select group_concat(plan, char(10)) from "
    "(select distinct plan from plans where trace = new.id)), '')"
)
_RESULTS = (
    "coalesce((select group_concat(text, char(10)) from (select result as text from tasks "
    "where trace = new.id union select answer from traces as own where own.id = new.id)), '')"
)
_ERRORS = (
    "coalesce((select group_concat(text, char(10)) from (select error as text from tasks "
    "where trace = new.id union select error from traces as own where own.id = new.id)), '')"
)


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m005_search(db: Database) -> None:
    """Full-text search over requests, plans, results and errors.

    Why a table of the words beside the index: one run is one document, so that
    words of its request and of its errors find it together; and its number stays
    the same when the file is vacuumed, which the row numbers of ``traces`` do not.
    """
    db["searchable"].create(
        {"id": int, "trace": str, "request": str, "plans": str, "results": str, "errors": str},
        pk="id",
        foreign_keys=[("trace", "traces", "id")],
    )
    db["searchable"].create_index(["trace"], unique=True)
    columns = "request, plans, results, errors"
    db.execute(
        f'create virtual table _search using fts5 ({columns}, content="searchable", '
        "content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
    )
    old = "old.id, old.request, old.plans, old.results, old.errors"
    forget = f"insert into _search (_search, rowid, {columns}) values ('delete', {old});"
    learn = f"insert into _search (rowid, {columns}) values ({old.replace('old.', 'new.')});"
    for name, when, body in (
        ("searchable_insert", "after insert", learn),
        ("searchable_delete", "after delete", forget),
        ("searchable_update", "after update", forget + learn),
    ):
        db.execute(f"create trigger {name} {when} on searchable begin {body} end")
    db.execute(
        "insert into searchable (trace, request, plans, results, errors) select id, request, "
        f"{_PLANS}, {_RESULTS}, {_ERRORS} from traces order by started".replace(
            "new.id", "traces.id"
        )
    )
    for name, when, row, column, words in (
        ("search_plan", "insert on plans", "trace", "plans", _PLANS),
        ("search_result", "update of result on tasks", "trace", "results", _RESULTS),
        ("search_error", "update of error on tasks", "trace", "errors", _ERRORS),
        ("search_answer", "update of answer on traces", "id", "results", _RESULTS),
        ("search_failure", "update of error on traces", "id", "errors", _ERRORS),
    ):
        db.execute(
            f"create trigger {name} after {when} begin update searchable "
            f"set {column} = {words.replace('new.id', 'new.' + row)} "
            f"where trace = new.{row}; end"
        )
    db.execute(
        "create trigger search_request after insert on traces begin insert into searchable "
        "(trace, request, plans, results, errors) values (new.id, new.request, '', '', ''); end"
    )
    db.execute(
        "create trigger search_forget before delete on traces begin "
        "delete from searchable where trace = old.id; end"
    )


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m006_indexes(db: Database) -> None:
    """Indexes for 100,000 runs: each order that a list has, and each filter that is rare.

    Why: ``benchmarks/traces.py`` measures what they are for.
    """
    for columns in (
        ["label", "started"],
        ["status", "started"],
        ["source", "started"],
        ["model", "started"],
        ["seconds"],
        ["certainty"],
    ):
        db["traces"].create_index(columns)
    db["tasks"].create_index(["tool", "trace"])
    db["approvals"].create_index(["trace"])
    db["questions"].create_index(["trace"])


@MIGRATIONS()  # type: ignore[untyped-decorator]
def m007_labels_declare(db: Database) -> None:
    """Declarations (JSON) of a person's own tools that a label's plan calls.

    Why: a run declares the tools that it offered. Where ToolRAG missed the one that is right,
    the label alone names it, and retraining has to know what it is.
    """
    db["labels"].add_column("declared", str, not_null_default="[]")

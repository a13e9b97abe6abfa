"""``tinyagent traces``: list, search, show, label, delete, export and import runs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyagent.commands.console import explained
from tinyagent.errors import SettingsError
from tinyagent.traces.filters import ORDERS, Filter
from tinyagent.traces.options import filtered

if TYPE_CHECKING:
    from tinyagent.traces.store import Row, TraceStore

app = typer.Typer(no_args_is_help=True, help="Look at runs, label, export and delete them.")

Log = Annotated[Path | None, typer.Option("--traces", help="Another trace log (SQLite).")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Offset = Annotated[int, typer.Option(min=0, help="Leave out the first so many.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines.")]


@app.command("list")
@filtered
def list_runs(
    wanted: Filter,
    order: Annotated[
        str, typer.Option(help="newest, oldest, longest, shortest, unsure, status, label …")
    ] = "newest",
    queue: Annotated[
        bool, typer.Option("--queue", help="What to label next: unlabelled, least sure first.")
    ] = False,
    limit: Limit = 20,
    offset: Offset = 0,
    as_json: AsJson = False,
    traces: Log = None,
) -> None:
    """List runs, the newest first."""
    with explained():
        if order not in ORDERS:
            raise SettingsError(f"--order {order}: it is {', '.join(ORDERS)}")
        if queue and wanted != Filter():
            raise SettingsError("--queue has its own filter and order; leave the others out")
        store = _store(traces)
        listed = store.page(wanted, order, limit, offset)  # type: ignore[arg-type]  # checked
        _print_rows(store.queue(limit, offset) if queue else listed, as_json)


@app.command()
@filtered
def search(
    wanted: Filter,
    words: Annotated[str, typer.Argument(help="The last may be the beginning of a word.")],
    limit: Limit = 20,
    offset: Offset = 0,
    as_json: AsJson = False,
    traces: Log = None,
) -> None:
    """Search requests, plans, results and errors."""
    with explained():
        found = _store(traces).page(replace(wanted, words=words), "newest", limit, offset)
        _print_rows(found, as_json)


@app.command()
def show(
    trace: Annotated[str, typer.Argument(metavar="ID")],
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
    traces: Log = None,
) -> None:
    """Show a run, step by step."""
    with explained():
        from tinyagent.traces.cells import cells

        found = _store(traces).read(trace)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
            return
        spoken = found["recording"]
        took = "" if found["seconds"] is None else f", {found['seconds']:.1f} s"
        typer.echo(f"{found['id']}  {found['started']}  {found['status']}{took}")
        if spoken:
            typer.echo(f"said: {spoken['said']} ({spoken['file']})")
        for cell in cells(found):
            seconds = "" if cell.seconds is None else f" ({cell.seconds:.3f} s)"
            state = f" [{cell.state}]" if cell.state else ""
            typer.echo(f"\n{cell.start:8.3f}  {cell.title}{state}{seconds}")
            if cell.kind == "tools":
                likely = [(t, p) for t, p in cell.values.items() if p >= 0.01]
                _indented("\n".join(f"{p:.2f} {t}" for t, p in likely))
            else:
                _indented(cell.input)
            _indented(cell.output)
        for label in found["labels"]:
            reasons = f" ({', '.join(label['reasons'])})" if label["reasons"] else ""
            verdict = label["verdict"] or "taken back"
            typer.echo(f"\nlabel {label['at']}, {label['source']}: {verdict}{reasons}")
            _indented(label["note"])
            _indented(label["plan"])


@app.command("label")
def label_run(
    trace: Annotated[str, typer.Argument(metavar="ID")],
    verdict: Annotated[str, typer.Argument(help="good, bad, or none to take a label back.")],
    why: Annotated[
        list[str] | None,
        typer.Option(
            help="tools, missing, extra, argument, time, refuse, speech or other; may be repeated."
        ),
    ] = None,
    plan: Annotated[
        str, typer.Option(help="The right plan, its lines apart by a newline or ;")
    ] = "",
    note: Annotated[str, typer.Option(help="In your own words.")] = "",
    traces: Log = None,
) -> None:
    """Say whether a run was good, and what would have been right."""
    with explained():
        from tinyagent.settings import load_settings
        from tinyagent.tools.installed import installed_tools
        from tinyagent.traces.labels import Label

        given = Label(
            trace,
            "" if verdict == "none" else verdict,  # type: ignore[arg-type]  # the store checks
            tuple(why or ()),
            _plan_lines(plan),
            note,
        )
        written = _store(traces).label(
            given, datetime.now(), installed_tools(load_settings().tools)
        )
    typer.echo(f"{trace}: {written.verdict or 'label taken back'}")
    _indented(written.plan)


@app.command()
def said(
    trace: Annotated[str, typer.Argument(metavar="ID")],
    words: Annotated[str, typer.Argument(help="The words, as they are said.")],
    traces: Log = None,
) -> None:
    """Write down what the recording of a run really says; `export --format speech` takes it."""
    with explained():
        _store(traces).said(trace, words)
    typer.echo(f"{trace}: {words}")


@app.command()
@filtered
def delete(
    wanted: Filter,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID …")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    traces: Log = None,
) -> None:
    """Forget runs, with their labels. ``vacuum`` then wipes them from the file."""
    with explained():
        named = tuple(ids or ())
        if not named and wanted == Filter():
            raise SettingsError("name the runs to delete, or say by an option which are meant")
        store = _store(traces)
        found = named if wanted == Filter() else store.ids(replace(wanted, ids=named))
        if not yes and not typer.confirm(f"Forget {len(found)} run(s) for good?", err=True):
            raise typer.Exit(1)
        store.delete(found)
    typer.echo(f"{len(found)} deleted")


@app.command()
def vacuum(traces: Log = None) -> None:
    """Make the file as small as what is in it."""
    with explained():
        before, after = _store(traces).vacuum()
    typer.echo(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")


@app.command("export")
@filtered
def export_runs(
    wanted: Filter,
    out: Annotated[Path, typer.Argument(metavar="OUT")],
    format: Annotated[
        str,
        typer.Option(help="planner, toolrag, openai, testset, notebook, parquet, otel or speech."),
    ],
    redact: Annotated[
        bool, typer.Option("--redact", help="Stand-ins for names, addresses and numbers.")
    ] = False,
    traces: Log = None,
) -> None:
    """Write runs in a format that other programs read; for training, those with a right plan."""
    with explained():
        from tinyagent.traces.exports import export

        done = export(_store(traces), wanted, format, out, redact)
    typer.echo(f"{done.written} runs in {out}")
    if done.left_out:
        typer.echo(f"{done.left_out} left out: redacted, their plans would not fit", err=True)


@app.command("import")
def import_runs(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="request, now, plan a line.")],
    traces: Log = None,
) -> None:
    """Take in requests with right plans that were made elsewhere, as runs labelled good."""
    with explained():
        from tinyagent.settings import load_settings
        from tinyagent.tools.installed import installed_tools
        from tinyagent.traces.importer import import_lines

        made, known, wrong = import_lines(
            source,
            _store(traces, make=True),
            datetime.now(),
            installed_tools(load_settings().tools),
        )
    for message in wrong:
        typer.echo(message, err=True)
    typer.echo(f"{made} imported, {known} were there already, {len(wrong)} refused")
    raise typer.Exit(2 if wrong else 0)


def _store(traces: Path | None, make: bool = False) -> TraceStore:
    """The log of the settings, or the one named; ``make``: begin one where there is none."""
    from tinyagent.settings import load_settings
    from tinyagent.traces.log import TraceLog
    from tinyagent.traces.store import TraceStore

    path = load_settings(traces=traces).traces
    if make:
        TraceLog(path).close()
    return TraceStore.open(path)


def _print_rows(rows: list[Row], as_json: bool) -> None:
    for row in rows:
        if as_json:
            typer.echo(json.dumps(asdict(row), ensure_ascii=False))
            continue
        seconds = "" if row.seconds is None else f"{row.seconds:.1f} s"
        request = " ".join(row.request.split())
        short = request if len(request) <= 70 else f"{request[:69]}…"
        cells: tuple[Any, ...] = (row.id, row.started[:16].replace("T", " "), row.status)
        typer.echo("  ".join([*cells, row.label or "-", seconds or "-", short]))


def _indented(text: str) -> None:
    for line in (text or "").splitlines():
        typer.echo(f"          {line}")


def _plan_lines(plan: str) -> str:
    """A plan typed in one line, as ``1. a(); 2. join()``, on lines of its own."""
    return re.sub(r";\s*(?=\d+\. ?\w+\()", "\n", plan)

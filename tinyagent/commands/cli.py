"""The command line: the same agent, without the page.

Exit status: 0 done, 1 failed, 2 bad input. Results go to stdout, all else to
stderr. What loads models is imported inside its command, so that
``tinyagent time`` answers at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyagent.approval.cli import app as approvals
from tinyagent.approval.visible import visible
from tinyagent.commands.batch import plan_row, read_now, resolve_time, run_batch, time_row
from tinyagent.commands.console import explained, tracked
from tinyagent.data.cli import app as data
from tinyagent.errors import SettingsError
from tinyagent.evaluation.cli import evaluate_set
from tinyagent.retrain.cli import app as models
from tinyagent.retrain.cli import retrain
from tinyagent.traces.cli import app as traces
from tinyagent.train.cli import app as train
from tinyagent.voice.cli import transcribe

if TYPE_CHECKING:
    from tinyagent.commands.doctor import Check

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
app.add_typer(data, name="data")
app.add_typer(train, name="train")
app.add_typer(traces, name="traces")
app.add_typer(models, name="models")
app.add_typer(approvals, name="approvals")
app.command("eval")(evaluate_set)
app.command()(transcribe)
app.command()(retrain)

Now = Annotated[str, typer.Option(help="ISO time that times count from; default: this minute.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from tinyagent.opening import program_version

        typer.echo(program_version())
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """A local assistant that plans, asks, and then acts."""


@app.command()
def ask(
    request: Annotated[str | None, typer.Argument(help="What is to be done.")] = None,
    audio: Annotated[Path | None, typer.Option(help="A recording that says it.")] = None,
    now: Now = "",
    approve: Annotated[
        str, typer.Option(help="all: approve it; ask: ask me; none: only propose.")
    ] = "ask",
    remember: Annotated[
        int,
        typer.Option(help="Days for which what you approve is not asked about again.", min=0),
    ] = 0,
    backend: Annotated[str | None, typer.Option(help="workspace or macos.")] = None,
    workspace: Annotated[Path | None, typer.Option(help="Folder of the workspace.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the trace as JSON.")] = False,
) -> None:
    """Do what a request says."""
    with explained():
        from tinyagent.agent import TinyAgent
        from tinyagent.commands.terminal import confirmed, converse, interactive
        from tinyagent.settings import load_settings
        from tinyagent.voice.ask import ask_aloud

        if approve not in ("all", "ask", "none"):
            raise SettingsError(f"--approve {approve}: it is all, ask or none")
        if (request is None) == (audio is None):
            raise SettingsError("ask: give a request, or a recording with --audio FILE")
        at = read_now(now) if now else datetime.now()
        settings = load_settings(backend=backend, workspace=workspace)
        with contextlib.closing(TinyAgent.open(settings)) as agent:
            for trouble in agent.troubles:
                typer.echo(trouble, err=True)
            asks = approve == "ask" and interactive()
            remembered = approve == "ask"
            until = datetime.now() + timedelta(days=remember) if remember else None
            if audio is not None:
                run = ask_aloud(agent, audio, at, asks, remembered)
            else:
                run = agent.start(request or "", at, source="cli", asks=asks, remembered=remembered)
            status = converse(agent, run, approve, as_json, confirmed, until)  # type: ignore[arg-type]
    raise typer.Exit(status)


@app.command()
def plan(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="id, query and now a line.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="A plan a line.")],
    toolrag: Annotated[str | None, typer.Option(help="classifier, basic or all.")] = None,
    model: Annotated[str | None, typer.Option(help="Another planner: a GGUF file.")] = None,
) -> None:
    """Plan many requests, running none."""
    with explained():
        from tinyagent.remote import planner_of
        from tinyagent.settings import load_settings
        from tinyagent.toolrag import load
        from tinyagent.versions import with_versions

        settings = with_versions(load_settings(toolrag=toolrag, planner=model))
        answer = plan_row(load(settings), planner_of(settings))
        _report(run_batch(source, target, answer, tracked))


@app.command()
def time(
    phrase: Annotated[str, typer.Argument(help="Words for a time.")] = "",
    now: Now = "",
    start: Annotated[
        str, typer.Option(help="ISO time; the phrase is then an end, or a duration from it.")
    ] = "",
    batch: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="IN.jsonl OUT.jsonl", help="id, phrase, now and perhaps start a line."
        ),
    ] = None,
) -> None:
    """Say which time a phrase means."""
    with explained():
        if batch is not None:
            _report(run_batch(*batch, time_row, tracked))
            return
        at = read_now(now) if now else datetime.now()
        if start:
            read_now(start)
        moment = resolve_time(phrase, at, start)
    typer.echo(f"{moment.at:%Y-%m-%dT%H:%M}")


@app.command()
def tools() -> None:
    """List the tools: the sixteen, your own, and those of packages and MCP servers."""
    with explained():
        from tinyagent.opening import open_servers
        from tinyagent.settings import load_settings
        from tinyagent.tools.installed import installed_tools

        settings = load_settings()
        found = installed_tools(settings.tools, settings.shortcuts, settings.task_timeout)
        if servers := open_servers(settings):
            with contextlib.closing(servers):
                found = found.with_more(servers.tools(found))
            for trouble in servers.troubles:
                typer.echo(trouble, err=True)
    for tool in found.values():
        origin = f"  ({tool.origin})" if tool.origin else ""
        typer.echo(f"{'changes' if tool.changes else 'reads  '} {tool.signature}{origin}")
        typer.echo(f"        {tool.app}: {tool.description}")


@app.command()
def mcp() -> None:
    """Serve other agents over the Model Context Protocol, on stdin and stdout."""
    with explained():
        from tinyagent.agent import TinyAgent
        from tinyagent.mcp.server import serve

        with TinyAgent.open() as agent:
            serve(agent)


@app.command()
def undo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `traces list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    backend: Annotated[str | None, typer.Option(help="workspace or macos.")] = None,
    workspace: Annotated[Path | None, typer.Option(help="Folder of the workspace.")] = None,
) -> None:
    """Take back what a run changed."""
    with explained():
        from tinyagent.commands.terminal import confirmed
        from tinyagent.opening import open_backend
        from tinyagent.runs.run import new_run
        from tinyagent.runs.undo import done_by, undo_run
        from tinyagent.settings import load_settings
        from tinyagent.traces import TraceLog
        from tinyagent.traces.store import TraceStore

        settings = load_settings(backend=backend, workspace=workspace)
        TraceStore.open(settings.traces).require_over(run)
        with contextlib.closing(TraceLog(settings.traces)) as log:
            happened = log.happened(run)
            for done in done_by(happened):
                typer.echo(visible(f"  {done.text}"), err=True)
            if not yes and not confirmed("Take this back?"):
                raise typer.Exit(1)
            answer = undo_run(
                new_run(datetime.now, log.record),
                happened,
                open_backend(settings, datetime.now),
                datetime.now,
                "cli",
            )
    typer.echo(visible(answer.text))
    raise typer.Exit(0 if answer.complete else 1)


@app.command()
def doctor(
    backend: Annotated[
        str | None, typer.Option(help="Examine this one; `macos` asks each application.")
    ] = None,
) -> None:
    """Show what is installed, what is missing, and the command that gets it."""
    with explained():
        from tinyagent.commands.doctor import examine
        from tinyagent.settings import load_settings

        checks = examine(load_settings(backend=backend), ask_applications=backend == "macos")
    raise typer.Exit(_tell(checks))


@app.command()
def selftest(
    backend: Annotated[str, typer.Option(help="workspace or macos.")],
    workspace: Annotated[Path | None, typer.Option(help="Folder of the workspace.")] = None,
) -> None:
    """Make, read back and remove one of each thing, where tools act."""
    with explained():
        from tinyagent.commands.selftest import selftest
        from tinyagent.opening import open_backend
        from tinyagent.settings import load_settings

        settings = load_settings(backend=backend, workspace=workspace)
        where = open_backend(settings, datetime.now)
        status = _tell(selftest(where, datetime.now(), drafts=not settings.send_mail))
    raise typer.Exit(status)


def _tell(checks: Iterable[Check]) -> int:
    """Print each check as it is made; the exit status."""
    status = 0
    for check in checks:
        status |= not check.ok
        typer.echo(f"{'ok     ' if check.ok else 'MISSING'} {check.name}: {check.detail}")
        if check.cure:
            typer.echo(f"        {check.cure}")
    return status


def _report(wrong: list[str]) -> None:
    for message in wrong:
        typer.echo(message, err=True)
    if wrong:
        raise typer.Exit(2)

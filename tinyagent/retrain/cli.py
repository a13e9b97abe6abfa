"""``tinyagent retrain`` and ``tinyagent models``: better versions from labels, and which to use."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyagent.commands.console import explained

if TYPE_CHECKING:
    from tinyagent.retrain.job import Job, State

app = typer.Typer(no_args_is_help=True, help="Versions of ToolRAG and of the planner.")

Log = Annotated[Path | None, typer.Option("--traces", help="Another trace log (SQLite).")]


def retrain(
    planner: Annotated[
        bool, typer.Option("--planner", help="The planner as well; it takes longer.")
    ] = False,
    rows: Annotated[
        int, typer.Option(min=0, help="Shipped examples to learn from, against forgetting.")
    ] = 2000,
    fixed: Annotated[
        int, typer.Option(min=0, help="Shipped examples to compare the versions on.")
    ] = 120,
    minutes: Annotated[float, typer.Option(min=0.1, help="Computing time of the planner.")] = 20.0,
    epochs: Annotated[int, typer.Option(min=1, help="Times through the data, of ToolRAG.")] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave in use what is in use, whatever comes out.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last one, which was cut off.")
    ] = False,
    traces: Log = None,
) -> None:
    """Learn from the labelled runs; what comes out is used if it is better.

    Ctrl-C cancels; --resume goes on.
    """
    with explained():
        from tinyagent.errors import SettingsError
        from tinyagent.retrain import job as jobs
        from tinyagent.settings import load_settings

        settings = load_settings(traces=traces)
        if resume:
            found = jobs.jobs(settings)
            if not found:
                raise SettingsError("there is no retraining to resume; leave --resume out")
            job = found[0]
            jobs.resume(job)
        else:
            parts: tuple[Any, ...] = ("toolrag", "planner") if planner else ("toolrag",)
            asked = jobs.Asked(parts, rows, fixed, minutes, epochs, promote=not keep)
            job = jobs.begin(settings, asked)
        try:
            state = _follow(job)
        except KeyboardInterrupt:
            jobs.cancel(job)
            typer.echo("cancelled; tinyagent retrain --resume goes on", err=True)
            raise typer.Exit(1) from None
    for part in state.done:
        _print_result(part, job.result(part) or {})
    if state.status != "done":
        typer.echo(f"error: {state.status}: {state.error or job.folder / 'log.txt'}", err=True)
        raise typer.Exit(1)


@app.command("list")
def list_versions(traces: Log = None) -> None:
    """List the versions, with their data and metrics; * marks those in use."""
    with explained():
        from tinyagent.settings import load_settings
        from tinyagent.versions import PARTS, Versions

        versions = Versions(load_settings(traces=traces))
        chosen = versions.chosen()
        for part in PARTS:
            for version in versions.all(part):
                mark = "*" if version.id == chosen[part] else " "
                size = f"{version.size / 1e6:.1f} MB"
                typer.echo(f"{mark} {part:8} {version.id:16} {size:>9}  {version.sha256[:12]}")
                for facts in (version.data, version.metrics):
                    told = ", ".join(f"{name} {_number(value)}" for name, value in facts.items())
                    typer.echo(f"             {told}" if told else "", nl=bool(told))


@app.command()
def use(
    part: Annotated[str, typer.Argument(help="toolrag or planner.")],
    version: Annotated[str, typer.Argument(help="As `tinyagent models list` names it.")],
    traces: Log = None,
) -> None:
    """Put a version in use; the next request takes it."""
    with explained():
        from tinyagent.errors import SettingsError
        from tinyagent.settings import load_settings
        from tinyagent.versions import PARTS, Versions

        if part not in PARTS:
            raise SettingsError(f"{part!r}: it is {' or '.join(PARTS)}")
        versions = Versions(load_settings(traces=traces))
        versions.use(part, version, "by hand", datetime.now())
    typer.echo(f"{part}: {version} is in use")


def _follow(job: Job) -> State:
    """Show how far it is until it ends; the last state."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=1.0, told="")
        while (state := job.state).status == "running":
            share, told = _told(job, state)
            words = f"{state.part}, {state.stage}"
            progress.update(bar, completed=share, description=words, told=told)
            time.sleep(0.5)
    return state


def _told(job: Job, state: State) -> tuple[float, str]:
    from tinyagent.train.progress import told

    share, left, loss = state.share, state.left, ""
    if state.stage == "train" and (reports := told(job.folder / state.part)):
        share, left = reports[-1].share, reports[-1].left
        loss = f"step {reports[-1].step}, loss {reports[-1].loss:.4f}, "
    return share, loss + (f"{left / 60:.1f} min left" if left is not None else "")


def _print_result(part: str, result: dict[str, Any]) -> None:
    from tinyagent.markdown import table
    from tinyagent.retrain.compare import MEASURES

    rows = [
        (
            change["group"],
            MEASURES[change["measure"]],
            f"{change['before']} of {change['of']}",
            f"{change['after']} of {change['of']}" + (" (worse)" if change["worse"] else ""),
        )
        for change in result["changes"]
    ]
    typer.echo(table(("requests", "", f"{part} {result['before']}", result["version"]), rows))
    used = "in use now" if result["promoted"] else "not put in use"
    typer.echo(f"\n{part} {result['version']}: {result['why']}; {used}")
    for moved in result["moved"]:
        if not moved["better"]:
            typer.echo(f"\nworse ({moved['group']}): {moved['request']}")
            typer.echo(f"before:\n{moved['before']}\nnow:\n{moved['after']}")


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)

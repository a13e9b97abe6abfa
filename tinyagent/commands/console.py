"""What every command shares: errors as one line and an exit status, and a progress bar."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import typer

from tinyagent.errors import (
    AudioError,
    PlanError,
    RequestError,
    SettingsError,
    TimePhraseError,
    TinyAgentError,
    ToolDeclarationError,
)

T = TypeVar("T")
_BAD_INPUT = (
    SettingsError,
    RequestError,
    TimePhraseError,
    PlanError,
    AudioError,
    ToolDeclarationError,
)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """An error that TinyAgent raises on purpose is one line, and exit status 1, or 2: bad input."""
    try:
        yield
    except TinyAgentError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, _BAD_INPUT) else 1) from error


def options(**given: object) -> str:
    """The options that were given, as they stand on a command line; those of a list one by one."""
    named = ((k, v) for k, vs in given.items() for v in (vs if isinstance(vs, list) else [vs]))
    return "".join(f" --{name} {shlex.quote(str(value))}" for name, value in named if value)


def tracked(items: Sequence[T]) -> Iterable[T]:
    """The items, with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import track

    return track(items, description="", console=Console(stderr=True))


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str, float, float], None]]:
    """A bar on stderr for what takes long: to be told what, how much is done, of how much.

    It is drawn where it is told of something, until all of that is done.
    """
    from rich.console import Console
    from rich.progress import Progress, TaskID

    # Output goes where it was going: a bar on stderr must not take over stdout.
    bar = Progress(console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: float, total: float) -> None:
        bar.start()
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)
        if done >= total:
            bar.remove_task(tasks.pop(what))
        if not tasks:
            bar.stop()

    try:
        yield tell
    finally:
        if tasks:
            bar.stop()

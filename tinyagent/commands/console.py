"""What every command shares: errors as one line and an exit status, and a progress bar."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
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


def tracked(items: Sequence[T]) -> Iterable[T]:
    """The items, with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import track

    return track(items, description="", console=Console(stderr=True))

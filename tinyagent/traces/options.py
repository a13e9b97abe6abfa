"""The options that say which runs are meant, declared once for every command that takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any

import typer

from tinyagent.traces.filters import Filter

_OPTIONS: dict[str, Any] = {
    "words": Annotated[str, typer.Option(help="Words in requests, plans, results or errors.")],
    "status": Annotated[str, typer.Option(help="answered, failed, stopped, interrupted …")],
    "label": Annotated[str, typer.Option(help="good, bad, none, or any.")],
    "tool": Annotated[str, typer.Option(help="Runs that call this tool.")],
    "model": Annotated[str, typer.Option(help="Part of the planner's version.")],
    "source": Annotated[str, typer.Option(help="page, cli, import …")],
    "since": Annotated[str, typer.Option(metavar="DATE", help="From this day on.")],
    "until": Annotated[str, typer.Option(metavar="DATE", help="Up to this day.")],
    "ids": Annotated[list[str] | None, typer.Option("--id", help="This run; may be given often.")],
}
"""An option for each field of ``Filter``."""
_EMPTY = {"ids": None}
_KEYWORD = Parameter.KEYWORD_ONLY


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """The command with ``_OPTIONS`` before its own; it gets them as a ``Filter``, first.

    An option whose name the command declares itself is left out: that field stays empty.
    """
    signature = inspect.signature(command, eval_str=True)
    wanted, *own = signature.parameters.values()
    assert wanted.annotation is Filter
    names = [name for name in _OPTIONS if name not in signature.parameters]

    @wraps(command)
    def with_filter(**given: Any) -> None:
        fields = {name: value for name in names if (value := given.pop(name))}
        if "ids" in fields:
            fields["ids"] = tuple(fields["ids"])
        command(Filter(**fields), **given)

    parameters = [
        *(
            Parameter(name, _KEYWORD, default=_EMPTY.get(name, ""), annotation=_OPTIONS[name])
            for name in names
        ),
        *(parameter.replace(kind=_KEYWORD) for parameter in own),
    ]
    with_filter.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_filter.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_filter

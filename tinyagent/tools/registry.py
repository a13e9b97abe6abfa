"""A tool is a typed Python function with a docstring.

Everything else that TinyAgent knows of a tool comes from that one
declaration: the signature and the line in the planner's prompt, the
decoder's grammar, the validator's checks and the approval form.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from tinyagent.backends.base import Target
from tinyagent.errors import ToolDeclarationError
from tinyagent.tools.kinds import CHOICE, FLAG, NUMBER, Kind

ToolFunction = Callable[..., Any]
_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool.

    Attributes:
        name: as in the Python function.
        kind: what the value, or each item of a list, holds.
        many: the argument is a list.
        choices: the only values allowed, where there are such.
        default: value when it is left out; meaningless if ``required``.
        required: it has no default.
        help: its line in the docstring.
    """

    name: str
    kind: Kind
    many: bool
    choices: tuple[str | int, ...]
    default: Any
    required: bool
    help: str

    @property
    def written_default(self) -> Any:
        """The default as a plan's value: a list is a tuple there."""
        return tuple(self.default) if isinstance(self.default, list) else self.default

    @property
    def signature(self) -> str:
        """Compact form for the prompt: ``invitees?:[email]``; text and times need no word."""
        label = "|".join(str(c) for c in self.choices) or self.kind.name
        label = "" if label in ("text", "time") else label
        if self.many:
            label = f"[{label}]"
        return self.name + ("" if self.required else "?") + (f":{label}" if label else "")


@dataclass(frozen=True)
class Aim:
    """How to find out, before approval, what a call will act on.

    Attributes:
        find: called as the tool's function is; None where there is nothing to tell.
            ToolError where the call could not work.
        by: the arguments that decide it.
    """

    find: Callable[..., Target | None]
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tool:
    """A declared tool.

    Attributes:
        name: the function's name.
        app: the application that it acts in.
        changes: False where it only reads; such a tool needs no approval.
        description: first paragraph of the docstring.
        parameters: in the order of the plan language.
        result: kind of the result.
        function: called with a context and the resolved arguments by name.
        sentence: what a call will do, for the approval; a format string over
            the arguments.
        aim: finds what a call acts on, where its arguments leave that open.
    """

    name: str
    app: str
    changes: bool
    description: str
    parameters: tuple[Parameter, ...]
    result: Kind
    function: ToolFunction
    sentence: str
    aim: Aim | None = None

    @property
    def signature(self) -> str:
        """The line that the planner's prompt gives this tool."""
        result = "" if self.result.name == "status" else f"->{self.result.name}"
        return f"{self.name}({', '.join(p.signature for p in self.parameters)}){result}"

    def parameter(self, name: str) -> Parameter:
        """The parameter called ``name``; KeyError where there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


class ToolSet(Mapping[str, Tool]):
    """Tools by name, in the order of their declaration."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for item in tools:
            if item.name in self._tools:
                raise ToolDeclarationError(f"two tools are called {item.name}; rename one of them")
            self._tools[item.name] = item

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def only(self, names: Iterable[str]) -> ToolSet:
        """The named tools, still in the order of their declaration."""
        wanted = set(names)
        return ToolSet(t for t in self._tools.values() if t.name in wanted)


def tool(
    *, app: str, changes: bool, sentence: str, aim: Aim | None = None
) -> Callable[[ToolFunction], Tool]:
    """Declare a function as a tool.

    The function's first parameter is the context (see ``tools.context``); each
    further one needs a type and a line ``name: help`` in the docstring.

    Raises:
        ToolDeclarationError: a parameter or the result has no type that the plan
            language knows, or no line in the docstring.
    """

    def declare(function: ToolFunction) -> Tool:
        name = function.__name__
        description, helps = _read_docstring(name, inspect.getdoc(function))
        hints = get_type_hints(function, include_extras=True)
        parameters = [
            _read_parameter(name, p, hints, helps)
            for p in list(inspect.signature(function).parameters.values())[1:]
        ]
        result = _kind_of(hints.get("return"))
        if result is None:
            raise ToolDeclarationError(f"tool {name}: the result has no type of tools.kinds")
        return Tool(
            name, app, changes, description, tuple(parameters), result[0], function, sentence, aim
        )

    return declare


def _read_docstring(name: str, text: str | None) -> tuple[str, dict[str, str]]:
    """Split a docstring into the description and the help of each parameter."""
    if not text:
        raise ToolDeclarationError(f"tool {name} has no docstring; say what it does")
    description, _, rest = text.partition("\n\n")
    helps = {}
    for line in rest.splitlines():
        key, colon, value = line.strip().partition(": ")
        if colon:
            helps[key] = value
    return " ".join(description.split()), helps


def _read_parameter(
    tool_name: str, p: inspect.Parameter, hints: dict[str, Any], helps: dict[str, str]
) -> Parameter:
    place = f"tool {tool_name}, parameter {p.name}"
    if p.name not in hints:
        raise ToolDeclarationError(f"{place}: it has no type; annotate it")
    found = _kind_of(hints[p.name])
    if found is None:
        raise ToolDeclarationError(f"{place}: {hints[p.name]} is no type of the plan language")
    if p.name not in helps:
        raise ToolDeclarationError(f"{place}: the docstring has no line '{p.name}: …'")
    kind, many, choices = found
    required = p.default is _REQUIRED
    default: Any = None if required else p.default
    if many and not required:
        default = list(default)
    elif kind.time and default is None:
        default = ""
    return Parameter(p.name, kind, many, choices, default, required, helps[p.name])


def _kind_of(hint: Any) -> tuple[Kind, bool, tuple[str | int, ...]] | None:
    """(kind, is a list, choices) of a type hint, or None if it is none of ours."""
    origin = get_origin(hint)
    if origin is Annotated:
        kinds = [m for m in get_args(hint)[1:] if isinstance(m, Kind)]
        return (kinds[0], False, ()) if kinds else None
    if origin in (list, Sequence):
        inner = _kind_of(get_args(hint)[0])
        return None if inner is None or inner[1] else (inner[0], True, inner[2])
    if origin is Literal:
        return (CHOICE, False, get_args(hint))
    if hint is bool:
        return (FLAG, False, ())
    if hint is int:
        return (NUMBER, False, ())
    return None

"""What TinyAgent knows of a tool: its parameters, and what a call does.

All of it comes from one declaration, a typed Python function with a docstring
(``declare``) or a server's schema (``mcp``): the signature and the line in the
planner's prompt, the decoder's grammar, the validator's checks, the approval form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tinyagent.backends.base import Target
from tinyagent.errors import ToolDeclarationError
from tinyagent.tools.kinds import Kind

ToolFunction = Callable[..., Any]


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool.

    Attributes:
        name: as in the Python function.
        kind: what the value, or each item of a list, holds.
        many: the argument is a list.
        choices: the only values allowed, where there are such.
        default: value when it is left out, "" for None; meaningless if ``required``.
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
            label = f"[{label or 'text'}]"
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
        origin: the file, package or server that it comes from; "" for the sixteen.
        examples: requests that need it, for ToolRAG.
        aim: finds what a call acts on, where its arguments leave that open.
        once: the planner calls it once in a plan at most.
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
    origin: str = ""
    examples: tuple[str, ...] = ()
    once: bool = False

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
                raise ToolDeclarationError(_twice(self._tools[item.name], item))
            self._tools[item.name] = item

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __hash__(self) -> int:
        return hash(tuple(self._tools))

    def only(self, names: Iterable[str]) -> ToolSet:
        """The named tools, still in the order of their declaration."""
        wanted = set(names)
        return ToolSet(t for t in self._tools.values() if t.name in wanted)

    def with_more(self, tools: Iterable[Tool]) -> ToolSet:
        """These tools, and others after them; ToolDeclarationError where two share a name."""
        return ToolSet([*self._tools.values(), *tools])


def _twice(first: Tool, second: Tool) -> str:
    places = " and ".join(t.origin or "TinyAgent's own sixteen" for t in (first, second))
    return f"two tools are called {first.name} (in {places}); rename one of them"

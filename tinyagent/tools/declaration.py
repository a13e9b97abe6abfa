"""A tool's declaration as data: all of a tool but its function.

A trace holds the declarations of the tools that are none of the sixteen, so
that it can be read, shown and exported where those tools are not installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tinyagent.errors import ToolError
from tinyagent.tools.kinds import KINDS, Kind
from tinyagent.tools.registry import Parameter, Tool, ToolSet
from tinyagent.tools.sixteen import SIXTEEN

Default = str | int | float | bool | list[str] | list[int] | list[float] | None


@dataclass(frozen=True)
class ParameterDeclaration:
    """A parameter; the fields are those of ``Parameter``, ``kind`` a word of ``KINDS``."""

    name: str
    kind: str
    many: bool
    choices: list[str | int]
    default: Default
    required: bool
    help: str


@dataclass(frozen=True)
class Declaration:
    """A tool; the fields are those of ``Tool``, ``result`` a word of ``KINDS``."""

    name: str
    app: str
    changes: bool
    description: str
    parameters: list[ParameterDeclaration]
    result: str
    sentence: str
    origin: str

    @classmethod
    def of(cls, tool: Tool) -> Declaration:
        """What declares a tool."""
        parameters = [
            ParameterDeclaration(
                p.name, _word(p.kind), p.many, list(p.choices), p.default, p.required, p.help
            )
            for p in tool.parameters
        ]
        return cls(
            tool.name,
            tool.app,
            tool.changes,
            tool.description,
            parameters,
            _word(tool.result),
            tool.sentence,
            tool.origin,
        )

    def tool(self) -> Tool:
        """The tool that was declared; it can be shown, but not called."""
        parameters = tuple(
            Parameter(
                p.name, KINDS[p.kind], p.many, tuple(p.choices), p.default, p.required, p.help
            )
            for p in self.parameters
        )
        return Tool(
            self.name,
            self.app,
            self.changes,
            self.description,
            parameters,
            KINDS[self.result],
            _cannot_be_called,
            self.sentence,
            origin=self.origin,
        )


def read_declaration(data: Mapping[str, Any]) -> Declaration:
    """The declaration that was written as JSON."""
    parameters = [ParameterDeclaration(**one) for one in data["parameters"]]
    return Declaration(**{**data, "parameters": parameters})


def declarations(tools: Iterable[Tool]) -> list[Declaration]:
    """Of those tools that are none of the sixteen."""
    return [Declaration.of(tool) for tool in tools if tool.name not in SIXTEEN]


def declared_tools(declared: Iterable[Declaration]) -> ToolSet:
    """The sixteen, and the tools of these declarations."""
    own = {one.name: one.tool() for one in declared if one.name not in SIXTEEN}
    return SIXTEEN.with_more(own.values()) if own else SIXTEEN


def _word(kind: Kind) -> str:
    return next(word for word, known in KINDS.items() if known == kind)


def _cannot_be_called(context: Any, **arguments: Any) -> str:
    raise ToolError("this tool was declared in a trace, and is not installed here")

"""A tool that a server describes in JSON Schema, as a tool of the plan language."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mcp_types import Tool as ServerTool

from tinyagent.backends.base import Outcome
from tinyagent.errors import ToolDeclarationError
from tinyagent.plans.syntax import JOIN
from tinyagent.times import Moment
from tinyagent.tools.context import ToolContext
from tinyagent.tools.kinds import CHOICE, FLAG, INTEGER, KINDS, NUMBER, RESULT, WORDS, Kind
from tinyagent.tools.registry import Parameter, Tool

CallServer = Callable[[dict[str, Any], ToolContext], Outcome]
"""Calls the server's tool with arguments of its schema."""

LONGEST = 500
"""Characters of a description: it is a server's, and goes into prompts and the page."""
_TYPES = {"string": WORDS, "integer": INTEGER, "number": NUMBER, "boolean": FLAG}
_FORMATS = {"email": KINDS["email"], "date-time": KINDS["time"], "date": KINDS["time"]}
_PYTHON = {"string": str, "integer": int, "number": int | float, "boolean": bool}


def read_tool(
    server: str, given: ServerTool, call: CallServer, changes: bool, taken: Collection[str]
) -> Tool:
    """The tool of a server.

    A parameter that the plan language cannot hold (an object, a list of lists)
    is left out where the server does without it.

    Args:
        changes: False where the person knows that it only reads. What the server
            says of that is a claim, and shown as one.
        taken: names that another tool has; such a tool gets its server's before its own.

    Raises:
        ToolDeclarationError: it needs a parameter that the plan language cannot hold.
    """
    name = _word(given.name)
    if name in taken or name == JOIN:
        name = _word(f"{server}_{given.name}")
    schema = given.input_schema
    properties: Mapping[str, Any] = schema.get("properties") or {}
    needed = set(schema.get("required") or ())
    read: dict[str, Parameter] = {}
    for key in sorted(properties, key=lambda key: key not in needed):
        found = _parameter(key, properties[key], schema, key in needed)
        if found is None and key in needed:
            raise ToolDeclarationError(
                f"server {server}, tool {given.name}, parameter {key}: "
                "the plan language has no such type"
            )
        if found is not None:
            read[key] = found
    description = _short(given.description or given.title or given.name)
    hints = given.annotations
    claim = " (the server says that it only reads)" if hints and hints.read_only_hint else ""
    title = given.title or (hints.title if hints else None) or given.name.replace("_", " ")
    return Tool(
        name,
        server,
        changes,
        description,
        tuple(read.values()),
        RESULT,
        _function(read, call),
        _plain(title) + (claim if changes else ""),
        origin=f"MCP server {server}",
    )


def _parameter(key: str, given: Any, root: Mapping[str, Any], required: bool) -> Parameter | None:
    """The parameter, or None where the plan language cannot hold it."""
    schema = _resolved(given, root)
    many = schema.get("type") == "array"
    item = _resolved(schema.get("items") or {}, root) if many else schema
    choices = tuple(item.get("enum") or ())
    fit = all(isinstance(c, str | int) and not isinstance(c, bool) for c in choices)
    kind = CHOICE if choices and fit else _kind(item)
    if kind is None or (many and (kind.time or kind == FLAG)):
        return None
    default: Any = [] if many else ""
    if not required and not many and _is_value(schema.get("default"), item, choices):
        default = schema["default"]
    words = _short(str(schema.get("description") or key.replace("_", " ")))
    return Parameter(
        _word(key), kind, many, choices, None if required else default, required, words
    )


def _kind(schema: Mapping[str, Any]) -> Kind | None:
    if schema.get("type") == "string" and schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _TYPES.get(str(schema.get("type")))


def _is_value(value: Any, schema: Mapping[str, Any], choices: tuple[Any, ...]) -> bool:
    """May a default of the schema stand in a plan?"""
    if schema.get("format") in _FORMATS:
        return False
    wanted = _PYTHON.get(str(schema.get("type")), str)
    is_flag = schema.get("type") == "boolean"
    fits = isinstance(value, wanted) and isinstance(value, bool) == is_flag
    return fits and (not choices or value in choices)


def _resolved(given: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a reference to a definition, and ``X`` of "X or null"."""
    schema: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    for _ in range(8):
        ways = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(schema.get("$ref"), str):
            found: Any = root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found.get(part, {}) if isinstance(found, Mapping) else {}
            schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
        elif ways:
            rest = [way for way in ways if way.get("type") != "null"]
            if len(rest) != 1:
                return {}
            schema = {**rest[0], **{k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}}
        else:
            break
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema = {**schema, "type": kinds[0] if len(kinds) == 1 else ""}
    return schema


def _function(read: Mapping[str, Parameter], call: CallServer) -> Callable[..., Outcome]:
    """Calls the server; what was left out is not sent."""
    keys = {parameter.name: key for key, parameter in read.items()}
    optional = {p.name for p in read.values() if not p.required}

    def function(context: ToolContext, **arguments: Any) -> Outcome:
        given = {
            keys[name]: value.at.isoformat() if isinstance(value, Moment) else value
            for name, value in arguments.items()
            if not (name in optional and value in ("", None, []))
        }
        return call(given, context)

    return function


def _word(name: str) -> str:
    """A name of the plan language: ``listFiles`` and ``list-files`` are ``list_files``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    word = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:64]
    return word if word[:1].isalpha() else f"tool_{word}"


def _short(text: str) -> str:
    """The first paragraph on one line, at most ``LONGEST`` characters of it."""
    return _plain(" ".join(text.strip().partition("\n\n")[0].split())[:LONGEST])


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable())

"""``@tool``: a typed Python function with a docstring becomes a tool.

    @tool(changes=False)
    def exchange_rate(base: str, quote: str = "EUR") -> str:
        \"\"\"Look up what one unit of a currency costs in another.

        base: the currency to buy, as a code of three letters
        quote: the currency to pay in
        \"\"\"

The sixteen are declared so, and a person's own tools (``docs/own-tools.md``).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import string
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, overload

from tinyagent.errors import ToolDeclarationError
from tinyagent.plans.syntax import JOIN
from tinyagent.times import Moment
from tinyagent.tools.context import ToolContext
from tinyagent.tools.kinds import CHOICE, FLAG, INTEGER, KINDS, NUMBER, RESULT, WORDS, Kind
from tinyagent.tools.registry import Aim, Parameter, Tool, ToolFunction

OWN_APP = "Own tools"
"""The application of a tool that names none."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLAIN: dict[Any, Kind] = {
    str: WORDS,
    int: INTEGER,
    float: NUMBER,
    bool: FLAG,
    datetime: KINDS["time"],
    date: KINDS["time"],
}
"""Python's own types, and the kinds that they stand for."""
_RESULTS = (str, int, float, bool)
_TYPES = "str, int, float, bool, datetime, date, a Literal, a list of one of these, X | None"


@overload
def tool(function: ToolFunction, /) -> Tool: ...


@overload
def tool(
    *,
    app: str = OWN_APP,
    changes: bool = True,
    sentence: str = "",
    examples: Sequence[str] = (),
    aim: Aim | None = None,
    once: bool = False,
) -> Callable[[ToolFunction], Tool]: ...


def tool(
    function: ToolFunction | None = None,
    /,
    *,
    app: str = OWN_APP,
    changes: bool = True,
    sentence: str = "",
    examples: Sequence[str] = (),
    aim: Aim | None = None,
    once: bool = False,
) -> Tool | Callable[[ToolFunction], Tool]:
    """Declare a function as a tool, with ``@tool`` alone or with options.

    Each parameter needs a type and a line ``name: help`` in the docstring. A
    first parameter of type ``ToolContext`` is handed the context. The function
    may be a coroutine function.

    Args:
        app: what it acts in, as people call it.
        changes: it changes or sends something, so that each call is approved.
        sentence: what a call will do, a format string over the arguments; the
            description where it is left out.
        examples: requests that need the tool; they help ToolRAG to find it.
        aim: finds what a call acts on, where its arguments leave that open.
        once: the planner calls it once in a plan at most.

    Raises:
        ToolDeclarationError: the name, a parameter or the result is not what the plan
            language knows, or has no line in the docstring.
    """

    def declare(function: ToolFunction) -> Tool:
        made = _declared(function, app, changes, sentence)
        return replace(made, examples=tuple(examples), aim=aim, once=once)

    return declare if function is None else declare(function)


def check_name(name: str, place: str) -> None:
    """Raise a ToolDeclarationError where the plan language cannot hold a name."""
    if not _NAME.fullmatch(name) or name == JOIN:
        raise ToolDeclarationError(
            f"{place}: a name is up to 64 lower-case letters, digits and _, and not {JOIN}"
        )


def _declared(function: ToolFunction, app: str, changes: bool, sentence: str) -> Tool:
    name = function.__name__
    place = f"tool {name}"
    check_name(name, place)
    description, helps = _read_docstring(name, inspect.getdoc(function))
    hints = _hints(function, place)
    parameters = list(inspect.signature(function).parameters.values())
    with_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    read = [_read_parameter(name, p, hints, helps) for p in parameters[with_context:]]
    sentence = sentence or re.sub(r"([{}])", r"\1\1", description).rstrip(".")
    _check_sentence(sentence, {p.name for p in read}, place)
    return Tool(
        name,
        app,
        changes,
        description,
        tuple(read),
        _result(hints.get("return", inspect.Parameter.empty), place),
        _adapted(function, hints, with_context),
        sentence,
    )


def _hints(function: ToolFunction, place: str) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolDeclarationError(f"{place}: a type cannot be read ({error})") from error


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
    check_name(p.name, place)
    if p.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise ToolDeclarationError(f"{place}: it takes any number of values; name each of them")
    if p.name not in hints:
        raise ToolDeclarationError(f"{place}: it has no type; annotate it")
    found = _kind_of(_without_none(hints[p.name])[0])
    if found is None:
        shown = inspect.formatannotation(hints[p.name])
        raise ToolDeclarationError(
            f"{place}: {shown} is no type of the plan language; use {_TYPES}, "
            "or one of tinyagent.tools.kinds"
        )
    if p.name not in helps:
        raise ToolDeclarationError(f"{place}: the docstring has no line '{p.name}: …'")
    kind, many, choices = found
    required = p.default is inspect.Parameter.empty
    default: Any = None if required else p.default
    if many and not required:
        default = list(default or ())
    elif default is None:
        default = "" if not required else None
    return Parameter(p.name, kind, many, choices, default, required, helps[p.name])


def _kind_of(hint: Any) -> tuple[Kind, bool, tuple[str | int, ...]] | None:
    """(kind, is a list, choices) of a type hint, or None if it is none of ours."""
    origin = get_origin(hint)
    if origin is Annotated:
        kinds = [m for m in get_args(hint)[1:] if isinstance(m, Kind)]
        inner = _kind_of(get_args(hint)[0])
        return (kinds[0], False, inner[2] if inner else ()) if kinds else None
    if origin in (list, Sequence):
        inner = _kind_of(get_args(hint)[0])
        is_item = inner is not None and not inner[1] and not inner[0].time and inner[0] != FLAG
        return (inner[0], True, inner[2]) if inner is not None and is_item else None
    if origin is Literal:
        choices = get_args(hint)
        fit = all(isinstance(c, str | int) and not isinstance(c, bool) for c in choices)
        return (CHOICE, False, choices) if fit else None
    return (_PLAIN[hint], False, ()) if hint in _PLAIN else None


def _without_none(hint: Any) -> tuple[Any, bool]:
    """``X`` and True for ``X | None``; any other hint as it is, and False."""
    if get_origin(hint) in (Union, types.UnionType):
        rest = [item for item in get_args(hint) if item is not type(None)]
        if len(rest) == 1 and len(rest) < len(get_args(hint)):
            return rest[0], True
    return hint, False


def _result(hint: Any, place: str) -> Kind:
    if hint is None or hint is type(None):
        return KINDS["status"]
    if hint in _RESULTS:
        return RESULT
    found = _kind_of(hint) if get_origin(hint) is Annotated else None
    if found is None:
        raise ToolDeclarationError(
            f"{place}: the result has no type that the plan language knows; "
            "use -> str, or -> None where there is nothing to tell"
        )
    return found[0]


def _check_sentence(sentence: str, parameters: set[str], place: str) -> None:
    try:
        named = {field for _, field, _, _ in string.Formatter().parse(sentence) if field}
    except ValueError as error:
        raise ToolDeclarationError(f"{place}: the sentence cannot be read ({error})") from error
    if strange := sorted(named - parameters):
        raise ToolDeclarationError(f"{place}: the sentence names {strange[0]}, no argument of it")


def _adapted(function: ToolFunction, hints: dict[str, Any], with_context: bool) -> ToolFunction:
    """The function as it is called: context first, arguments by name, times as ``Moment``."""
    plain = {n: _without_none(h) for n, h in hints.items() if n != "return"}
    is_coroutine = inspect.iscoroutinefunction(function)

    @functools.wraps(function)
    # By position only: an argument of the tool may be called ``context``, too.
    def call(context: Any, /, **arguments: Any) -> Any:
        given = {name: _as_declared(value, *plain[name]) for name, value in arguments.items()}
        result = function(context, **given) if with_context else function(**given)
        return asyncio.run(result) if is_coroutine else result

    return call


def _as_declared(value: Any, hint: Any, may_be_none: bool) -> Any:
    """An argument as the function wants it."""
    if may_be_none and value in ("", None):
        return None
    if isinstance(value, Moment) and hint is datetime:
        return value.at
    if isinstance(value, Moment) and hint is date:
        return value.at.date()
    return float(value) if hint is float else value

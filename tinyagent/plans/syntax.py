"""The plan language: reading and writing plans, whole or as they arrive.

    1. get_email_address("Sid")
    2. create_calendar_event("Budget review", "tomorrow at 2pm", "", "", ["$1"])
    3. join()

Reading checks the form alone; ``plans.validate`` checks what it means.
"""

from __future__ import annotations

import ast
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tinyagent.errors import PlanSyntaxError

Value = str | int | float | bool | tuple[str | int | float, ...]
"""An argument as it is written: text, number, flag, or a list of them."""

JOIN = "join"
_LINE = re.compile(r"\s*(\d{1,9})\.\s*([A-Za-z_]\w*)\s*(\(.*\))\s*$", re.DOTALL)
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, as "\\ud83d" in double quotes gives it: no file can hold it."""
_NEW_LINE = re.compile("\r\n|\r|\n")
"""What Python's parser counts as the end of a line."""
REFERENCE = re.compile(r"\$(\d{1,9})")
"""Nine digits are more than any plan has tasks; Python makes no number of 5,000."""
_LARGEST = 2**63 - 1
"""The largest whole number that SQLite, where plans are kept, can hold."""
_SHOWN = 80
"""Characters of what is at fault that a message shows."""
_PARSING = threading.Lock()
"""CPython 3.11 counts the depth of a syntax tree for all threads in one place: two that parse at
once trip over each other's count (SystemError; python/cpython issue 106905)."""


@dataclass(frozen=True)
class Call:
    """Task ``number``: one call of a tool, with positional arguments."""

    number: int
    tool: str
    arguments: tuple[Value, ...] = ()

    def references(self) -> set[int]:
        """Numbers of the tasks whose results this call uses."""
        return {k for argument in self.arguments for k in references(argument)}

    def __str__(self) -> str:
        return f"{self.number}. {self.tool}({', '.join(map(write_value, self.arguments))})"


@dataclass(frozen=True)
class Plan:
    """The calls in order, without the closing ``join()``."""

    calls: tuple[Call, ...] = ()

    def __str__(self) -> str:
        lines = [str(call) for call in self.calls]
        return "\n".join([*lines, f"{len(lines) + 1}. {JOIN}()"])

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)


class PlanReader:
    """Reads a plan as it arrives: feed text, take out each call once its line ends."""

    def __init__(self) -> None:
        self._rest = ""
        self._calls: list[Call] = []
        self._joined = False

    def feed(self, text: str) -> list[Call]:
        """Take in more text; return the calls that it completed.

        Raises:
            PlanSyntaxError: a completed line is not a call, is out of order, or
                follows ``join()``.
        """
        *lines, self._rest = (self._rest + text).split("\n")
        before = len(self._calls)
        for line in lines:
            self._take(line)
        return self._calls[before:]

    def close(self) -> Plan:
        """End the text; return the plan.

        Raises:
            PlanSyntaxError: as ``feed``, or ``join()`` is missing.
        """
        rest, self._rest = self._rest, ""
        self._take(rest)
        if not self._joined:
            raise PlanSyntaxError(
                f"the plan does not end; its last line must be {len(self._calls) + 1}. {JOIN}()"
            )
        return Plan(tuple(self._calls))

    def _take(self, line: str) -> None:
        if not line.strip():
            return
        expected = len(self._calls) + 1
        if self._joined:
            raise PlanSyntaxError(f"{JOIN}() is the last line; after it came {line.strip()!r}")
        call = read_call(line)
        if call.number != expected:
            raise PlanSyntaxError(f"numbered {call.number}, but this is line {expected}", expected)
        if call.tool != JOIN:
            self._calls.append(call)
        elif call.arguments:
            raise PlanSyntaxError(f"{JOIN}() takes no arguments", expected)
        else:
            self._joined = True


def read_plan(text: str) -> Plan:
    """Read a whole plan.

    Raises:
        PlanSyntaxError: it is not one; the message names the line.
    """
    reader = PlanReader()
    reader.feed(text)
    return reader.close()


def read_call(line: str) -> Call:
    """Read one line, ``2. send_sms(["$1"], "hi")``.

    Raises:
        PlanSyntaxError: it is not a numbered call with literal arguments.
    """
    match = _LINE.match(line)
    if not match:
        raise PlanSyntaxError(
            f'{_short(line.strip())!r} is no call such as 1. open_note("Packing")'
        )
    number, tool, arguments = int(match[1]), match[2], match[3]
    source = "f" + arguments
    try:
        with _PARSING:
            node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "it cannot be read"
        raise PlanSyntaxError(f"{_short(tool + arguments)}: {reason}", number) from None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        raise PlanSyntaxError("arguments are positional literals, without names", number)
    return Call(number, tool, tuple(_read_value(a, source, number) for a in node.args))


def _read_value(node: ast.expr, source: str, number: int) -> Value:
    if isinstance(node, ast.List):
        items = tuple(_read_value(item, source, number) for item in node.elts)
        if any(isinstance(item, bool | tuple) for item in items):
            raise PlanSyntaxError("a list holds text or numbers only", number)
        return items  # type: ignore[return-value]  # checked above
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        positive = _read_value(node.operand, source, number)
        if isinstance(positive, int | float) and not isinstance(positive, bool):
            return -positive
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bool | int | float):
        if isinstance(node.value, int | float) and node.value > _LARGEST:  # 1e999 is infinite
            raise PlanSyntaxError("a number is too large", number)
        if isinstance(node.value, str) and not _is_double_quoted(node, source):
            raise PlanSyntaxError(f"text is double-quoted: {json.dumps(node.value)}", number)
        if isinstance(node.value, str) and HALF.search(node.value):
            raise PlanSyntaxError(
                "it has half of a character, which cannot be written down", number
            )
        return node.value
    shown = _short(ast.get_source_segment(source, node) or "it")
    raise PlanSyntaxError(
        f"{shown} is no literal: only text in double quotes, numbers, "
        "True, False and lists of them",
        number,
    )


def _is_double_quoted(node: ast.Constant, source: str) -> bool:
    # ``ast.get_source_segment`` walks through the whole source letter by letter.
    line = _NEW_LINE.split(source)[node.lineno - 1].encode()
    return line[node.col_offset :].startswith(b'"') and line[node.col_offset :][:3] != b'"""'


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def write_value(value: Value) -> str:
    """An argument as the plan language writes it."""
    if isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"[{', '.join(map(write_value, value))}]"


def references(value: object) -> list[int]:
    """Numbers after ``$`` in a value, in order, with repeats."""
    if isinstance(value, str):
        return [int(k) for k in REFERENCE.findall(value)]
    if isinstance(value, list | tuple):
        return [k for item in value for k in references(item)]
    return []


def reference(value: object) -> int | None:
    """The ``k`` of a value that is ``$k`` and nothing else."""
    match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def substitute(text: str, results: dict[int, str]) -> str:
    """Put results in the place of every ``$k``, in one pass (results stay as they are).

    Raises:
        KeyError: a task's result is missing.
    """
    return REFERENCE.sub(lambda m: results[int(m[1])], text)

"""The grammar of the next line of a plan, made from what is known at that line.

A line may call the selected tools alone, with typed arguments: ``$k`` only for
an earlier result of a fitting kind, copied text only as a span of the request.
As each line has its own grammar (Lark, for ``llguidance``), it knows what came
before: which results there are, and who has been looked up already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tinyagent.planner.spans import literals, quantities
from tinyagent.plans.syntax import JOIN, Call, Plan, write_value
from tinyagent.tools.kinds import Kind
from tinyagent.tools.registry import Parameter, Tool, ToolSet

MAX_TASKS = 12
MAX_TEXT = 600
"""Characters of a free text: a small model that has begun to repeat itself never ends."""
SPANS_IN_A_TIME = 3
NUMBERS = {"int": "-?(0|[1-9][0-9]{0,8})", "number": r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?"}
"""Regular expressions of a number, by the name of its kind."""
MINUTES = "[1-9][0-9]{0,2}"
_CONTACT_TOLD = re.compile(
    r"(?i)\b(numbers?|nr|(tele)?phone|tel|contacts?|addr(ess(es)?)?|details|mobile|cell)\b|#(?!\w)"
    r"|['’]s e-?mail\b|(?<!there)(?<!it)(?<!that)(?<!he)(?<!what)(?<!who)(?<!here)['’]s no\b"
)
_ANY = {
    "email": r'/"[a-z0-9._+\-]{1,40}@[a-z0-9.\-]{1,40}\.[a-z]{2,8}"/',
    "phone": r'/"\+?[0-9(][0-9 ().\-]{4,20}[0-9]"/',
}
"""Any address or number, where it need not stand in the request."""
_TEXT_CHARACTER = r'[^"\\$\x00-\x1f]|\\["\\n]'
_LAST_CHARACTER = r'[^"\\$:\s\x00-\x1f]|\\["\\n]'


@dataclass
class Ways:
    """Which ways are closed to the decoder, beside what the grammar closes by itself.

    Attributes:
        banned: copied values that must not come again, by tool and argument.
        closed: tools that must not be called.
        emptied: optional lists and copies, by tool and argument, that must stay empty.
        demanded: results and addresses that the next list of their kind must hold.
        must_call: the plan may not be ``join()`` alone while a tool can be called.
        only: the tool that must be called, "" for any; where it cannot be, the line is ``join()``.
    """

    banned: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    emptied: set[tuple[str, str]] = field(default_factory=set)
    demanded: frozenset[str] = frozenset()
    must_call: bool = False
    only: str = ""

    def copy(self) -> Ways:
        """The same ways, to close more of them."""
        banned = {place: set(values) for place, values in self.banned.items()}
        return Ways(
            banned, set(self.closed), set(self.emptied), self.demanded, self.must_call, self.only
        )

    def ban(self, tool: str, argument: str, value: str) -> None:
        """Never again this value there."""
        self.banned.setdefault((tool, argument), set()).add(value)


def line_grammar(
    request: str,
    tools: ToolSet,
    before: Plan,
    ways: Ways,
    copies: bool = True,
    phrases: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Lark grammar of the line that follows ``before``, its line end included.

    Where no tool can be called, the only line is ``join()``. Without ``copies``, what should
    be copied from the request is any text of its kind. ``phrases`` gives, for some tools, the
    only ones that their times may be.
    """
    return _Line(request, tools, before, ways, copies, phrases).grammar()


class _Line:
    def __init__(
        self,
        request: str,
        tools: ToolSet,
        before: Plan,
        ways: Ways,
        copies: bool,
        phrases: Mapping[str, Sequence[str]],
    ) -> None:
        self.request, self.tools, self.before, self.ways = request, tools, before, ways
        self.copies, self.phrases = copies, phrases
        self.results = {c.number: tools[c.tool].result.name for c in before}
        # Names may hold underscores anywhere, so no two joined ones are safe from a third.
        self.numbers = {name: i for i, name in enumerate(tools)}
        self.rules: dict[str, str] = {}

    def grammar(self) -> str:
        number = len(self.before) + 1
        only = self.ways.only
        closed = self.ways.closed | {c.tool for c in self.before if self.tools[c.tool].once}
        open_tools = [
            t for t in self.tools.values() if t.name not in closed and only in ("", t.name)
        ]
        calls = [self._call(t) for t in open_tools] if number <= MAX_TASKS else []
        ways = [f"{call} NL" for call in calls if call]
        must = only or (self.ways.must_call and not self.before.calls)
        if not ways or not must:
            ways.insert(0, f'"{JOIN}()"')  # after which the model ends its turn: no new line
        self.rules["start"] = f'"{number}. " line'
        self.rules["line"] = " | ".join(ways)
        self.rules["NL"] = r'"\n"'
        return "\n".join(f"{name}: {body}" for name, body in self.rules.items()) + "\n"

    def _call(self, tool: Tool) -> str | None:
        """The rule of a tool's call, or None where an argument that it needs cannot be had."""
        name = f"call_{tool.name}"
        body = ""
        for parameter in reversed(tool.parameters):
            value = self._value(tool, parameter)
            if value is None:
                if parameter.required:
                    return None
                body = ""  # what comes after it cannot be reached
                continue
            comma = '", " ' if parameter is not tool.parameters[0] else ""
            item = f"{comma}{value} {body}".strip()
            needed = parameter.required or self._demanded(tool, parameter)
            body = item if needed else f"({item})?"
        self.rules[name] = f'"{tool.name}(" {body} ")"'
        return name

    def _value(self, tool: Tool, parameter: Parameter) -> str | None:
        """The symbol of an argument's value; None where nothing can stand there."""
        symbol = f"tool{self.numbers[tool.name]}_{tool.parameters.index(parameter)}"
        if parameter.many:
            return self._list(symbol, tool, parameter)
        kind = parameter.kind
        if kind.name in ("email", "phone", "path"):
            items = self._items(symbol, tool, parameter)
            return self._rule(symbol, " | ".join(items)) if items else None
        if ways := self._closed_set(parameter):
            left_out = [] if parameter.required or parameter.default != "" else [_quoted("")]
            return self._rule(symbol, " | ".join([*ways, *left_out]))
        if kind.time and tool.name in self.phrases:
            known = [*self.phrases[tool.name], *([] if parameter.required else [""])]
            if known:
                return self._rule(symbol, " | ".join(map(_quoted, known)))
        if kind.copied and (tool.name, parameter.name) in self.ways.emptied:
            return self._rule(symbol, _quoted(""))
        if kind.copied:
            return self._copied(symbol, tool, parameter)
        return self._text(symbol, tool, parameter)

    def _closed_set(self, parameter: Parameter) -> list[str]:
        """What may stand for a choice, a flag or a number; [] for any other kind."""
        kind = parameter.kind
        if parameter.choices:
            return [_quoted(c) for c in parameter.choices]
        if kind.name == "bool":
            return ['"True"', '"False"']
        if kind.name not in NUMBERS:
            return []
        if kind.least is not None or not self.copies:
            return [f"/{MINUTES if kind.least else NUMBERS[kind.name]}/"]
        whole = kind.name == "int"
        found = [n for n in quantities(self.request) if isinstance(n, int) or not whole]
        if not parameter.required and not parameter.many:
            found += [parameter.default] if parameter.default not in ("", *found) else []
        elif not found:
            return [f"/{NUMBERS[kind.name]}/"]
        return [json.dumps(write_value(n)) for n in found] or [_quoted("")]

    def _list(self, symbol: str, tool: Tool, parameter: Parameter) -> str | None:
        emptied = (tool.name, parameter.name) in self.ways.emptied
        items = [] if emptied else self._items(symbol, tool, parameter)
        if not items:
            return None if parameter.required else self._rule(symbol, '"[]"')
        if demanded := self._demanded(tool, parameter):
            first = ' ", " '.join(demanded)
            return self._rule(symbol, f'"[" {first} (", " {symbol}_item)* "]"', items)
        inner = f'{symbol}_item (", " {symbol}_item)*'
        body = f'"[" {inner} "]"' if parameter.required else f'"[" ({inner})? "]"'
        return self._rule(symbol, body, items)

    def _demanded(self, tool: Tool, parameter: Parameter) -> list[str]:
        """What this list must hold: the tool's first list that takes it."""
        kind = parameter.kind
        lists = [p for p in tool.parameters if p.many and p.kind == kind]
        if not lists or parameter is not lists[0]:
            return []
        return [_quoted(found) for found in self._found(kind) if found in self.ways.demanded]

    def _items(self, symbol: str, tool: Tool, parameter: Parameter) -> list[str]:
        """What may stand for an address, a number or a path, or for an item of a list."""
        kind = parameter.kind.name
        if ways := self._closed_set(parameter):
            return ways
        if kind not in ("email", "phone", "path"):
            item = f"{symbol}_value"
            value = self._copied if parameter.kind.copied else self._text
            return [value(item, tool, replace(parameter, many=False, required=True))]
        found = [_quoted(f) for f in self._found(parameter.kind)]
        return found if self.copies or kind not in _ANY else [*found, _ANY[kind]]

    def _found(self, kind: Kind) -> list[str]:
        """Results of such a kind, and such addresses or numbers as stand in the request."""
        results = [f"${k}" for k, result in self.results.items() if result in kind.takes]
        said = kind.name in ("email", "phone") and self.copies
        return results + (literals(self.request, kind.name) if said else [])

    def _copied(self, symbol: str, tool: Tool, parameter: Parameter) -> str:
        """A span of the request, as a time several of them; ``$k`` where results flow."""
        token = symbol.upper()
        self._token(f"{token}_SPAN", self._span())
        # One terminal: of two the lexer would take the first as long as it can be, words between
        # a time's parts included, and never come to the second.
        more = f"(/,? / {token}_SPAN){{0,{SPANS_IN_A_TIME - 1}}}" if parameter.kind.time else ""
        spans = f"{token}_SPAN {more}".strip()
        closed = "".join(f" & ~/{_escape(v)}/" for v in sorted(self._closed(tool, parameter)))
        self._token(token, f"({spans}){closed}")
        ways = [rf'"\"" {token} "\""']
        if not parameter.required or parameter.kind.blank:
            ways.append(r'"\"\""')
        if parameter.kind.flows:
            ways += [_quoted(f"${k}") for k, r in self.results.items() if r == "text"]
        return self._rule(symbol, " | ".join(ways))

    def _span(self) -> str:
        """A terminal: words of the request in a row."""
        if not self.copies:
            return r'/[^\s"\\$][^"\\$\x00-\x1f]*/'
        words = json.dumps(self.request, ensure_ascii=False)
        edge = r'[^\s"\\$,;:!?]'
        shape = rf'/{edge}([^"\\$\x00-\x1f]*{edge})?[.!?]?/'
        return f'{shape} & %regex {{ "substring_words": {words} }}'

    def _closed(self, tool: Tool, parameter: Parameter) -> set[str]:
        """Values that must not be copied (again)."""
        if not self.copies:
            return set()
        closed = set(self.ways.banned.get((tool.name, parameter.name), set()))
        if not tool.changes and len([p for p in tool.parameters if p.required]) == 1:
            closed |= {str(c.arguments[0]) for c in self.before if c.tool == tool.name}
        return closed

    def _text(self, symbol: str, tool: Tool, parameter: Parameter) -> str:
        """Free text; results may stand in it where they flow. What a colon announces must come."""
        ways, last = [_TEXT_CHARACTER], [_LAST_CHARACTER]
        if parameter.kind.flows:
            told = [rf"\${k}" for k, r in self.results.items() if r in self._told()]
            ways, last = ways + told, last + told
        text = f"({'|'.join(ways)}){{0,{MAX_TEXT - 1}}}({'|'.join(last)})"
        return self._token(symbol.upper(), f'/"{text if parameter.required else f"({text})?"}"/')

    def _told(self) -> set[str]:
        """Kinds of result that text may tell (convention 4): never where a file lies, and a
        contact's number or address only where the request speaks of such a thing."""
        return {"text", "phone", "email"} if _CONTACT_TOLD.search(self.request) else {"text"}

    def _rule(self, name: str, body: str, items: Sequence[str] = ()) -> str:
        self.rules[name] = body
        if items:
            self.rules[f"{name}_item"] = " | ".join(items)
        return name

    def _token(self, name: str, body: str) -> str:
        self.rules[name] = body
        return name


def _quoted(value: str | int) -> str:
    """A Lark string of a value as the plan writes it."""
    return json.dumps(str(value) if isinstance(value, int) else json.dumps(value))


def _escape(text: str) -> str:
    """``text`` in a regular expression of llguidance's: it takes an escape for ASCII signs alone,
    and for "<" and ">" as something else."""
    return re.sub(r"([!-/:;=?@\[-^`{-~])", r"\\\1", text)


def repeats(call: Call, before: Iterable[Call]) -> bool:
    """Whether the same call stands in the plan already."""
    return any((c.tool, c.arguments) == (call.tool, call.arguments) for c in before)

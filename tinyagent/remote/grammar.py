"""A whole plan as a GBNF grammar, which llama-server and vLLM decode under.

It holds to the syntax, to the tools that are offered, and to the number and
types of their arguments. Which ``$k`` fits where depends on the lines before,
which a grammar of the whole cannot count: that is checked afterwards.
"""

from __future__ import annotations

import json

from tinyagent.planner.grammar import MAX_TASKS
from tinyagent.plans.syntax import JOIN
from tinyagent.tools.registry import Parameter, Tool, ToolSet

_VALUES = r"""
text ::= "\"" char* "\""
words ::= "\"" char+ "\""
char ::= [^"\\\x00-\x1F] | "\\" ["\\n]
flag ::= "True" | "False"
int ::= "-"? ("0" | [1-9] [0-9]*)
number ::= int ("." [0-9]+)?
"""
_RULES = {"bool": "flag", "int": "int", "number": "number"}


def plan_grammar(tools: ToolSet) -> str:
    """The grammar of every plan with these tools, at most ``MAX_TASKS`` calls long."""
    names = {tool.name: f"tool{i}" for i, tool in enumerate(tools.values())}
    rules = [f"{names[tool.name]} ::= {_call(tool)}" for tool in tools.values()]
    rules.append(f"call ::= {' | '.join(names.values())}" if names else "")
    lines = []
    for k in range(1, MAX_TASKS + 2):
        end = f'"{k}. {JOIN}()"'
        more = f' | "{k}. " call "\\n" line{k + 1}' if names and k <= MAX_TASKS else ""
        lines.append(f"line{k} ::= {end}{more}")
        if not more:
            break
    return "\n".join(["root ::= line1", *lines, *filter(None, rules)]) + _VALUES


def _call(tool: Tool) -> str:
    body = ""
    for parameter in reversed(tool.parameters):
        comma = '", " ' if parameter is not tool.parameters[0] else ""
        item = f"{comma}{_value(parameter)} {body}".strip()
        body = item if parameter.required else f"({item})?"
    return f'"{tool.name}(" {body} ")"'


def _value(parameter: Parameter) -> str:
    item = _item(parameter)
    if parameter.many:
        inner = f'{item} (", " {item})*'
        return f'"[" {inner} "]"' if parameter.required else f'"[" ({inner})? "]"'
    left_out = not parameter.required and parameter.default == "" and item != "text"
    return f'({item} | "\\"\\"")' if left_out else item


def _item(parameter: Parameter) -> str:
    if parameter.choices:
        return f"({' | '.join(_literal(c) for c in parameter.choices)})"
    if rule := _RULES.get(parameter.kind.name):
        return rule
    needed = parameter.required or parameter.many
    return "words" if needed and not parameter.kind.blank else "text"


def _literal(choice: str | int) -> str:
    return json.dumps(json.dumps(choice, ensure_ascii=False), ensure_ascii=False)

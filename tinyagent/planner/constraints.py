"""How much the decoder holds the planner to: all of it in the app, less of it to be measured.

``tinyagent eval tables`` plans the same requests at each level.
"""

from __future__ import annotations

from enum import IntEnum

from tinyagent.plans.syntax import JOIN, Plan
from tinyagent.tools.registry import ToolSet


class Constraints(IntEnum):
    """Each level holds to what the ones before it hold to, and to more."""

    NONE = 0
    """Whatever the model writes."""
    SYNTAX = 1
    """Numbered calls with literal arguments, ``join()`` last."""
    TOOLS = 2
    """The tools that were offered."""
    TYPES = 3
    """Number and types of arguments; ``$k`` for an earlier result of a fitting type."""
    COPIES = 4
    """What is copied is a span of the request."""
    ALL = 5
    """A line, or a plan, that has a fault a grammar cannot see is decoded again."""


_VALUES = r"""
arguments: (value (", " value)*)?
value: STRING | "[" (item (", " item)*)? "]" | "True" | "False" | NUMBER
item: STRING | NUMBER
STRING: /"([^"\\\x00-\x1f]|\\["\\n])*"/
NUMBER: /[0-9]{1,4}/
NL: "\n"
"""


def loose_grammar(before: Plan, tools: ToolSet, constraints: Constraints, most: int) -> str:
    """Lark grammar of the next line at level SYNTAX or TOOLS; after ``most`` calls, ``join()``."""
    number = len(before) + 1
    if constraints is Constraints.TOOLS:
        names = " | ".join(f'"{name}"' for name in tools)
    else:
        names = "/[a-z_]{2,40}/"
    call = "" if number > most or not names else ' | name "(" arguments ")"'
    lines = [f'start: "{number}. " line NL', f'line: "{JOIN}()"{call}']
    return "\n".join([*lines, *([f"name: {names}"] if call else [])]) + (
        _VALUES if call else '\nNL: "\\n"\n'
    )

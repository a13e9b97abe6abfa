"""The planner's prompt: the selected tools, a line each, and the request.

In the chat format of the base model (SmolLM2-Instruct). What fine-tuning has
taught need not be told again: a tool that the planner was trained on stands
there by its name alone, any other with its signature. That makes the prompt a
third shorter (65 tokens against 109 on the 24 examples), which is a third more
examples in the same training time, and a faster plan.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tinyagent.tools.registry import Tool
from tinyagent.tools.sixteen import SIXTEEN

_DOLLARS = re.compile(r"\$ ?(\d[\d,.]*\d|\d)(?!\w)")

HEAD = "<|im_start|>system\n"
END = "<|im_end|>"


def planner_prompt(request: str, tools: Iterable[Tool], trained: Collection[str] = SIXTEEN) -> str:
    """All that comes before the plan; the plan ends with ``END``.

    ``trained`` names the tools whose signatures the planner knows by heart.
    """
    lines = "\n".join(tool.name if tool.name in trained else tool.signature for tool in tools)
    return f"{HEAD}{lines}{END}\n<|im_start|>user\n{clean(request)}{END}\n<|im_start|>assistant\n"


def clean(request: str) -> str:
    """The request on one line, and without the marks that would end its turn.

    "$40" becomes "40 dollars": in a plan, ``$40`` is the result of task 40.
    """
    plain = _DOLLARS.sub(r"\1 dollars", request.replace("<|", "< |"))
    return " ".join(plain.split())

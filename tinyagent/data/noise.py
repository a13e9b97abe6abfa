"""Surface noise: what hurried typing and speech recognition do to a request.

Whatever is done to the request is done to the arguments that copy from it, so
that a copied argument stays a span of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tinyagent.plans.syntax import Call, Plan, Value, references
from tinyagent.tools.registry import Parameter, ToolSet

Change = Callable[[str], str]

SHORT = {
    "tomorrow": "tmrw",
    "with": "w/",
    "meeting": "mtg",
    "please": "pls",
    "and": "&",
    "appointment": "appt",
    "you": "u",
    "are": "r",
    "thanks": "thx",
    "about": "abt",
    "tonight": "tonite",
    "message": "msg",
    "minutes": "min",
    "hours": "hrs",
    "monday": "mon",
    "tuesday": "tues",
    "wednesday": "wed",
    "thursday": "thurs",
    "friday": "fri",
    "saturday": "sat",
    "sunday": "sun",
    "address": "addr",
    "calendar": "cal",
    "invite": "inv",
    "because": "bc",
}
OPENERS = {
    "spoken": ["um", "uh", "okay so", "hey", "so", "hi", "alright", "okay", "yeah so", "hey there"],
    "terse": ["hey", "ok", "pls", "quick one", "hi"],
    "everyday": ["Hi,", "Hey,", "Please", "Okay,", "Quick thing:", "Could you please"],
}
CLOSERS = {
    "spoken": ["please", "thanks", "thank you", "okay", "if you can", "that would be great"],
    "terse": ["pls", "thx", "asap", "ty", "!"],
    "everyday": ["please", "thanks!", "Thank you.", "Thanks.", "if possible"],
}
HOW_OFTEN = {
    # lower case, no punctuation, short forms, opener, closer, a typing error
    "terse": (0.5, 0.4, 0.3, 0.06, 0.12, 0.12),
    "spoken": (0.35, 0.3, 0.0, 0.15, 0.12, 0.0),
    "everyday": (0.12, 0.08, 0.04, 0.06, 0.10, 0.06),
    "work": (0.05, 0.04, 0.02, 0.02, 0.05, 0.03),
    "polite": (0.05, 0.04, 0.0, 0.0, 0.0, 0.03),
    "nonnative": (0.15, 0.10, 0.02, 0.03, 0.08, 0.06),
}


def add_noise(
    request: str, plan: Plan, tools: ToolSet, style: str, random: Random
) -> tuple[str, Plan]:
    """A noisy form of the request, and the plan that copies from it.

    The caller checks the result, and falls back on the clean form.
    """
    lower, bare, short, opener, closer, typo = HOW_OFTEN[style]
    words = style if style in OPENERS else "everyday"
    changes: list[Change] = []
    if random.random() < bare:
        changes.append(_drop_punctuation)
    if random.random() < short:
        kept = {w for w in SHORT if random.random() < 0.6}
        changes.append(lambda text: _shorten(text, kept))
    if random.random() < lower:
        changes.append(str.lower)
    for change in changes:
        request, plan = change(request), _change_copies(plan, tools, change)
    if random.random() < typo:
        request = _mistype(request, random)
    if random.random() < opener:
        request = f"{random.choice(OPENERS[words])} {request}"
    if random.random() < closer:
        request = f"{request.rstrip('.')} {random.choice(CLOSERS[words])}"
    return request, plan


def _drop_punctuation(text: str) -> str:
    """Without the marks that end or divide sentences; those inside words stay."""
    return re.sub(r"[,;:.!?]+(?=\s|$)", "", text)


def _shorten(text: str, kept: set[str]) -> str:
    def short(match: re.Match[str]) -> str:
        word = match[0].lower()
        return SHORT[word] if word in kept else match[0]

    return re.sub(r"[A-Za-z]+", short, text)


def _mistype(text: str, random: Random) -> str:
    """Swap or drop two letters inside one longer word."""
    words = list(re.finditer(r"[a-z]{5,}", text))
    if not words:
        return text
    word = random.choice(words)
    at = word.start() + random.randrange(1, len(word[0]) - 2)
    if random.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def _change_copies(plan: Plan, tools: ToolSet, change: Change) -> Plan:
    """The plan with a change made to each argument that copies from the request."""

    def argument(parameter: Parameter, value: Value) -> Value:
        if not parameter.kind.copied or references(value):
            return value
        if isinstance(value, tuple):
            return tuple(change(v) if isinstance(v, str) else v for v in value)
        return change(value) if isinstance(value, str) else value

    return Plan(
        tuple(
            Call(
                call.number,
                call.tool,
                tuple(
                    argument(p, v)
                    for p, v in zip(tools[call.tool].parameters, call.arguments, strict=False)
                ),
            )
            for call in plan
        )
    )

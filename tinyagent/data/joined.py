"""Longer requests: what two or three patterns ask for, told in one breath.

People who hand over several things at once ask for them as they would ask for each alone. So two
patterns of one style make a third, whose plan has the tasks of both: what both look up is looked
up once, and a person of the one is now and then a person of the other, too.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from random import Random

from tinyagent.data.patterns import SLOT, Pattern
from tinyagent.data.slots import kind_of

MOST_CALLS = 9
MOST_CHARACTERS = 420
SAME_PERSON = 0.3
"""How often a person of the second pattern is one of the first."""

LINKS = {
    "terse": [", ", ", ", "; ", ". ", " + ", " and ", ", then ", ", also "],
    "spoken": [" and ", " and then ", " then ", " also ", " and also ", " oh and ", " plus ", ". "],
    "everyday": [". ", ". ", ". Also, ", ". Then ", ", and ", ". And ", " and then ", "; "],
    "work": [". ", ". ", ". Also, ", ". Then ", ". After that, ", "; ", ". Finally, "],
    "polite": [". ", ". Also, ", ". Then ", ", and ", ". After that, ", ". And "],
    "nonnative": [". ", ". Also ", ". Then ", ", and ", ". After ", ". And "],
}
ONCE = {"reply_to_email", "forward_email"}
"""Tools about the one message in hand: a request asks for each of them once."""

CALL = re.compile(r"(\d+)\. (\w+)(\(.*\))")
REFERENCE = re.compile(r"\$(\d+)\b")
GREETING = re.compile(r"(hi|hello|hey|good (morning|evening)|dear)\b", re.IGNORECASE)
PARTING = re.compile(r"(thanks|thank you|thx|cheers|ty)\b[^.]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Joiner:
    """Joins patterns of one list with each other."""

    patterns: list[Pattern]

    @cached_property
    def _by_style(self) -> dict[str, list[Pattern]]:
        """The patterns with a plan that may begin or go on a longer request, by style."""
        found: dict[str, list[Pattern]] = {}
        for pattern in self.patterns:
            if pattern.plan and not PARTING.search(pattern.request):
                found.setdefault(pattern.style, []).append(pattern)
        return found

    @cached_property
    def _plain_words(self) -> set[str]:
        """Words that stand in lower case inside some requests: no names."""
        inside = Counter(
            word for p in self.patterns for word in re.findall(r"(?<=\s)[a-z']+\b", p.request)
        )
        return {word for word, times in inside.items() if times > 2}

    def joined(self, first: Pattern, random: Random) -> Pattern:
        """``first`` and another pattern, at times a third; itself where no other fits."""
        if not first.plan or PARTING.search(first.request):
            return first
        whole = first
        for _ in range(random.choice((1, 1, 2))):
            other = random.choice(self._by_style[first.style])
            if self._fit(whole, other):
                whole = self._join(whole, other, random)
        return whole

    def _fit(self, first: Pattern, second: Pattern) -> bool:
        tools = first.tools() + second.tools()
        return (
            len(tools) <= MOST_CALLS
            and len(first.request) + len(second.request) <= MOST_CHARACTERS
            and first.request != second.request
            and all(tools.count(tool) < 2 for tool in ONCE)
            and not GREETING.match(second.request)
        )

    def _join(self, first: Pattern, second: Pattern, random: Random) -> Pattern:
        second = _renamed(second, first, random)
        link = random.choice(LINKS[first.style])
        head, tail = first.request.rstrip("."), second.request
        if head[-1] in "?!":
            link = link.lstrip(".") if link[0] == "." else " "
        word = tail.split()[0].rstrip(",.:;")
        begins_sentence = link.strip() in ("", ".") and (link[0] == "." or head[-1] in "?!")
        if not begins_sentence and word.lower() in self._plain_words:
            tail = tail[0].lower() + tail[1:]
        return Pattern(
            head + link + tail,
            _one_plan(first.plan, second.plan),
            first.style,
            f"{first.source} + {second.source}",
        )


def _renamed(pattern: Pattern, other: Pattern, random: Random) -> Pattern:
    """``pattern`` with slots of its own: none is one of ``other``'s, but now and then a person."""
    taken = set(other.slots())
    names: dict[str, str] = {}
    for slot in pattern.slots():
        kind = kind_of(slot)
        theirs = [s for s in taken if kind_of(s) == kind and s not in names.values()]
        if kind in ("name", "person") and theirs and random.random() < SAME_PERSON:
            names[slot] = random.choice(sorted(theirs))
        else:
            free = (f"{kind}{n}" for n in range(2, 99))
            names[slot] = next(s for s in free if s not in taken and s not in names.values())

    def rename(match: re.Match[str]) -> str:
        slot = match[1] + match[2]
        return "{" + names.get(slot, slot) + "}"

    return Pattern(
        SLOT.sub(rename, pattern.request),
        SLOT.sub(rename, pattern.plan),
        pattern.style,
        pattern.source,
    )


def _one_plan(first: str, second: str) -> str:
    """The calls of both plans, numbered through; of two that are the same, the first."""
    calls: list[str] = []
    for plan in (first, second):
        numbers: dict[str, int] = {}
        for line in plan.splitlines():
            match = CALL.match(line)
            if match is None:
                raise ValueError(f"{line!r} is no call of a pattern")
            call = match[2] + _renumbered(match[3], numbers)
            if call not in calls:
                calls.append(call)
            numbers[match[1]] = calls.index(call) + 1
    return "\n".join(f"{number}. {call}" for number, call in enumerate(calls, 1))


def _renumbered(arguments: str, numbers: dict[str, int]) -> str:
    return REFERENCE.sub(lambda match: f"${numbers[match[1]]}", arguments)

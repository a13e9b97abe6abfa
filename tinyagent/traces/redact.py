"""Runs without the names, addresses and numbers in them, for giving away.

The same person, address or number gets the same stand-in in every run of an
export, in the request as in the plan, so that the plan still fits; a run whose
plan would not is left out.

What it knows: whom a plan looks up, common given names and the surname that
follows, e-mail addresses, telephone numbers, numbers of five digits and more,
places and addresses that a plan uses, links. What it does not promise: to find
a rare name that no plan looks up, or what a text, a file's name or a note's
name gives away in other words. Read an export before you give it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any

from tinyagent.data.check import plan_problems
from tinyagent.data.slots import values
from tinyagent.errors import PlanError
from tinyagent.plans.syntax import Plan, read_plan, references
from tinyagent.plans.validate import EMAIL, PHONE
from tinyagent.traces.declared import tools_of
from tinyagent.traces.labels import final_plan, right_plan
from tinyagent.traces.rows import Trace


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STAND_INS = _words(
    "Robin Kit Sasha Noor Jules Alder Remy Wren Marlow Ash Briar Linden Rowan Sorrel Tamsin Ember "
    "Hollis Juniper Lark Merrin Oakley Perrin Quill Reeve Selby Tarn Umber Vale Winslow Yarrow"
)
_TITLES = _words(
    "dr mr mrs ms miss mx prof professor doctor uncle aunt auntie coach captain my our the and of "
    "de la van von"
)
_NO_NAMES = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december mon tue wed thu thurs fri sat sun "
    "father sister judge chef nurse sir your a an at on in to with for will mark bill art ray rich "
    "grace hope joy faith drew pat gene chuck rob rose lily basil page text mail send add note "
    "call show set make find open email remind schedule book cc pm am zoom eod"
)
"""Words that are names at times: replaced only where a plan looks them up."""
_KEPT = _words(
    "id trace run at started finished now hash type tool approval question status model versions "
    "kind method source backend decided asked seq verdict decision argument"
)
"""Cells that hold no words of a person's."""

_URL = r"https?://[^\s\"'<>)\]]+"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_FEWEST_DIGITS = 7
_PLACES = {
    "maps_open_location": ("location",),
    "maps_show_directions": ("start_location", "end_location"),
    "create_calendar_event": ("location",),
}


class Redactor:
    """Stand-ins for what these runs have in them: all are read first, then each is replaced."""

    def __init__(self, traces: Iterable[Trace]) -> None:
        self._names: dict[str, str] = {}
        self._whole: dict[str, str] = {}
        self._numbers = count(1)
        self._streets = count(1)
        self._people = count(1)
        seen: set[str] = set()
        learned: list[list[str]] = []
        for trace in traces:
            texts = list(_texts(trace))
            names = self._learn(trace, texts)
            seen |= {word.lower() for text in texts for word in re.findall(r"\w+", text)}
            learned.append(names)
        fresh = (name for name in _stand_ins() if name.lower() not in seen)
        known: dict[str, str] = {}
        for name in (name for names in learned for name in names):
            if name.lower() not in known:
                known[name.lower()] = next(fresh)
            self._names[name] = _cased(known[name.lower()], name)
        self._pattern = self._compile()

    def redact(self, trace: Trace) -> Trace | None:
        """The run with stand-ins; None where its plan would fit its request less than before."""
        redacted = self._any(trace)
        assert isinstance(redacted, dict)
        return redacted if _faults(redacted) <= _faults(trace) else None

    def text(self, text: str) -> str:
        """A text with stand-ins."""
        return self._pattern.sub(self._stand_in, text)

    def _any(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return value if key in _KEPT else self.text(value)
        if isinstance(value, list):
            return [self._any(item, key) for item in value]
        if isinstance(value, dict):
            return {name: self._any(item, name) for name, item in value.items()}
        return value

    def _learn(self, trace: Trace, texts: list[str]) -> list[str]:
        """Learn the run's places and numbers; return the words of its names."""
        names: dict[str, None] = {}
        tools = tools_of(trace)
        for call in (call for plan in _plans(trace) for call in plan if call.tool in tools):
            parameters = tools[call.tool].parameters
            given = dict(zip((p.name for p in parameters), call.arguments, strict=False))
            if tools[call.tool].app == "Contacts":
                names |= dict.fromkeys(_name_words(str(given.get("name", ""))))
            for place in (str(given.get(name, "")) for name in _PLACES.get(call.tool, ())):
                if not references(place) and re.search(r"[A-Z\d]", place):
                    self._whole.setdefault(place, "")
            if call.tool == "send_sms" and isinstance(call.arguments[0], tuple):
                for number in map(str, call.arguments[0]):
                    if PHONE.fullmatch(number):
                        self._whole.setdefault(number, "")
        for text in texts:
            for word in re.findall(r"\b[A-Z][\w'’-]*\w", text):
                if not _is_common(word) and _is_given_name(word.lower()):
                    names[word] = None
        if names:
            either = "|".join(map(re.escape, names))
            for text in texts:
                for word in re.findall(rf"\b(?:{either})[ ]([A-Z][\w’-]*\w)", text):
                    if not _is_common(word):
                        names[word] = None
        return list(names)

    def _compile(self) -> re.Pattern[str]:
        whole = sorted(self._whole, key=len, reverse=True)
        for text in whole:
            self._whole[text] = self._number(text) if PHONE.fullmatch(text) else self._street()
        variants = {}
        for name, stand_in in self._names.items():
            variants[name] = stand_in
            if name.islower():
                variants.setdefault(name.capitalize(), _cased(stand_in, name.capitalize()))
        self._names = variants
        names = sorted(self._names, key=len, reverse=True)
        parts = [_URL, EMAIL.pattern]
        parts += [rf"(?<!\w){re.escape(text)}(?!\w)" for text in whole]
        parts += [PHONE.pattern, r"(?<![\w-])\d{5,}(?![\w-])"]
        parts += [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names]
        return re.compile("|".join(f"(?:{part})" for part in parts))

    def _stand_in(self, match: re.Match[str]) -> str:
        found = match[0]
        if found in self._names:
            return self._names[found]
        if found not in self._whole:
            self._whole[found] = self._new(found)
        return self._whole[found]

    def _new(self, found: str) -> str:
        if found.startswith("http"):
            return f"https://example.com/{next(self._numbers)}"
        if "@" in found:
            return f"person{next(self._people)}@example.com"
        digits = sum(c.isdigit() for c in found)
        if _DATE.search(found) or (digits < _FEWEST_DIGITS and not found.isdigit()):
            return found
        return self._number(found) if not found.isdigit() or digits >= 5 else found

    def _number(self, found: str) -> str:
        number = next(self._numbers)
        return f"{90_000 + number}" if found.isdigit() else f"555-{number:04}"

    def _street(self) -> str:
        return f"{next(self._streets)} Example Street"


def _texts(value: Any, key: str = "") -> Iterator[str]:
    """Every text in which a person's words may stand."""
    if isinstance(value, str):
        if key not in _KEPT:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, name)


def _plans(trace: Trace) -> Iterator[Plan]:
    texts = [row["plan"] for row in trace["plans"]] + [row["plan"] for row in trace["labels"]]
    for text in filter(None, texts):
        try:
            yield read_plan(text)
        except PlanError:
            continue  # of a version with another plan language


def _faults(trace: Trace) -> int:
    """How much is wrong with the run's plan, and its right plan, for its request."""
    now = datetime.fromisoformat(trace["now"])
    plans = [plan for plan in [right_plan(trace)] if plan is not None]
    try:
        plans += [read_plan(text) for text in [final_plan(trace)] if text]
    except PlanError:
        return 0
    tools = tools_of(trace)
    return sum(len(plan_problems(trace["request"], plan, tools, now)) for plan in plans)


def _name_words(name: str) -> list[str]:
    """The words of a looked-up name that say who it is: no title, no relation."""
    words = re.findall(r"[\w'’-]*\w", name)
    return [w for w in words if w.lower() not in _roles() and w.lower() not in _TITLES]


def _is_common(word: str) -> bool:
    return word.lower() in _NO_NAMES or word.lower() in _TITLES


@cache
def _roles() -> frozenset[str]:
    """Words for people by what they are: mom, landlord, book club."""
    lines = " ".join(filling.copied for filling in (*values("relation"), *values("group")))
    return frozenset(w for w in re.findall(r"[\w-]+", lines) if w.islower()) | {"me", "team"}


@cache
def _is_given_name(word: str) -> bool:
    namer = _namer()
    return word in _names_at_hand() or bool(namer.nicknames_of(word) or namer.canonicals_of(word))


@cache
def _names_at_hand() -> frozenset[str]:
    """Of the data that the models learn from: given names and surnames of many languages."""
    names = " ".join(filling.copied for filling in (*values("name"), *values("person")))
    return frozenset(word.lower() for word in re.findall(r"[\w'’-]*\w", names) if word[0].isupper())


@cache
def _namer() -> Any:
    from nicknames import NickNamer

    return NickNamer()


def _stand_ins() -> Iterator[str]:
    yield from _STAND_INS
    for number in count(1):
        yield f"Person{number}"


def _cased(stand_in: str, like: str) -> str:
    return stand_in.lower() if like.islower() else stand_in

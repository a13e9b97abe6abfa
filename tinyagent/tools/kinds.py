"""The kinds of value that flow through a plan.

An argument has a kind, and so has a tool's result. The validator, the
decoder's grammar, the approval form and the argument score all ask the kind,
and nothing else, what may stand in a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from tinyagent.times import Moment


@dataclass(frozen=True)
class Kind:
    """What an argument holds, or a tool returns.

    Attributes:
        name: the word for it in a signature ("" for plain text).
        copied: a planner may only copy the value from the request.
        takes: kinds of result that may fill it, as "$k".
        flows: a planner may put a result into it ("$k", for text inside more text).
        free: free text, which the argument score does not compare.
        time: "start" or "end" where the runtime resolves it as a time.
        blank: an empty text has a meaning of its own.
        least: of a number; None where it has no least.
        made: of a result that is text: made by the tool, and not written by anybody.
        words: what people call each choice, in their order.
        unit: of a number, which people read behind it.
    """

    name: str
    copied: bool = False
    takes: frozenset[str] = frozenset()
    flows: bool = False
    free: bool = False
    time: Literal["", "start", "end"] = ""
    blank: bool = False
    least: int | None = None
    made: bool = False
    words: tuple[str, ...] = ()
    unit: str = ""


READABLE = frozenset({"email", "phone", "path", "text"})
"""Every kind of result but a status, which is never used."""

Name = Annotated[str, Kind("", copied=True, takes=READABLE)]
"""A person, file, note, folder, list or calendar, as the request names it."""

Place = Annotated[str, Kind("", copied=True, takes=READABLE)]
"""A place or an address, as the request names it."""

Origin = Annotated[str, Kind("", copied=True, takes=READABLE, blank=True)]
"""Where a way starts; empty for here."""

Venue = Annotated[str, Kind("", copied=True, takes=READABLE, flows=True)]
"""Where something happens: a place, or a link that an earlier task made."""

Title = Annotated[str, Kind("", takes=READABLE, free=True)]
"""A few words that name something new."""

Text = Annotated[str, Kind("text", takes=READABLE, flows=True, free=True)]
"""Text, in which results of earlier tasks may stand."""

Link = Annotated[str, Kind("text", made=True)]
"""A link that a tool made: unlike a note or a document, nobody can have written in it."""

Time = Annotated[Moment, Kind("time", copied=True, time="start")]
"""ISO, or the user's own words; resolved against the request's ``now``."""

Due = Annotated[Moment | None, Kind("time", copied=True, time="start")]
"""A time that may be left out."""

End = Annotated[Moment | None, Kind("time", copied=True, time="end")]
"""A time, or a duration from the start, in the user's own words; None is left out."""

Email = Annotated[str, Kind("email", copied=True, takes=frozenset({"email"}), flows=True)]
"""An e-mail address."""

Phone = Annotated[str, Kind("phone", copied=True, takes=frozenset({"phone"}), flows=True)]
"""A phone number."""

Path = Annotated[str, Kind("path", takes=frozenset({"path"}), flows=True)]
"""A file that a task found; nothing else names one."""

Status = Annotated[str, Kind("status")]
"""What a changing tool did, in a sentence. No task can use it."""

Minutes = Annotated[int, Kind("int", copied=True, least=1, unit="minutes")]
"""How long something lasts."""

Transport = Annotated[
    Literal["d", "w", "r"], Kind("choice", words=("driving", "on foot", "public transport"))
]
"""Drive, walk, or ride (transit)."""

Priority = Annotated[Literal[0, 1, 5, 9], Kind("choice", words=("none", "high", "medium", "low"))]
"""iCalendar's numbers."""

WORDS = Kind("", copied=True, takes=READABLE, flows=True)
"""A plain ``str``: words of the request, or the result of an earlier task."""

INTEGER = Kind("int", copied=True)
NUMBER = Kind("number", copied=True)
FLAG = Kind("bool")
CHOICE = Kind("choice")
RESULT = Kind("text")
"""What a plain ``str`` gives: text that later tasks can use."""

KINDS: dict[str, Kind] = {
    name: get_args(hint)[1]
    for name, hint in {
        "name": Name,
        "origin": Origin,
        "place": Place,
        "venue": Venue,
        "title": Title,
        "due": Due,
        "text": Text,
        "time": Time,
        "end": End,
        "email": Email,
        "phone": Phone,
        "path": Path,
        "status": Status,
        "link": Link,
        "minutes": Minutes,
        "transport": Transport,
        "priority": Priority,
    }.items()
} | {
    "words": WORDS,
    "integer": INTEGER,
    "number": NUMBER,
    "flag": FLAG,
    "choice": CHOICE,
    "result": RESULT,
}
"""Every kind by a word of its own: how a tool's declaration is written down (``declaration``)."""

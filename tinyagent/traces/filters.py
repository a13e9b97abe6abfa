"""Which runs are meant: the filters and the order of a list, as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tinyagent.errors import SettingsError

Order = Literal[
    "newest",
    "oldest",
    "longest",
    "shortest",
    "unsure",
    "surest",
    "status",
    "status-up",
    "label",
    "label-up",
    "source",
    "source-up",
]
ORDERS: dict[str, str] = {
    "newest": "started desc, traces.rowid desc",
    "oldest": "started, traces.rowid",
    "longest": "seconds desc, traces.rowid desc",
    "shortest": "seconds nulls last, traces.rowid",
    "unsure": "certainty nulls last, traces.rowid",
    "surest": "certainty desc, traces.rowid desc",
} | {
    name + up: f"{name}{way}, started{way}, traces.rowid{way}"
    for name in ("status", "label", "source")
    for up, way in (("", " desc"), ("-up", ""))
}
"""Each in one direction, so that an index gives it, and to the last, so that no two pages of a
list show the same run."""
LABELS = ("good", "bad", "none", "any")
FIELDS = ("words", "status", "label", "tool", "model", "source", "since", "until")
"""What a person filters by; the names are those of the options and of a URL's query."""


_ONE_OF_THE_HITS = (
    "traces.id in (select searchable.trace from _search "
    "join searchable on searchable.id = _search.rowid where _search match ?)"
)
_AMONG_THE_HITS = (
    "(select searchable.id from searchable where searchable.trace = traces.id) in "
    "(select rowid from _search where _search match ?)"
)


@dataclass(frozen=True)
class Filter:
    """Runs for which all of this holds; an empty text holds for every run.

    Attributes:
        words: all stand in the request, plans, results or errors; the last may be a beginning.
        status: the status, or its first word ("interrupted").
        label: "good", "bad", "none", or "any" for a run that has one.
        tool: called in one of its plans.
        model: part of the planner's name.
        source: who asked: "page", "cli" …
        since: ISO date of the first day.
        until: ISO date of the last day.
        ids: one of these; empty is all.
    """

    words: str = ""
    status: str = ""
    label: str = ""
    tool: str = ""
    model: str = ""
    source: str = ""
    since: str = ""
    until: str = ""
    ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Filter:
        """The filter of a URL's query: ``FIELDS``, and ``id`` for one run."""
        ids = (asked["id"],) if asked.get("id") else ()
        return cls(**{name: asked.get(name, "") for name in FIELDS}, ids=ids)

    def sql(self, common: bool = False) -> tuple[str, list[str]]:
        """A condition on the table ``traces``, and its parameters.

        Args:
            common: the words stand in many runs. Then the list is better read in its order, each
                run looked up among the hits, until a page is full; else the hits are better read,
                and put in order.

        Raises:
            SettingsError: a date is none, or there is no such label.
        """
        parts: list[str] = []
        values: list[str] = []

        def also(condition: str, *given: str) -> None:
            parts.append(condition)
            values.extend(given)

        if self.words.strip():
            also(_AMONG_THE_HITS if common else _ONE_OF_THE_HITS, fts_query(self.words))
        if self.status == "interrupted":
            also("status >= 'interrupted' and status < 'interruptee'")
        elif self.status:
            also("status = ?", self.status)
        if self.label and self.label not in LABELS:
            raise SettingsError(f"label {self.label!r}: it is {', '.join(LABELS)}")
        if self.label == "any":
            also("label in ('good', 'bad')")
        elif self.label:
            also("label = ?", "" if self.label == "none" else self.label)
        if self.tool:
            also("exists (select 1 from tasks where tool = ? and trace = traces.id)", self.tool)
        if self.model:
            also("instr(model, ?)", self.model)
        if self.source:
            also("source = ?", self.source)
        if self.since:
            also("started >= ?", _day(self.since).isoformat())
        if self.until:
            also("started < ?", (_day(self.until) + timedelta(days=1)).isoformat())
        if self.ids:
            also(f"traces.id in ({', '.join('?' * len(self.ids))})", *self.ids)
        return " and ".join(parts) or "1", values


def fts_query(words: str) -> str:
    """What a person typed, as FTS5 reads it: every word, and what begins with the last one."""
    found = [word for word in words.split() if re.search(r"\w", word)]
    quoted = ['"' + word.replace('"', '""') + '"' for word in found]
    return " ".join(quoted) + "*" if quoted else '"nothing" NOT "nothing"'


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no ISO date; write it as 2026-11-24") from None

"""The trace log to read, label and delete, beside the one writer.

Every call opens a connection of its own: a long list does not keep a run from
being written, and another process may do the same at the same time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils.db import Database

from tinyagent.errors import TraceError
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.declaration import declarations
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.declared import known_tools, tools_of
from tinyagent.traces.filters import ORDERS, Filter, Order, fts_query
from tinyagent.traces.labels import Label, add_label, checked
from tinyagent.traces.log import TraceLog, what_to_do
from tinyagent.traces.rows import STEPS, Trace, lives, read_trace
from tinyagent.voice.recordings import correct, forget

COUNTED = 10_000
"""More runs than this are not counted: "10,000 or more" is as good to know."""
COMMON = 2_500
"""Words that so many runs hold are common (``Filter.sql``). Of n runs, h of them hits: reading the
hits costs some 18 steps of SQLite's machine each; the other way 4 each, and 18 for each of the
50 n / h runs that fill a page. At 100,000 runs both are the same here."""


@dataclass(frozen=True)
class Row:
    """A run in a list; ``seconds`` is None until it is over, ``tools`` are those called."""

    id: str
    started: str
    request: str
    tools: tuple[str, ...]
    status: str
    label: str
    seconds: float | None
    source: str
    model: str
    certainty: float | None


class TraceStore:
    """A trace log that is there. Any thread may use it.

    Args:
        path: the SQLite file.
        patience: seconds to wait for another program that writes to it.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self.path = path
        self._patience = patience

    @classmethod
    def open(cls, path: Path) -> TraceStore:
        """The log at ``path``, brought to the newest schema.

        Raises:
            TraceError: it is not there, or cannot be opened.
        """
        if not path.exists():
            raise TraceError(
                f"{path}: there is no trace log yet; ask for something first, or name another "
                "with --traces"
            )
        TraceLog(path).close()
        return cls(path)

    def page(
        self, wanted: Filter, order: Order = "newest", limit: int = 50, offset: int = 0
    ) -> list[Row]:
        """The runs of a list, from ``offset`` on.

        Raises:
            SettingsError: the filter cannot be read.
        """
        condition, values = wanted.sql(self._is_common(wanted.words))
        query = (
            "select id, started, request, (select group_concat(tool, char(10)) from (select "
            "distinct tool from tasks where tasks.trace = found.id order by plan, task)), "
            "status, label, seconds, source, model, certainty from (select * from traces "
            f"where {condition} order by {ORDERS[order]} limit ? offset ?) as found"
        )
        with self._reading() as log:
            rows = log.execute(query, [*values, limit, offset]).fetchall()
        return [
            Row(id, started, request, tuple(tools.split("\n")) if tools else (), *rest)
            for id, started, request, tools, *rest in rows
        ]

    def found(
        self, wanted: Filter, order: Order = "newest", limit: int = 50, offset: int = 0
    ) -> tuple[list[Row], int]:
        """A page of the list as ``page`` gives it, and ``count`` of the whole list."""
        return self.page(wanted, order, limit, offset), self.count(wanted)

    def count(self, wanted: Filter) -> int:
        """How many runs the filter leaves, at most ``COUNTED``."""
        source, (condition, values) = "traces", wanted.sql(self._is_common(wanted.words))
        if wanted.words.strip() and wanted == Filter(words=wanted.words):
            # A run is one document, so there is no need to look at more than the hits.
            source, condition, values = "_search", "_search match ?", [fts_query(wanted.words)]
        query = f"select count(*) from (select 1 from {source} where {condition} limit {COUNTED})"
        with self._reading() as log:
            return int(log.execute(query, values).fetchone()[0])

    def _is_common(self, words: str) -> bool:
        if not words.strip():
            return False
        query = f"select count(*) from (select 1 from _search where _search match ? limit {COMMON})"
        with self._reading() as log:
            return bool(log.execute(query, [fts_query(words)]).fetchone()[0] == COMMON)

    def ids(self, wanted: Filter) -> list[str]:
        """The ids of all runs that the filter leaves, oldest first."""
        condition, values = wanted.sql()
        query = f"select id from traces where {condition} order by {ORDERS['oldest']}"
        with self._reading() as log:
            return [row[0] for row in log.execute(query, values)]

    def queue(self, limit: int = 50, offset: int = 0) -> list[Row]:
        """What is worth labelling next: runs that are over and have no label, least sure first."""
        query = (
            "select id from traces where label = '' and certainty is not null "
            "and finished is not null order by certainty, rowid limit ? offset ?"
        )
        with self._reading() as log:
            found = tuple(row[0] for row in log.execute(query, [limit, offset]))
        return self.page(Filter(ids=found), "unsure", limit) if found else []

    def read(self, trace: str) -> Trace:
        """A whole trace.

        Raises:
            TraceError: there is no such trace.
        """
        with self._reading() as log:
            return read_trace(log, self.path, trace)

    def require_over(self, trace: str) -> None:
        """TraceError where there is no such run, or a living process still works on it."""
        with self._reading() as log:
            log.row_factory = sqlite3.Row
            row = log.execute("select * from traces where id = ?", [trace]).fetchone()
        if row is None:
            raise TraceError(f"{self.path}: there is no trace {trace}")
        if row["finished"] is None and lives(dict(row)):
            raise TraceError(f"run {trace} is under way; stop it first")

    def each(self, wanted: Filter) -> Iterator[Trace]:
        """The whole traces that the filter leaves, oldest first, one in memory at a time."""
        for trace in self.ids(wanted):
            yield self.read(trace)

    def values(self, column: str) -> list[str]:
        """What stands in a column of ``traces``, to choose from: model, source or status."""
        assert column in ("model", "source", "status")
        with self._reading() as log:
            query = f"select distinct {column} from traces where {column} <> '' order by 1"
            return [row[0] for row in log.execute(query)]

    def label(self, label: Label, at: datetime, installed: ToolSet = SIXTEEN) -> Label:
        """Say something of a run; what was said before stays in its history.

        Args:
            installed: tools that the right plan may call though the run did not offer them.

        Returns:
            The label as it was written.

        Raises:
            TraceError: there is no such run.
            SettingsError, PlanError: as ``labels.checked``; nothing is written.
        """
        run = self.read(label.trace)
        tools, own = known_tools(run, installed), tools_of(run)
        label = checked(label, datetime.fromisoformat(run["now"]), tools)
        called = {call.tool for call in read_plan(label.plan)} if label.plan.strip() else set()
        declared = declarations(tools.only(called - set(own)).values())
        with self._writing() as db:
            add_label(db, label, at.isoformat(timespec="milliseconds"), declared)
        return label

    def said(self, trace: str, words: str) -> None:
        """Write down what the recording of a run really says.

        Raises:
            TraceError: there is no such run, or no recording of it.
        """
        self.read(trace)
        correct(self.path, trace, words)

    def delete(self, traces: Sequence[str]) -> None:
        """Forget runs, with their recordings and all that was said of them; all, or none.

        Raises:
            TraceError: there is no such run, it is under way, or a recording cannot be deleted.
        """
        with self._writing() as db:
            for trace in traces:
                found = next(db.table("traces").rows_where("id = ?", [trace]), None)
                if found is None:
                    raise TraceError(f"{self.path}: there is no trace {trace}; nothing was deleted")
                if found["finished"] is None and lives(found):
                    raise TraceError(
                        f"run {trace} is under way; stop it first; nothing was deleted"
                    )
                for name in STEPS:
                    db.execute(f"delete from {name} where trace = ?", [trace])
                db.execute("delete from traces where id = ?", [trace])
        for trace in traces:
            forget(self.path, trace)

    def vacuum(self) -> tuple[int, int]:
        """Give the room of what was deleted back to the disk, and leave no word of it.

        Returns:
            The size before and after, bytes.

        Raises:
            TraceError: another program is using the log.
        """
        try:
            with closing(self._connect()) as log:
                log.execute("pragma wal_checkpoint(truncate)")
                before = self.path.stat().st_size
                log.execute("insert into _search (_search) values ('optimize')")
                log.commit()
                log.execute("vacuum")
                log.execute("pragma optimize")
                log.execute("pragma wal_checkpoint(truncate)")
            return before, self.path.stat().st_size
        except sqlite3.Error as error:
            raise TraceError(what_to_do(self.path, error)) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=self._patience)) as log:
                yield log
        except sqlite3.Error as error:
            raise TraceError(what_to_do(self.path, error)) from error

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        try:
            with closing(self._connect()) as log:
                db = Database(log)
                db.execute("pragma foreign_keys = on")
                log.execute("begin immediate")
                try:
                    yield db
                    log.commit()
                except BaseException:
                    log.rollback()
                    raise
        except sqlite3.Error as error:
            raise TraceError(what_to_do(self.path, error)) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=self._patience, check_same_thread=False)

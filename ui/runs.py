"""The list of recent runs, each a link to its page."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from html import escape
from pathlib import Path
from urllib.parse import quote

LISTED = 100
_STATUS = {
    "answered": "done",
    "approval": "waits for you",
    "asking": "waits for you",
}


def runs(traces: Path) -> str:
    """The newest runs of the trace log, as markup."""
    rows = "".join(_row(*row) for row in _recent(traces))
    if not rows:
        return '<p class="empty">Every request is listed here, with a link to its trace.</p>'
    return (
        '<table class="runs"><thead><tr><th>When</th><th>Request</th><th>Status</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _recent(traces: Path) -> list[tuple[str, str, str, str]]:
    """(id, start, request, status) of each, from the log's view for other programs."""
    # Through a connection of its own: a long list does not keep a run from being written.
    uri = f"{traces.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as log:
        query = "select id, started, request, status from recent limit ?"
        return log.execute(query, [LISTED]).fetchall()


def _row(run: str, started: str, request: str, status: str) -> str:
    words = request.strip() or "(empty)"
    short = words if len(words) <= 160 else words[:160] + " …"
    day, _, clock = started.partition("T")
    kind = status.split()[0]
    return (
        f'<tr><td class="when">{escape(day)} <b>{escape(clock[:5])}</b></td>'
        f'<td><a href="/?run={quote(run)}">{escape(short)}</a></td>'
        f'<td><span class="pill {escape(kind)}">{escape(_STATUS.get(status, status))}</span></td>'
        "</tr>"
    )

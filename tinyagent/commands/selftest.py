"""A self-test of a backend: makes one of each thing, reads it back, and removes it again.

It sends nothing: no text message, and an e-mail only as a draft.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from tinyagent.backends.base import Backend, Change, Outcome
from tinyagent.backends.macos import MacOS
from tinyagent.commands.doctor import Check, check_applications
from tinyagent.errors import NotFoundError, ToolError

_ADDRESS = "selftest@example.invalid"
"""Mail to it could reach nobody."""


def selftest(backend: Backend, now: datetime, drafts: bool) -> Iterator[Check]:
    """Each check as it is made.

    Args:
        backend: where things are made.
        now: the event and the reminder are for the day after.
        drafts: e-mail is left as a draft; if not, none is made.
    """
    if isinstance(backend, MacOS):
        yield from check_applications(backend)
    title = f"TinyAgent self-test {secrets.token_hex(3)}"
    start = (now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    end = start + timedelta(minutes=30)
    yield _made_and_removed(
        "event",
        title,
        backend,
        lambda: backend.create_calendar_event(
            title, start, end, False, "Nowhere", [], "Made by a self-test.", ""
        ),
    )
    yield _made_and_removed(
        "reminder",
        title,
        backend,
        lambda: backend.create_reminder(title, start, "Made by a self-test.", "", 5),
    )
    if drafts:
        yield _made_and_removed(
            "e-mail draft",
            title,
            backend,
            lambda: backend.compose_new_email([_ADDRESS], [], title, "Made by a self-test.", []),
        )
    yield _note(title, backend)


def _made_and_removed(
    what: str, title: str, backend: Backend, make: Callable[[], Outcome]
) -> Check:
    try:
        made = make()
        if not made.changes:
            return _wrong(what, f"made, but it cannot be found again: {made}", title)
        read = backend.read_back(made.changes[-1])
        if title not in read:
            return _wrong(what, f"made “{title}”, and read back “{read}”", title)
        return _removed(what, title, backend, made.changes)
    except ToolError as error:
        return _wrong(what, str(error), title)


def _note(title: str, backend: Backend) -> Check:
    """A note is made, found by its name, added to, read and removed."""
    try:
        made = backend.create_note(title, "One line", "")
        meant = backend.note_meant(title, "")
        added = backend.append_note_content(title, "<b>& another</b>", "", meant.id)
        text = str(backend.open_note(title, ""))
        if "One line" not in text or "<b>& another</b>" not in text:
            return _wrong("note", f"it should have two lines, and reads “{text}”", title)
        return _removed("note", title, backend, (*made.changes, *added.changes))
    except ToolError as error:
        return _wrong("note", str(error), title)


def _removed(what: str, title: str, backend: Backend, changes: Sequence[Change]) -> Check:
    """Remove what was made, and see that it is gone."""
    for change in reversed(changes):
        backend.undo(change)
    try:
        backend.read_back(changes[-1])
    except NotFoundError:
        return Check(what, True, "made, read back, removed")
    return _wrong(what, "it was removed, and is there all the same", title)


def _wrong(what: str, detail: str, title: str) -> Check:
    return Check(what, False, detail, f"look for “{title}”, and remove it by hand")

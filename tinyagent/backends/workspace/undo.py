"""Undoing what a call changed in the folder.

A file that a call made goes, if nobody has changed it since. An edit is taken
back where it was made; if the file was changed elsewhere meanwhile, an addition
is still found and cut out, as long as it stands there once. Anything else is
left to the person.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

from tinyagent.backends.base import Change
from tinyagent.errors import ToolError


def change(what: str, before: bytes | None, after: bytes, folders: int = 0) -> Change:
    """What became of the file ``what``; ``before`` None is no file, in ``folders`` new ones."""
    digest = hashlib.sha256(after).hexdigest()
    if before is None:
        return Change("made", what, folders, digest=digest)
    start = _same_start(before, after)
    end = _same_start(before[start:][::-1], after[start:][::-1])
    removed, added = before[start : len(before) - end], after[start : len(after) - end]
    return Change("edited", what, start, _text(removed), _text(added), digest)


def restored(change: Change, now: bytes) -> bytes | None:
    """The file's bytes without the change; None where the file itself is to go.

    Raises:
        ToolError: it was changed since, in a way that the change cannot be told apart.
    """
    unchanged = hashlib.sha256(now).hexdigest() == change.digest
    if change.kind == "made":
        if not unchanged:
            raise ToolError(f"{change.what} was changed since it was made; it is left as it is")
        return None
    removed, added = b64decode(change.removed), b64decode(change.added)
    if unchanged:
        return now[: change.at] + removed + now[change.at + len(added) :]
    if removed or now.count(added) != 1:
        raise ToolError(f"{change.what} was changed again since; it is left as it is")
    return now.replace(added, b"")


def _same_start(one: bytes, other: bytes) -> int:
    """How many bytes are the same from the start."""
    least = min(len(one), len(other))
    if one[:least] == other[:least]:
        return least
    low, high = 0, least  # the first ``low`` agree, the first ``high`` do not
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")

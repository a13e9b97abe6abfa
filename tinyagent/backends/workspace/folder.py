"""The folder itself: nothing leaves it, nothing is half written, no write is lost."""

from __future__ import annotations

import logging
import os
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tinyagent.atomic import write_whole
from tinyagent.backends.base import Change
from tinyagent.backends.workspace.undo import change, restored
from tinyagent.errors import ToolError

MAX_NAME_BYTES = 150
"""File systems allow 255; the rest is for " 12", the extension and a temporary prefix."""

LOCK_SECONDS = 10.0
"""How long a write waits for another process; one write takes milliseconds."""

_FORBIDDEN = frozenset('/\\:*?"<>|')
_DIRECTION_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They can make a name read backwards: "gpj.exe" for "exe.jpg"."""

_log = logging.getLogger(__name__)


class SafeFolder:
    """A folder whose files are read and written without ever leaving it.

    Attributes:
        root: the folder, absolute, links resolved; made if it is missing.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._threads = threading.RLock()
        self._processes = FileLock(self.root / ".lock", timeout=LOCK_SECONDS)
        self._problems: dict[str, str] = {}
        self._local = threading.local()

    @contextmanager
    def recording(self) -> Iterator[list[Change]]:
        """What this thread changes meanwhile, in order, so that it can be undone."""
        changes: list[Change] = []
        self._local.changes = changes
        try:
            yield changes
        finally:
            del self._local.changes

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold off every other writer, of this process and of others, meanwhile.

        Raises:
            ToolError: another process has held the lock for ``LOCK_SECONDS``.
        """
        with self._threads:
            try:
                self._processes.acquire()
            except Timeout as error:
                raise ToolError(
                    f"the workspace {self.root} is in use by another process; try again"
                ) from error
            try:
                yield
            finally:
                self._processes.release()

    def inside(self, path: Path, under: str = "") -> bool:
        """Whether ``path``, links followed, lies in the folder (or its subfolder ``under``)."""
        return path.resolve().is_relative_to(self.root / under)

    def relative(self, path: Path) -> str:
        """``path`` as seen from the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def files(self, under: str, suffix: str = "") -> list[Path]:
        """Every file below ``under`` that ends in ``suffix``, sorted.

        Hidden files are left out, and so are links that lead out of ``under``.
        """
        found = []
        for folder, subfolders, names in os.walk(self.root / under):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") or not name.casefold().endswith(suffix):
                    continue
                if not _is_text(name):
                    _log.warning("%s: a file whose name is no UTF-8 is left out", under)
                    continue
                if path.is_file() and self.inside(path, under):
                    found.append(path)
        return sorted(found)

    def read(self, path: Path) -> bytes:
        """The bytes of a file; ToolError if it is outside, or cannot be read."""
        self._guard(path)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ToolError(f"cannot read {self.relative(path)}: {error.strerror}") from error

    def write(self, path: Path, data: bytes) -> str:
        """Put ``data`` at ``path``, whole or not at all, and return the relative path.

        Call it within ``writing()`` where ``data`` depends on what was there.

        Raises:
            ToolError: the path is outside, or the disk refuses.
        """
        self._guard(path)
        try:
            folders = sum(not folder.exists() for folder in path.parents)
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_bytes() if path.is_file() else None
            write_whole(path, data)
        except OSError as error:
            raise ToolError(f"cannot write {self.relative(path)}: {error.strerror}") from error
        self.record(path, before, data, folders)
        return self.relative(path)

    def undo(self, change: Change) -> str:
        """Take back a change that was recorded; what was done, in a sentence.

        Raises:
            ToolError: the file is gone, outside, or was changed since; it is left as it is.
        """
        path = self.root / change.what
        with self.writing():
            if not path.is_file():
                raise ToolError(f"{change.what} is not there any more")
            before = restored(change, self.read(path))
            if before is not None:
                self.write(path, before)
                return f"{change.what} is as it was before"
            try:
                path.unlink()
                for folder in list(path.parents)[: change.at]:
                    if any(folder.iterdir()):
                        break
                    folder.rmdir()
            except OSError as error:
                raise ToolError(f"cannot remove {change.what}: {error.strerror}") from error
        return f"{change.what} is removed"

    def record(self, path: Path, before: bytes | None, after: bytes, folders: int = 0) -> None:
        """Note a change that was made, where this thread records them.

        ``before`` None is no file; ``folders`` were made for it.
        """
        changes: list[Change] | None = getattr(self._local, "changes", None)
        if changes is not None:
            changes.append(change(self.relative(path), before, after, folders))

    def unused(self, folder: Path, stem: str, suffix: str) -> Path:
        """A path in ``folder`` that is not taken: "Name", else "Name 2", "Name 3" …

        Letter case is ignored, as on most disks. Call it within ``writing()``.
        """
        stem = safe_name(stem)
        taken = {p.name.casefold() for p in folder.iterdir()} if folder.is_dir() else set()
        name, count = f"{stem}{suffix}", 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem} {count}{suffix}"
        return folder / name

    def report(self, path: Path, reason: str) -> None:
        """Log and remember what is wrong with a file; "" means that it is well again."""
        place = self.relative(path)
        if reason and self._problems.get(place) != reason:
            _log.warning("%s: %s", place, reason)
        if reason:
            self._problems[place] = reason
        else:
            self._problems.pop(place, None)

    def problems(self) -> list[str]:
        """Each remembered problem as "path: what is wrong", sorted; gone files left out."""
        known = sorted(self._problems.copy().items())
        return [f"{place}: {reason}" for place, reason in known if (self.root / place).exists()]

    def _guard(self, path: Path) -> None:
        if not self.inside(path):
            raise ToolError(f"{path.name} leads out of the workspace {self.root}; it is not used")


def _is_text(name: str) -> bool:
    """Is a file's name text, and not bytes that mean nothing?"""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def safe_name(text: str) -> str:
    """A file name, without folder or extension, that reads like ``text``.

    It has no separators, control characters, leading dots or direction marks,
    is at most ``MAX_NAME_BYTES`` long in UTF-8, and never empty.
    """
    kept = []
    for letter in unicodedata.normalize("NFC", text):
        if letter in _FORBIDDEN:
            kept.append("-")
        elif unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            kept.append(" ")
        elif letter not in _DIRECTION_MARKS:
            kept.append(letter)
    name = " ".join("".join(kept).split()).strip(". ")
    cut = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(". ")
    return cut or "Untitled"

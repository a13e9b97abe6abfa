"""Notes: Markdown files in folders, ``notes/<folder>/<name>.md``."""

from __future__ import annotations

import re
from pathlib import Path

from tinyagent.backends.base import Outcome, Target
from tinyagent.backends.workspace.folder import SafeFolder, safe_name
from tinyagent.backends.workspace.match import find, find_or_new
from tinyagent.errors import NotFoundError, ToolError

DEFAULT_FOLDER = "Notes"

_BULLET = re.compile(r"\s*(?:[-*+] )(?:\[[ xX]\] )?")


class Notes:
    """The notes of a workspace. A note's name is its file's; its text is all of the file."""

    def __init__(self, folder: SafeFolder) -> None:
        self._folder = folder
        self._top = folder.root / "notes"

    def create(self, name: str, content: str, folder: str) -> Outcome:
        """Make a note; a taken name gets a number, an unknown folder is made."""
        with self._folder.writing():
            wanted = folder.strip() or DEFAULT_FOLDER
            known = find_or_new(wanted, self.folders())
            home = safe_name(wanted) if known is None else known
            path = self._folder.unused(self._top / home, name, ".md")
            text = content if not content or content.endswith("\n") else content + "\n"
            link = self._folder.write(path, text.encode(errors="replace"))
        new = "new " if known is None and folder.strip() else ""
        return Outcome(f"Created the note “{path.stem}” in the {new}folder “{home}”", link)

    def open(self, name: str, folder: str) -> Outcome:
        """The text of a note.

        Raises:
            NotFoundError, AmbiguousError: none, or several, fit.
            ToolError: the note is empty.
        """
        path = self._find(name, folder)
        text = self._folder.read(path).decode(errors="replace").strip()
        if not text:
            raise ToolError(f"the note “{path.stem}” is empty")
        return Outcome(text, self._folder.relative(path))

    def meant(self, name: str, folder: str) -> Target:
        """The one note that fits, as an approval shows it; errors as ``open``."""
        path = self._find(name, folder)
        return Target(
            self._folder.relative(path), f"the note “{path.stem}” in “{self._folder_of(path)}”"
        )

    def append(self, name: str, content: str, folder: str, note: str = "") -> Outcome:
        """Add to the end of a note; one line after a list becomes an item of it.

        ``note`` is the id of the one that was approved (see ``meant``), or "".
        """
        if not content.strip():
            raise ToolError(f"there is nothing to add to the note “{name}”; say what")
        with self._folder.writing():
            path = self._folder.root / note if note else self._find(name, folder)
            if not path.is_file():
                raise NotFoundError(f"the note “{path.stem}” is not there any more; say which one")
            old = self._folder.read(path)
            end = b"" if not old or old.endswith(b"\n") else b"\n"
            last = old.decode(errors="replace").rstrip().rpartition("\n")[2]
            added = _in_style_of(last, content.strip("\n"))
            link = self._folder.write(path, old + end + added.encode(errors="replace") + b"\n")
        return Outcome(f"Added to the note “{path.stem}”", link)

    def all(self) -> list[Path]:
        """Every note."""
        return self._folder.files("notes", ".md")

    def folders(self) -> list[str]:
        """Every folder with or without notes, as a path below ``notes``."""
        if not self._top.is_dir():
            return []
        return sorted(
            path.relative_to(self._top).as_posix()
            for path in self._top.rglob("*")
            if path.is_dir() and not path.name.startswith(".") and self._folder.inside(path)
        )

    def _find(self, name: str, folder: str) -> Path:
        notes = self.all()
        if folder.strip():
            home = find(folder, self.folders(), lambda known: [known], "folder of notes")
            notes = [note for note in notes if self._folder_of(note) == home]
        return find(name, notes, self._names, "note")

    def _names(self, note: Path) -> list[str]:
        return [note.stem, f"{self._folder_of(note)}/{note.stem}"]

    def _folder_of(self, note: Path) -> str:
        return note.parent.relative_to(self._top).as_posix()


def _in_style_of(last: str, content: str) -> str:
    bullet = _BULLET.match(last)
    if bullet is None or "\n" in content or _BULLET.match(content):
        return content
    return re.sub(r"\[[xX]\]", "[ ]", bullet.group()) + content

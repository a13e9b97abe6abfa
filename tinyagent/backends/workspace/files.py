"""Files: found by a name that is roughly theirs, and PDFs read as text.

"Opened" means that the path is given; no program is started.
"""

from __future__ import annotations

import os
from pathlib import Path

from pypdf import PasswordType, PdfReader

from tinyagent.backends.base import Outcome
from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.backends.workspace.match import find
from tinyagent.errors import NotFoundError, ToolError


class Files:
    """``files/**``: whatever the user keeps there."""

    def __init__(self, folder: SafeFolder) -> None:
        self._folder = folder

    def open(self, file_name: str) -> Outcome:
        """The absolute path of the one file that ``file_name`` names, roughly.

        Raises:
            NotFoundError, AmbiguousError: none, or several, fit. A candidate is
                a path relative to the workspace.
        """
        wanted = file_name.strip().removeprefix(f"{self._folder.root}{os.sep}")
        path = find(wanted, self.all(), self._names, "file")
        return Outcome(str(path), self._folder.relative(path))

    def all(self) -> list[Path]:
        """Every file that can be found."""
        return self._folder.files("files")

    def path(self, text: str) -> Path:
        """A path that ``open`` gave (or the relative one), checked again.

        Raises:
            NotFoundError: there is no such file.
            ToolError: it is outside ``files/``, whatever links it takes.
        """
        path = self._folder.root / text
        try:
            known = self._folder.inside(path, "files")
        except ValueError:  # characters that no path can hold
            known = False
        if not known:
            raise ToolError(f"{text} is not in the files of the workspace; put a copy there first")
        if not path.is_file():
            raise NotFoundError(f"the file {text} is not there any more; find it again")
        return path

    def read_pdf(self, text: str) -> str:
        """The text of a PDF, pages separated by an empty line.

        Raises:
            ToolError: it is outside, no PDF, encrypted, damaged, or a scan without text.
        """
        path = self.path(text)
        place = self._folder.relative(path.resolve())
        with path.open("rb") as file:
            if b"%PDF-" not in file.read(1024):
                raise ToolError(f"{place} is no PDF; only PDFs can be summarised")
        try:
            reader = PdfReader(path)
            locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
            pages = [] if locked else [page.extract_text().strip() for page in reader.pages]
        except Exception as error:  # a damaged file makes pypdf raise nearly anything
            raise ToolError(f"{place} is damaged and cannot be read ({error})") from error
        if locked:
            raise ToolError(f"{place} is encrypted; save a copy without a password")
        content = "\n\n".join(page for page in pages if page)
        if not content:
            raise ToolError(f"{place} has no text, perhaps a scan; save a copy with text (OCR)")
        return content

    def _names(self, path: Path) -> list[str]:
        return [path.name, path.stem, self._folder.relative(path)]

"""A Mac for tests: a home folder, a PATH with stand-ins, and a backend that uses them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tinyagent.backends.macos import MacOS

ROOT = Path(__file__).parent.parent
PROGRAM = """#!{python} -S
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.osascript import main
main(Path({folder!r}))
"""
CONTACTS = """\
1\tSid Patel\t\t_$!<Home>!$_\t+1 555 0100
1\tSid Patel\t\t_$!<Mobile>!$_\t+1 555 0101
2\tAlex Kim\t\t\t+1 555 0102
3\tAlex Kim\t\t\t+1 555 0103
4\tJane Doe\tmom\tiPhone\t+1 555 0104
5\tNo Number\t\t\t
6\tBroken"""


class Mac:
    """What the stand-ins answer is set with ``answer``; what they were given is in ``calls``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("osascript", "open", "mdfind", "shortcuts"):
            program = self.programs / name
            text = PROGRAM.format(python=sys.executable, root=str(ROOT), folder=str(folder))
            program.write_text(text)
            program.chmod(0o755)
        self.osascript = str(self.programs / "osascript")
        self.answer(list_contacts=CONTACTS)
        self.backend = self.make()

    def make(self, **options: Any) -> MacOS:
        return MacOS(platform="darwin", osascript=self.osascript, home=self.home, **options)

    def answer(self, **answers: object) -> None:
        """What each script or program answers; a list holds an error message."""
        path = self.folder / "answers.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(before | answers))

    def calls(self) -> list[list[str]]:
        """Every command line so far, byte for byte."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [[a.encode("latin-1").decode() for a in json.loads(line)] for line in lines]

    def arguments(self) -> list[str]:
        """The arguments that the last script got."""
        return self.calls()[-1][2:]

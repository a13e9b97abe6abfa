"""Apple Shortcuts as tools: those that the settings name, each with what it is for.

    [shortcuts]
    "Log Water" = "Log how much water I drank."

A shortcut runs by ``shortcuts run``, the program of macOS 12 and later. Its
input goes through a file and its name is an argument of its own: neither is
ever part of a command that is put together. What a shortcut does is its
maker's; TinyAgent takes each for one that changes something, and asks.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from tinyagent.errors import NotFoundError, SettingsError, ToolError
from tinyagent.tools.declare import tool
from tinyagent.tools.registry import Tool

PROGRAM = "shortcuts"
APP = "Shortcuts"
LONGEST_RESULT = 20_000
"""Characters of a result that are kept."""


def shortcut_tools(
    shortcuts: Mapping[str, str], taken: Collection[str], timeout: float
) -> list[Tool]:
    """A tool for each shortcut.

    Args:
        shortcuts: by name, as the Shortcuts app shows it: what it does, in words that a
            request for it would use.
        taken: names that the tools must not have.
        timeout: seconds that a shortcut may take.

    Raises:
        SettingsError: one is described wrongly, or this is no Mac that has shortcuts.
    """
    if shortcuts and shutil.which(PROGRAM) is None:
        raise SettingsError(
            f"setting shortcuts: there is no program {PROGRAM} on the PATH; it is part of macOS 12 "
            "and later. Elsewhere, leave the setting out"
        )
    made: dict[str, Tool] = {}
    for number, (name, description) in enumerate(shortcuts.items(), 1):
        word = _word(name, number)
        if word in taken or word in made:
            word = f"shortcut_{word}"
        if word in taken or word in made:
            raise SettingsError(f"setting shortcuts: {name!r} is too much like another's name")
        made[word] = _tool(word, name, description, timeout)
    return list(made.values())


def shortcut_names(timeout: float) -> list[str]:
    """The shortcuts of this Mac.

    Raises:
        ToolError: they cannot be listed.
    """
    return [line for line in _run(["list"], timeout).splitlines() if line]


def _tool(word: str, name: str, description: str, timeout: float) -> Tool:
    place = f"setting shortcuts, {name!r}"
    if not name.strip() or name.startswith("-"):
        raise SettingsError(f"{place}: a name is not empty, and does not begin with a dash")
    if not description.strip():
        raise SettingsError(f"{place}: say what it does; requests find it by that")

    def run(text: str = "") -> str:
        return _run_shortcut(name, text, timeout)

    run.__name__ = word
    said = " ".join(description.split())
    run.__doc__ = f"{said}\n\ntext: what the shortcut is given; nothing if left out"
    shown = name.replace("{", "{{").replace("}", "}}")
    declared = tool(app=APP, sentence=f"Run the shortcut “{shown}”")(run)
    return replace(declared, origin="Apple Shortcuts")


def _run_shortcut(name: str, text: str, timeout: float) -> str:
    """Run a shortcut with a text, or without one; the text that it gives."""
    with tempfile.TemporaryDirectory(prefix="tinyagent-") as folder:
        given, made = Path(folder) / "input.txt", Path(folder) / "output.txt"
        arguments = ["run", name, "--output-path", str(made), "--output-type", "public.plain-text"]
        if text:
            given.write_text(text, encoding="utf-8")
            arguments += ["--input-path", str(given)]
        _run(arguments, timeout)
        if not made.exists():
            return ""
        return made.read_text(encoding="utf-8", errors="replace")[:LONGEST_RESULT].strip()


def _run(arguments: list[str], timeout: float) -> str:
    try:
        done = subprocess.run(
            [PROGRAM, *arguments],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"Shortcuts did not end within {timeout:g} seconds; it may be waiting for an answer in "
            "a window, so look there first; part of the work may be done"
        ) from None
    except (OSError, ValueError) as error:
        raise ToolError(f"{PROGRAM} cannot be started ({error}); is this a Mac?") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("Error: ")
        if "find shortcut" in said:
            raise NotFoundError(f"Shortcuts: {said}; `shortcuts list` lists those that there are")
        raise ToolError(f"Shortcuts: {said or 'it failed without a reason'}")
    return done.stdout.decode("utf-8", "replace")


def _word(name: str, number: int) -> str:
    """A name of the plan language: "Log Water" is ``log_water``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:50]
    if not word:
        return f"shortcut_{number}"
    return word if word[0].isalpha() else f"shortcut_{word}"

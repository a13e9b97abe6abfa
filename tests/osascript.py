"""A stand-in for ``osascript``, ``open``, ``mdfind`` and ``shortcuts``: a program on the PATH.

It records its command line, byte for byte, and answers as the real one does: on
standard output or, with an error number, on standard error. What it is told to
answer is in ``answers.json``: a text, a list with an error message, or "hang".
Else it keeps what is made, so that it can be read, found and removed again.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

CREATES = {"create_event": "event", "create_reminder": "reminder", "create_note": "note"}


class ScriptError(Exception):
    """What AppleScript ends with: a text, and its number in brackets."""


def main(folder: Path) -> None:
    """Record the command line, and answer it."""
    program = Path(sys.argv[0]).name
    script = Path(sys.argv[1]).stem if program == "osascript" else program
    with open(folder / "calls.jsonl", "ab") as calls:
        line = json.dumps([os.fsencode(a).decode("latin-1") for a in sys.argv])
        calls.write(line.encode() + b"\n")
    answer = json.loads((folder / "answers.json").read_text()).get(script)
    try:
        if answer == "hang":
            time.sleep(60)
        if isinstance(answer, list):
            raise ScriptError(answer[0])
        if answer is None:
            answer = kept(folder / "made.json", script, sys.argv[2:])
        if program == "shortcuts":
            answer = shortcut(folder, json.loads(answer), sys.argv[1:])
    except ScriptError as error:
        place = f"{sys.argv[1]}:10:20: execution error" if program == "osascript" else "Error"
        sys.stderr.write(f"{place}: {error}\n")
        sys.exit(1)
    sys.stdout.buffer.write(os.fsencode(answer) + b"\n")


def kept(path: Path, script: str, argv: list[str]) -> str:
    """Do what the script does, to the things in ``path``."""
    things = json.loads(path.read_text()) if path.exists() else {}
    try:
        if script in CREATES:
            return create(things, script, argv)
        if script == "mail":
            return mail(things, argv)
        if script == "made_thing":
            return made_thing(things, *argv)
        if script == "edit_note":
            return edit_note(things, *argv)
        if script == "probe":
            return "3"
        if script == "selected_message":
            return "<1@x>\nSid <sid@id.org>\nsid@id.org\nMonday\nBudget"
        return {"send_messages": "SMS"}.get(script, "")
    finally:
        path.write_text(json.dumps(things))


def shortcut(folder: Path, there: dict[str, str], argv: list[str]) -> str:
    """Run one of the shortcuts that are ``there``; each gives its text, "" for no output."""
    if argv[0] == "list":
        return "\n".join(there)
    if argv[1] not in there:
        raise ScriptError("The operation couldn’t be completed. Couldn’t find shortcut")
    options = dict(zip(argv[2::2], argv[3::2], strict=True))
    if "--input-path" in options:
        (folder / "given").write_bytes(Path(options["--input-path"]).read_bytes())
    if there[argv[1]]:
        Path(options["--output-path"]).write_text(there[argv[1]])
    return ""


def create(things: dict[str, dict[str, str]], script: str, argv: list[str]) -> str:
    number = f"id-{len(things) + 1}"
    text = argv[1] if script == "create_note" else ""
    things[number] = {"kind": CREATES[script], "title": argv[0], "text": text}
    places = {"create_event": "Home", "create_reminder": "Reminders", "create_note": "Notes"}
    return f"{places[script]}\n{number}"


def mail(things: dict[str, dict[str, str]], argv: list[str]) -> str:
    kind, after, subject, wanted = argv[0], argv[1], argv[2], argv[4]
    if kind != "compose" and wanted not in ("", "<1@x>"):
        raise ScriptError("another message is selected than the one that was approved (1001)")
    subject = subject if kind == "compose" else "Re: Budget"
    if after == "draft":
        things[f"draft-{subject}"] = {"kind": "draft", "title": subject, "text": ""}
    return f"{subject}\n0"


def made_thing(things: dict[str, dict[str, str]], what: str, kind: str, number: str) -> str:
    number = f"draft-{number}" if kind == "draft" else number
    if number not in things or things[number]["kind"] != kind:
        raise ScriptError(f"the {kind} is not there any more (-1728)")
    thing = things.pop(number) if what == "remove" else things[number]
    return thing["title"]


def edit_note(
    things: dict[str, dict[str, str]], what: str, name: str, folder: str, added: str, wanted: str
) -> str:
    found = [
        number
        for number, thing in things.items()
        if thing["kind"] == "note" and (number == wanted or (not wanted and thing["title"] == name))
    ]
    if not found:
        raise ScriptError(f'there is no note "{name}" (-1728)')
    note = things[found[0]]
    if what == "find":
        return f"one\n{found[0]}\nNotes\n{note['title']}"
    if what == "append":
        note["text"] += f"\n{added}"
    return f"one\n{note['title']}\n{note['text']}"

"""What can be checked of an AppleScript without a Mac: its shape, and where its values come from.

It knows the statements that the scripts here use, and no others: a statement of
another kind is a fault, so that nothing goes unchecked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FORBIDDEN = ("do shell script", "run script", "load script", "keystroke", "key code", "open for")
TERMS = {"iMessage"}
"""Terms of an application that look like a name of the script's own."""

_NAME = r"[A-Za-z]\w*"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_KNOWN = re.compile(
    r"(set|return|error|make|delete|show|save|send|activate|delay|property|copy)\b|my \w+\("
)


@dataclass
class Handler:
    """One ``on name(parameters)``; ``calls`` are handlers of the script, with where they stand."""

    name: str
    parameters: list[str]
    assigned: set[str] = field(default_factory=set)
    used: list[tuple[int, str]] = field(default_factory=list)
    calls: list[tuple[int, str, bool, bool]] = field(default_factory=list)


def faults(source: str) -> list[str]:
    """All that is wrong with a script, as "line: what"."""
    found = [f"{word} is not used here" for word in FORBIDDEN if word in source]
    if not source.isascii():
        found.append("it has letters beyond ASCII, which Macs of another language read otherwise")
    blocks: list[str] = []
    handlers: list[Handler] = []
    names = set(re.findall(rf"^on ({_NAME})\(", source, re.MULTILINE))
    for number, raw in enumerate(source.splitlines(), 1):
        code = raw.strip()
        if not code or code.startswith("--"):
            continue
        bare = _STRING.sub('""', code)
        if '"' in bare.replace('""', ""):
            found.append(f"{number}: a text is not closed")
        found += [f"{number}: {one}s are not balanced" for one in _unbalanced(bare)]
        if bare.count("--"):
            found.append(f"{number}: a comment stands on its own line")
        found += [f"{number}: {text}" for text in _block(bare, blocks, handlers)]
        inside = any(block == "tell" for block in blocks) or bare.startswith("tell ")
        if handlers:
            _note(handlers[-1], number, bare, names, inside)
    found += [f"{block} is not ended" for block in blocks]
    if "run" not in {handler.name for handler in handlers}:
        found.append("there is no `on run argv`")
    for handler in handlers:
        found += _of_handler(handler, handlers)
    return found


def _unbalanced(bare: str) -> list[str]:
    pairs = {"()": "bracket", "{}": "brace"}
    return [name for pair, name in pairs.items() if bare.count(pair[0]) != bare.count(pair[1])]


def _block(bare: str, blocks: list[str], handlers: list[Handler]) -> list[str]:
    """Follow the blocks; what is wrong with this line."""
    words = bare.split()
    first = words[0]
    if first == "end":
        expected = blocks.pop() if blocks else "nothing"
        return [] if words[1:] == [expected] else [f"`{bare}`, and {expected} is open"]
    if first == "else" or words[:2] == ["on", "error"]:
        needed = "try" if first == "on" else "if"
        return [] if blocks and blocks[-1] == needed else [f"`{bare}` outside of {needed}"]
    if first == "on":
        match = re.fullmatch(rf"on (run argv|({_NAME})\(([\w, ]*)\))", bare)
        if match is None or blocks:
            return [f"`{bare}` is no handler, or within another"]
        name = match[2] or "run"
        parameters = match[3].split(", ") if match[3] else (["argv"] if name == "run" else [])
        handlers.append(Handler(name, parameters, set(parameters)))
        blocks.append(name)
        return []
    if first == "tell":
        if not re.match(r'tell (application ""|content of made to )', bare):
            return [f"`{bare}` tells something else than an application by its name"]
        if " to " not in bare:
            blocks.append("tell")
        return []
    if first in ("repeat", "try", "script"):
        blocks.append(first)
        return []
    if first == "if":
        if " then" not in bare:
            return ["an if without then"]
        if bare.endswith(" then"):
            blocks.append("if")
        return []
    return [] if _KNOWN.match(bare) else [f"`{bare}` is no statement that is known here"]


def _note(handler: Handler, number: int, bare: str, names: set[str], told: bool) -> None:
    """What this line assigns, uses and calls."""
    for match in re.finditer(rf"\bset ({_NAME}) to\b", bare):
        handler.assigned.add(match[1])
    for match in re.finditer(r"\bset \{([\w, ]+)\} to\b", bare):
        handler.assigned |= set(match[1].split(", "))
    for match in re.finditer(rf"\brepeat with ({_NAME}) |\bon error ({_NAME})", bare):
        handler.assigned.add(match[1] or match[2])
    for match in re.finditer(rf"\bproperty ({_NAME}) ?:|\bscript ({_NAME})", bare):
        handler.assigned.add(match[1] or match[2])
    for match in re.finditer(rf"(\bmy )?\b({_NAME})\(", bare):
        if match[2] in names and not bare.startswith("on "):
            handler.calls.append((number, match[2], bool(match[1]), told))
    # Names in camel case are the script's own; an application's terms are words of small letters.
    for match in re.finditer(r"\b[a-z]+(?:[A-Z][a-z]*)+\b", bare):
        handler.used.append((number, match[0]))


def _of_handler(handler: Handler, handlers: list[Handler]) -> list[str]:
    names = {other.name for other in handlers}
    found = []
    for number, name in handler.used:
        if name not in handler.assigned | names | TERMS:
            found.append(f"{number}: {name} is used, and never set")
    counts = [name for _, name in handler.used]
    for name in handler.assigned - {"argv"}:
        if re.search("[A-Z]", name) and counts.count(name) < 2 and name not in handler.parameters:
            found.append(f"{handler.name}: {name} is set, and never used")
    for number, name, mine, told in handler.calls:
        if told and not mine:
            found.append(f"{number}: within tell, {name} needs `my`, or the application is asked")
    return found

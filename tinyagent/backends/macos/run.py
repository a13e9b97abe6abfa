"""Runs a script within a time limit, and says in words what went wrong."""

from __future__ import annotations

import re
import subprocess

from tinyagent.backends.macos.scripts import Script
from tinyagent.errors import NotFoundError, ToolError


def run_script(script: Script, timeout: float) -> str:
    """What the script printed, without the last line break.

    Args:
        script: run as it is, without a shell.
        timeout: seconds; the process is ended then.

    Raises:
        NotFoundError: the application has no such calendar, list, folder, note
            or selected message.
        ToolError: anything else that the program reports, with what to do.
    """
    program = script.argv[0]
    try:
        done = subprocess.run(
            script.argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise ToolError(_slow(script.app, f"within {timeout:g} seconds")) from None
    except ValueError as error:  # a null character, or half of a surrogate pair
        raise ToolError(
            f"a text for {script.app} has a character that no program can be given ({error}); "
            "remove it"
        ) from error
    except OSError as error:
        raise ToolError(
            f"{program} cannot be started ({error.strerror}); it is part of macOS, "
            "so look whether it is on the PATH, and whether the text is far too long"
        ) from error
    if done.returncode != 0:
        raise _error(script.app, program, done.stderr.decode("utf-8", "replace").strip())
    return done.stdout.decode("utf-8", "replace").removesuffix("\n")


def _error(app: str, program: str, said: str) -> ToolError:
    """The error for what the program wrote; AppleScript ends it in a number in brackets."""
    found = re.search(r"\s*\((-?\d+)\)$", said)
    number = int(found[1]) if found else 0
    reason = said[: found.start()] if found else said
    reason = reason.partition("execution error: ")[2] or reason
    reason = reason.removeprefix(f"{app} got an error: ").rstrip(".")
    match number:
        case -1743 | -10004:
            return ToolError(
                f"macOS does not allow control of {app} ({number}); in System Settings, Privacy & "
                f"Security, Automation, switch on {app} under the program that TinyAgent was "
                "started from (Terminal, for example), then try again"
            )
        case -1712:
            return ToolError(_slow(app, "in time (-1712)"))
        case -1744:
            return ToolError(
                f"macOS wants to ask whether {app} may be controlled (-1744); try again, and "
                "allow it in the window that opens"
            )
        case -10814 | -10827 | -10810:
            return ToolError(
                f"{app} cannot be opened ({number}); see that it is installed and opens by hand"
            )
        case -2740 | -2741:
            return ToolError(
                f"{app} does not offer what the script asks of it ({number}: {reason}); it is "
                "missing or of a version that is not known here"
            )
        case -1708 | -10000:
            return ToolError(
                f"{app} could not do this ({number}: {reason}); open it, see that nothing waits "
                "for an answer there, and try again"
            )
        case -43 | -35:
            return NotFoundError(f"{app}: the file is not there any more ({number}); find it again")
        case -600 | -609:
            return ToolError(f"{app} is not running or just quit ({number}); open it and try again")
        case -128:
            return ToolError(f"{app}: it was cancelled on the Mac")
        case -1728 | -1719:
            return NotFoundError(f"{app}: {reason}; look there for what it is called or selected")
    return ToolError(f"{app}: {reason or f'{program} failed without a reason'}")


def _slow(app: str, when: str) -> str:
    return (
        f"{app} did not answer {when}; it may be waiting for an answer in a window "
        "that is hidden behind others, so look there first; part of the work may be done"
    )

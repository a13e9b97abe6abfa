"""Examines everything that TinyAgent needs, and says how to mend what is wrong.

It changes nothing: what does not exist yet is not made.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import Requirement

from tinyagent.approval.remembered import FILE as REMEMBERED
from tinyagent.backends.macos import MacOS
from tinyagent.backends.macos.scripts import APPLICATIONS
from tinyagent.backends.workspace import Workspace
from tinyagent.errors import ModelError, SettingsError, ToolDeclarationError, ToolError
from tinyagent.mcp.config import read_config
from tinyagent.models import ModelStatus, status
from tinyagent.opening import open_backend
from tinyagent.settings import Settings, settings_file
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.shortcuts import shortcut_names
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.voice.recordings import FOLDER as AUDIO

OLDEST_PYTHON = (3, 11)
TRAINING_EXTRA = "training"


@dataclass(frozen=True)
class Check:
    """One thing that was examined.

    Attributes:
        name: what it is.
        ok: it is as it should be, or is not needed.
        detail: what was found.
        cure: what to do; "" where there is nothing to do.
    """

    name: str
    ok: bool
    detail: str
    cure: str = ""


def examine(settings: Settings, ask_applications: bool = False) -> list[Check]:
    """Check Python, packages, models, tools, folders and the backend, in that order.

    ``ask_applications`` asks each application of the Mac a harmless question, which opens
    it, and makes macOS ask for the permission that is missing.

    Hashes model files that have changed since they were last used, which takes
    about a second; everything else takes less.
    """
    checks = [_python(sys.version_info[:3])]
    try:
        needed = requires("tinyagent") or []
    except PackageNotFoundError:
        cure = "in the repository, run: make setup"
        checks.append(Check("packages", False, "TinyAgent itself is not installed", cure))
    else:
        checks += check_packages(needed, version)
    checks += _models(settings.models)
    if settings.backend == "workspace":
        checks.append(check_folder("workspace", settings.workspace))
    checks += [_tools(settings), *_shortcuts(settings), _mcp(settings)]
    checks += [check_traces(settings.traces), check_private(settings.traces), _backend(settings)]
    if ask_applications and checks[-1].ok:
        checks += check_applications(_mac(settings))
    return checks


def check_applications(backend: MacOS) -> list[Check]:
    """Whether macOS lets each application be automated, and whether Zoom meetings can be made."""
    checks = []
    for app in APPLICATIONS:
        try:
            backend.probe(app)
            checks.append(Check(app, True, "answers"))
        except ToolError as error:
            told, _, cure = str(error).partition("; ")
            checks.append(Check(app, False, told, cure))
    for program, use in (("open", "shows files and places"), ("mdfind", "finds files")):
        found = shutil.which(program)
        cure = "" if found else "add /usr/bin to the PATH"
        checks.append(Check(program, found is not None, f"{use}: {found or 'missing'}", cure))
    try:
        backend.require_meetings()
        checks.append(Check("Zoom", True, "meetings can be made, or a personal link given"))
    except ToolError as error:
        told, _, cure = str(error).partition("; ")
        checks.append(Check("Zoom", True, f"{told} (needed only for Zoom)", cure))
    return checks


def check_packages(needed: Iterable[str], installed: Callable[[str], str]) -> list[Check]:
    """The packages that TinyAgent needs to run, and those that it needs to train.

    Args:
        needed: requirements as the package's metadata give them.
        installed: version of a package by name; PackageNotFoundError if there is none.
    """
    plain, training = [], []
    for requirement in map(Requirement, needed):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            plain.append(requirement)
        elif requirement.marker.evaluate({"extra": TRAINING_EXTRA}):
            training.append(requirement)
    found, faults = _compare(plain, installed)
    packages = Check("packages", True, ", ".join(found))
    if faults:
        packages = Check("packages", False, "; ".join(faults), "run: make setup")
    found, faults = _compare(training, installed)
    extra = Check("training", True, ", ".join(found))
    if faults:
        detail = f"not installed, and needed only to train: {'; '.join(faults)}"
        extra = Check("training", True, detail, f"to train, run: pip install .[{TRAINING_EXTRA}]")
    return [packages, extra]


def check_folder(name: str, folder: Path) -> Check:
    """Whether files can be written in ``folder``, or the folder be made."""
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    cure = f"give yourself the right to write there, or set {name} to another place"
    if not nearest.is_dir():
        return Check(name, False, f"{nearest} is a file, and should be a folder", cure)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return Check(name, False, f"{nearest} cannot be written to ({error.strerror})", cure)
    made = "" if folder.exists() else ", will be made when it is first needed"
    return Check(name, True, f"{folder.absolute()}{made}")


def check_traces(file: Path) -> Check:
    """Whether traces can be written: the folder, the file, and that nobody locks it."""
    folder = check_folder("traces", file.parent)
    if not folder.ok or not file.exists():
        return folder
    address = f"file:{quote(str(file.absolute()))}?mode=rw"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=0.5)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        cure = "end the other TinyAgent, or whatever else has the file open"
        if "locked" not in str(error):
            cure = "give yourself the right to write the file, or set traces to another one"
        return Check("traces", False, f"{file}: {error}", cure)
    except sqlite3.DatabaseError as error:
        cure = "move the file away; a new one is made"
        return Check("traces", False, f"{file}: {error}", cure)
    return Check("traces", True, f"{file.absolute()}")


def _mac(settings: Settings) -> MacOS:
    backend = open_backend(settings, datetime.now)
    assert isinstance(backend, MacOS)
    return backend


def check_private(traces: Path) -> Check:
    """Whether other users of the computer can read traces, recordings or settings."""
    kept = [traces, traces.parent / REMEMBERED, settings_file(os.environ)]
    kept += (traces.parent / AUDIO).glob("*")
    open_to_all = [path for path in kept if path.exists() and path.stat().st_mode & 0o077]
    if not open_to_all:
        return Check("privacy", True, "traces, recordings and settings are yours to read only")
    shown = ", ".join(map(str, open_to_all[:3]))
    more = f" and {len(open_to_all) - 3} more" if len(open_to_all) > 3 else ""
    cure = f"run: chmod 600 {shlex.join(map(str, open_to_all[:3]))}"
    return Check("privacy", False, f"others can read {shown}{more}", cure)


def _python(found: tuple[int, ...]) -> Check:
    shown = ".".join(map(str, found))
    if found >= OLDEST_PYTHON:
        return Check("python", True, shown)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("python", False, shown, f"install Python {oldest} or newer, then: make setup")


def _compare(
    needed: Iterable[Requirement], installed: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """("name version" of each good package, what is wrong with each other)."""
    found, faults = [], []
    for requirement in needed:
        try:
            has = installed(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if requirement.specifier.contains(has, prereleases=True):
            found.append(f"{requirement.name} {has}")
        else:
            faults.append(f"{requirement.name} is {has}, needed is {requirement.specifier}")
    return found, faults


def _models(models: Path) -> list[Check]:
    try:
        return [_model(found) for found in status(models)]
    except ModelError as error:
        return [Check("models", False, str(error), "set models to the repository's models folder")]


def _model(found: ModelStatus) -> Check:
    name = f"model {found.name}"
    if found.state != "present":
        return Check(name, False, found.detail, f"run: {found.command}")
    origin = f" {found.version}" if found.version else ""
    return Check(name, True, f"{found.size / 1e6:.1f} MB{origin}, {found.licence}")


def _tools(settings: Settings) -> Check:
    try:
        tools = installed_tools(settings.tools)
    except ToolDeclarationError as error:
        return Check("tools", False, str(error), f"mend it, or move it out of {settings.tools}")
    return Check("tools", True, f"{len(tools)}, {len(tools) - len(SIXTEEN)} of them your own")


def _shortcuts(settings: Settings) -> list[Check]:
    """Are the shortcuts that the settings name there? Nothing where they name none."""
    if not settings.shortcuts:
        return []
    try:
        there = shortcut_names(settings.task_timeout)
    except ToolError as error:
        return [
            Check("shortcuts", False, str(error), "remove them from the settings, or use a Mac")
        ]
    missing = [name for name in settings.shortcuts if name not in there]
    cure = "name it as the Shortcuts app does; `shortcuts list` lists them" if missing else ""
    told = f"no {', '.join(missing)}" if missing else ", ".join(settings.shortcuts)
    return [Check("shortcuts", not missing, told, cure)]


def _mcp(settings: Settings) -> Check:
    """The file of MCP servers; to start them is for ``tinyagent tools``."""
    try:
        servers = read_config(settings.mcp)
    except SettingsError as error:
        return Check("mcp", False, str(error), "mend the file; docs/mcp.md shows one")
    return Check("mcp", True, ", ".join(servers) or "no servers")


def _backend(settings: Settings) -> Check:
    name = f"backend {settings.backend}"
    if settings.backend == "macos":
        try:
            _mac(settings)
        except SettingsError as error:
            return Check(name, False, str(error), "set backend to workspace")
        if not shutil.which("osascript"):
            return Check(name, False, "osascript is not on the PATH", "add /usr/bin to the PATH")
        return Check(name, True, "macOS asks for permission when an application is first used")
    if not settings.workspace.exists():
        return Check(name, True, "a sample is made at the first start")
    try:
        problems = Workspace(settings.workspace, datetime.now).problems()
    except (ToolError, OSError) as error:
        return Check(name, False, str(error), "set workspace to a folder that can be used")
    if problems:
        return Check(name, False, "; ".join(problems), "mend or remove these files")
    return Check(name, True, "every contact, calendar and list can be read")

"""The tools that are there: the sixteen, a person's own, those of packages, Apple Shortcuts.

A person's own are Python files in the tools folder of the settings; a package
names its own under the entry point ``tinyagent.tools``. Both hold functions
declared with ``@tool``. They are code of this computer's, and run with all of
its rights: approval shows what a call will be given, not what its code does.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType

from tinyagent.errors import ToolDeclarationError
from tinyagent.tools.registry import Tool, ToolSet
from tinyagent.tools.shortcuts import shortcut_tools
from tinyagent.tools.sixteen import SIXTEEN

ENTRY_POINT = "tinyagent.tools"
NO_SHORTCUTS: Mapping[str, str] = MappingProxyType({})
_MODULE = "tinyagent_own_"


def installed_tools(
    folder: Path, shortcuts: Mapping[str, str] = NO_SHORTCUTS, timeout: float = 60.0
) -> ToolSet:
    """The sixteen, the tools of the files in ``folder``, those of packages, and Apple Shortcuts.

    Args:
        folder: it need not exist.
        shortcuts: by name, what each does.
        timeout: seconds that a shortcut may take.

    Raises:
        ToolDeclarationError: a file or package cannot be loaded, a tool is declared
            wrongly, or two share a name; the message names the place.
        SettingsError: a shortcut is described wrongly, or there can be none here.
    """
    tools = SIXTEEN.with_more([*_of_folder(folder), *_of_packages()])
    return tools.with_more(shortcut_tools(shortcuts, tools, timeout))


def _of_folder(folder: Path) -> Iterable[Tool]:
    """The tools of each ``*.py`` of a folder, in the order of the files' names."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            yield from _of_file(path)


def _of_file(path: Path) -> list[Tool]:
    name = _MODULE + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where a declaration's types are looked up
    try:
        spec.loader.exec_module(module)
    except ToolDeclarationError as error:
        raise ToolDeclarationError(f"{path}: {error}") from error
    except Exception as error:
        raise ToolDeclarationError(f"{path}, {_where(error, path)}") from error
    found = _tools_in(module, str(path))
    if not found:
        raise ToolDeclarationError(
            f"{path}: it declares no tool; put @tool before a function, or _ before the file's name"
        )
    return found


def _of_packages() -> Iterable[Tool]:
    for point in entry_points(group=ENTRY_POINT):
        yield from _of_entry_point(point)


def _of_entry_point(point: EntryPoint) -> list[Tool]:
    """The tools of what an entry point names: a tool, or a module that declares some."""
    package = point.dist.name if point.dist else point.value
    place = f"package {package}, entry point {point.name}"
    try:
        loaded = point.load()
    except ToolDeclarationError as error:
        raise ToolDeclarationError(f"{place}: {error}") from error
    except Exception as error:
        raise ToolDeclarationError(f"{place}: {type(error).__name__}: {error}") from error
    if isinstance(loaded, Tool):
        return [replace(loaded, origin=package)]
    if isinstance(loaded, ModuleType) and (found := _tools_in(loaded, package)):
        return found
    raise ToolDeclarationError(f"{place}: it names no tool, and no module that declares one")


def _tools_in(module: ModuleType, origin: str) -> list[Tool]:
    """The tools that a module declares; those that it imports are another's."""
    return [
        replace(value, origin=origin)
        for value in vars(module).values()
        if isinstance(value, Tool) and value.function.__module__ == module.__name__
    ]


def _where(error: Exception, path: Path) -> str:
    """The line of the file at which it failed, and how."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {text}"

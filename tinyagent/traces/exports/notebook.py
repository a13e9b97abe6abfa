"""A run as a Jupyter notebook: the cells of ``traces.cells``, with what came out of each.

Its code shows what was recorded and needs nothing but Python: running the
notebook never acts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any

from tinyagent.errors import SettingsError
from tinyagent.traces.cells import Cell, cells
from tinyagent.traces.rows import Trace

_WITH_CODE = ("tools", "prompt", "plan", "approval", "call")


def notebook(traces: Iterable[Trace], target: Path) -> int:
    """Write the one run as an ``.ipynb``.

    Raises:
        SettingsError: it is not one run.
    """
    found = list(zip(range(2), traces, strict=False))
    if len(found) != 1:
        number = "several runs" if found else "no run"
        raise SettingsError(f"a notebook holds one run, and the filters leave {number}; use --id")
    book = as_notebook(found[0][1])
    target.write_text(json.dumps(book, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1


def as_notebook(trace: Trace) -> dict[str, Any]:
    """The run in nbformat 4.5."""
    steps = [
        _code(n, c) if c.kind in _WITH_CODE else _words(n, c) for n, c in enumerate(cells(trace), 1)
    ]
    command = f"tinyagent ask {quote(trace['request'])} --now {trace['now']}"
    again = f"To ask the same again, with today's models:\n\n```\n{command}\n```"
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "tinyagent": {"trace": trace["id"], "versions": trace["versions"]},
        },
        "cells": [_markdown("run", _head(trace)), *steps, _markdown("again", again)],
    }


def _head(trace: Trace) -> str:
    label = f", labelled {trace['label']}" if trace["label"] else ""
    return f"# Run {trace['id']}\n\n{trace['started']}, {trace['status']}{label}"


def _words(number: int, cell: Cell) -> dict[str, Any]:
    text = "\n\n".join(_quoted(part) for part in (cell.input, cell.output) if part)
    return _markdown(f"cell-{number}", f"## {_heading(cell)}\n\n{text}")


def _quoted(text: str) -> str:
    """As a code block with a fence that the text does not hold: its markup stays text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _heading(cell: Cell) -> str:
    took = "" if cell.seconds is None else f", {cell.seconds:.3f} s"
    state = f" [{cell.state}]" if cell.state else ""
    title = " ".join(cell.title.split())
    return f"{title}{state} (at {cell.start:.3f} s{took})"


def _code(number: int, cell: Cell) -> dict[str, Any]:
    if cell.kind == "tools":
        printed = "\n".join(
            f"{p:6.3f} {'#' * round(p * 40):40} {t}" for t, p in cell.values.items()
        )
        body = (
            f"probabilities = {dict(cell.values)!r}\n"
            "for tool, p in probabilities.items():\n"
            "    print(f\"{p:6.3f} {'#' * round(p * 40):40} {tool}\")"
        )
    elif cell.kind == "call":
        printed = cell.output
        arguments = json.loads(cell.input) if cell.input else {}
        body = f"arguments = {arguments!r}\nresult = {cell.output!r}\nprint(result)"
    else:
        printed = cell.output or cell.input
        body = f"{cell.kind} = {printed!r}\nprint({cell.kind})"
    counts = "".join(f"# {n}: {v:g}\n" for n, v in cell.values.items() if cell.kind != "tools")
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "execution_count": number,
        "source": f"# {_heading(cell)}\n{counts}{body}",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": printed + "\n"}],
    }


def _markdown(id: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": text}

"""Markdown that more than one report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are shown as ``str`` gives them."""
    rule = f"|{'---|' * len(header)}"
    return "\n".join([_row(header), rule, *map(_row, rows)])


def _row(cells: Sequence[object]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell != '' else ' ' for cell in cells)}|"

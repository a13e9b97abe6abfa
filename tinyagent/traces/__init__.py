"""The trace log: everything that a run did, in SQLite (``log``), as ``migrations`` lay it out.

``store`` reads, labels and deletes; ``cells`` makes a notebook of a run; ``exports``
and ``importer`` are for other programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyagent.traces.log import TraceLog

__all__ = ["TraceLog"]


def __getattr__(name: str) -> Any:
    # Loaded when it is used: the command line imports this package for its commands alone.
    if name != "TraceLog":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tinyagent.traces.log import TraceLog

    return TraceLog

"""The trace log: everything that a run did, in SQLite (``log``), as ``migrations`` lay it out."""

from __future__ import annotations

from tinyagent.traces.log import TraceLog

__all__ = ["TraceLog"]

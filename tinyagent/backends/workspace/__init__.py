"""The workspace backend: the sixteen tools at work in a folder of standard files.

``sample.make_sample`` fills a new folder; it is apart, as only a first start needs it.
"""

from __future__ import annotations

from tinyagent.backends.workspace.workspace import Workspace

__all__ = ["Workspace"]

"""What decides the plans of a set-up, as digests: to tell a kept outcome's, or a report's."""

from __future__ import annotations

from pathlib import Path

from tinyagent.errors import SettingsError
from tinyagent.models import find, sha256_of
from tinyagent.settings import Settings


def toolrag_digest(settings: Settings) -> str:
    """Of the way in which the settings pick tools.

    Raises:
        SettingsError: the classifier that they name is not there.
    """
    if settings.toolrag != "classifier":
        return settings.toolrag
    graph = Path(settings.classifier or find("toolrag-classifier", settings.models))
    return f"classifier {_digest(graph)} {settings.threshold}"


def planner_digest(settings: Settings) -> str:
    """Of the planner's file.

    Raises:
        SettingsError: it is not there.
    """
    return _digest(Path(settings.planner or find("planner-q4_0", settings.models)))


def _digest(path: Path) -> str:
    if not path.is_file():
        raise SettingsError(f"{path} does not exist")
    return sha256_of(path)

"""The planner, and the writers' base model: llama.cpp in process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyagent.models import find

if TYPE_CHECKING:
    from tinyagent.planner.constraints import Constraints
    from tinyagent.planner.planner import Planner, Told
    from tinyagent.planner.writer import Writer
    from tinyagent.settings import Settings

PLANNER_TOKENS = 4096
WRITER_TOKENS = 4096


def load_planner(settings: Settings) -> Planner:
    """The planner of this computer; ModelError where its file is missing or damaged."""
    chosen = settings.planner
    return planner_of(Path(chosen) if chosen else find("planner-q4_0", settings.models), settings)


def planner_of(
    path: Path,
    settings: Settings,
    constraints: Constraints | None = None,
    told: Told | None = None,
) -> Planner:
    """The planner of a GGUF file, held to all ``constraints`` where none are given.

    One that was not trained to plan gets the conversation that ``told`` makes.
    """
    from tinyagent.planner.constraints import Constraints
    from tinyagent.planner.engine import Engine
    from tinyagent.planner.planner import Planner

    return Planner(
        Engine(path, limit=PLANNER_TOKENS, threads=settings.threads),
        Constraints.ALL if constraints is None else constraints,
        told=told,
    )


def load_writer(settings: Settings) -> Writer:
    """The base model as a writer; ModelError where its file is missing or damaged."""
    from tinyagent.planner.engine import Engine
    from tinyagent.planner.writer import Writer

    path = find("base-q4_0", settings.models)
    return Writer(Engine(path, limit=WRITER_TOKENS, threads=settings.threads))

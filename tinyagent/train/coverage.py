"""Coverage, counted over a data set and shipped: ``tinyagent train coverage DATA``."""

from __future__ import annotations

import json
from pathlib import Path

from tinyagent.models import update_manifest
from tinyagent.planner.coverage import count, write
from tinyagent.plans.syntax import read_plan


def ship(split: Path, models: Path) -> Path:
    """Count over the rows of ``split`` and write ``models/planner/coverage.json``."""
    path = models / "planner" / "coverage.json"
    rows = map(json.loads, split.read_text("utf-8").splitlines())
    write(count((row["request"], read_plan(row["plan"])) for row in rows), path)
    update_manifest("planner-coverage", models)
    return path

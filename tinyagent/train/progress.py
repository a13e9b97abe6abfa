"""How far a training is: a line of JSON a report, which a page or a terminal follows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "progress.jsonl"


@dataclass(frozen=True)
class Progress:
    """One report.

    Attributes:
        step: that was done, from 1.
        share: of the whole training that is done, 0 to 1.
        loss: mean of the last steps.
        left: seconds that the rest will take, at the speed so far.
    """

    step: int
    share: float
    loss: float
    left: float


def tell(out: Path, progress: Progress) -> None:
    """Append a report to those in the training's folder."""
    with (out / FILE).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(progress)) + "\n")


def told(out: Path) -> list[Progress]:
    """The reports of a training, by step; what was done again after an interruption counts once."""
    path = out / FILE
    if not path.is_file():
        return []
    reports: list[Progress] = []
    for line in path.read_text("utf-8").splitlines():
        try:
            report = Progress(**json.loads(line))
        except (ValueError, TypeError):
            continue  # cut off while it was written
        while reports and reports[-1].step >= report.step:
            reports.pop()
        reports.append(report)
    return reports

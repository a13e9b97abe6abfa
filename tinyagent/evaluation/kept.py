"""Outcomes as JSON lines: a run that is cut off goes on, and no set-up is planned twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tinyagent.evaluation.run import Outcome
from tinyagent.evaluation.scoring import Score, score
from tinyagent.evaluation.sets import Item
from tinyagent.lines import read_rows
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.sixteen import SIXTEEN

Keep = Callable[[Outcome], None]
PACKAGE = Path(__file__).parent.parent


class Kept:
    """The outcomes of a test set's requests, a file for each set-up that planned them.

    The file is named by the set-up and by the code, so that a change of either plans anew.

    Args:
        folder: of the files; it is made if it is not there.
        items: the test set.
    """

    def __init__(self, folder: Path, items: Sequence[Item]) -> None:
        self._folder = folder
        self._items = items
        self._code = code_digest()

    def outcomes(
        self, setup: Mapping[str, str], plan: Callable[[list[Item], Keep], object]
    ) -> list[Outcome]:
        """An outcome for each request, in order.

        Args:
            setup: all that decides what is planned, but the code.
            plan: plans the requests that are not kept, and hands each outcome over at once.
        """
        named = self._named(setup)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._file(named)
        kept = self._read(path)
        left = [item for item in dict.fromkeys(self._items) if item not in kept]
        with path.open("a", encoding="utf-8") as file:

            def keep(outcome: Outcome) -> None:
                row = json.dumps(as_row(outcome), ensure_ascii=False)
                file.write(row + "\n")
                file.flush()
                # As it will be read: a run that goes on rounds nothing otherwise.
                kept[outcome.item] = from_row(json.loads(row), outcome.item)

            if not file.tell():
                file.write(f"{named}\n")
            if left:
                plan(left, keep)
        return [kept[item] for item in self._items]

    def forget(self, setup: Mapping[str, str]) -> None:
        """Remove a set-up's file, and the folder, where no other's is in it."""
        self._file(self._named(setup)).unlink(missing_ok=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _named(self, setup: Mapping[str, str]) -> str:
        return json.dumps({"setup": dict(setup) | {"code": self._code}}, sort_keys=True)

    def _file(self, named: str) -> Path:
        return self._folder / f"{hashlib.sha256(named.encode()).hexdigest()[:12]}.jsonl"

    def _read(self, path: Path) -> dict[Item, Outcome]:
        """What is kept."""
        known = {(row["id"], row["query"], row["now"]): row for row in read_rows(path)[1:]}
        found = {item: known.get((item.id, item.query, _time(item.now))) for item in self._items}
        return {item: from_row(row, item) for item, row in found.items() if row}


def as_row(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values, times to a tenth of a millisecond."""
    return {
        "id": outcome.item.id,
        "query": outcome.item.query,
        "now": _time(outcome.item.now),
        "tools": outcome.tools,
        "probabilities": {k: round(v, 4) for k, v in outcome.probabilities.items()},
        "plan": None if outcome.plan is None else str(outcome.plan),
        "error": outcome.error,
        "valid": outcome.score.valid,
        "success": outcome.score.success,
        "arguments": outcome.score.arguments,
        "tokens": outcome.tokens,
        "seconds": {k: round(v, 4) for k, v in outcome.seconds.items()},
    }


def from_row(row: Mapping[str, Any], item: Item) -> Outcome:
    """The outcome of ``as_row``, scored against the plans that are accepted now."""
    plan = None if row["plan"] is None else read_plan(row["plan"])
    return Outcome(
        item,
        row["probabilities"],
        tuple(row["tools"]),
        plan,
        Score(False, False, False) if plan is None else score(plan, item, SIXTEEN),
        row["error"],
        row["tokens"],
        row["seconds"],
    )


def code_digest() -> str:
    """Of this package's code, and of what its prompts are drawn from."""
    digest = hashlib.sha256()
    for path in sorted(p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".txt")):
        digest.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _time(now: datetime) -> str:
    return now.isoformat(timespec="minutes")

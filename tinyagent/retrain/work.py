"""The process of a retraining: gather, train, compare, keep, and perhaps put in use.

    python -m tinyagent.retrain.work FOLDER

``retrain.job`` starts it. Each stage leaves its result in the folder, and a process that is
started there again goes on behind the last one; the trainings go on from their own checkpoints.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyagent.errors import TinyAgentError
from tinyagent.evaluation.run import evaluate
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.retrain import data
from tinyagent.retrain.compare import Comparison, Group, compare
from tinyagent.retrain.job import Job, Stage, read, this_process, write_state
from tinyagent.traces.store import TraceStore
from tinyagent.versions import (
    ADAPTER,
    GGUF,
    GRAPH,
    Part,
    Version,
    Versions,
    with_versions,
)

if TYPE_CHECKING:
    from tinyagent.planner.planner import Planner

LOW_PRIORITY = 15
RATE: dict[Part, float] = {"toolrag": 2e-4, "planner": 2e-4}
"""Highest learning rates."""
_BATCH = 16
_CHECKPOINT = 20
"""Steps of ToolRAG's after which what is learned so far is kept."""
_LEARNED = 40
"""Labels that were learned, and that the versions are compared on all the same: the newest."""


class Worker:
    """Does one retraining, and tells in its folder how far it is."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._state = replace(job.state, status="running", error="", **this_process())
        self._versions = Versions(job.settings)
        # Of several cores, half are left to the app.
        self._threads = max(1, (os.cpu_count() or 1) // 2)
        self._own = replace(job.settings, threads=self._threads, toolrag="classifier")

    def work(self) -> None:
        """All parts that were asked for, and are not done."""
        files = self._data()
        for part in self._job.asked.parts:
            if part in self._state.done:
                continue
            run = self._job.folder / part
            if not (run / "trained").is_file():
                self._tell(part, "train")
                {"toolrag": self._train_toolrag, "planner": self._train_planner}[part](files, run)
                (run / "trained").touch()
            self._finish(part, run, files)
            self._tell(part, "over", done=(*self._state.done, part))
        self._tell(self._state.part, "over", status="done")

    def failed(self, why: str) -> None:
        """It cannot go on."""
        self._tell(self._state.part, self._state.stage, status="failed", error=why)

    def _data(self) -> data.Files:
        folder = self._job.folder / "data"
        if (folder / "complete").is_file():
            return data.Files.at(folder)
        asked = self._job.asked
        self._tell(asked.parts[0], "data")
        found = data.labels(TraceStore(self._job.settings.traces))
        files = data.write(found, folder, asked.rows, asked.fixed, asked.seed)
        (folder / "complete").touch()
        return files

    def _train_toolrag(self, files: data.Files, run: Path) -> None:
        from tinyagent.toolrag import load
        from tinyagent.train.encoders import minilm
        from tinyagent.train.toolrag import Recipe, train

        models, asked = self._job.settings.models, self._job.asked
        begun = self._versions.file("toolrag", self._job.start["toolrag"], GRAPH)
        kept = load(replace(self._own, classifier=str(begun or "")), files.tools())
        recipe = Recipe(
            epochs=asked.epochs,
            learning_rate=RATE["toolrag"],
            batch=_BATCH,
            positive_weight=1.0,  # in what it goes on from, there is another
            seed=asked.seed,
            threads=self._threads,
            checkpoint_every=_CHECKPOINT,
        )
        train(
            data.with_probabilities(files.train, run, kept),
            files.validation,
            minilm(find("minilm", models), find("minilm-tokenizer", models)),
            run,
            recipe,
            begun or find("toolrag-classifier", models),
            files.own(),
        )

    def _train_planner(self, files: data.Files, run: Path) -> None:
        from tinyagent.planner.merge import merge_in_4_bits
        from tinyagent.train.planner import Recipe, train

        models, asked = self._job.settings.models, self._job.asked
        begun = self._versions.file("planner", self._job.start["planner"], ADAPTER)
        base = find("smollm2", models)
        recipe = Recipe(
            minutes=asked.minutes,
            learning_rate=RATE["planner"],
            seed=asked.seed,
            workers=self._threads,
            compiled=False,  # it takes a C++ compiler, which a user may not have
            start=str(begun or find("planner-adapter", models)),
        )
        train(files.train, base, run, recipe)
        merge_in_4_bits(base, run / ADAPTER, run / GGUF)

    def _finish(self, part: Part, run: Path, files: data.Files) -> None:
        """Compare with the version in use, keep the new one, and put it in use if it is better."""
        job = self._job
        self._tell(part, "compare")
        used = self._versions.chosen()[part]
        found = self._compare(part, run, files)
        own = files.own() if part == "toolrag" else []
        counts = {name: len(read_test_set(getattr(files, name))) for name in ("learned", "held")}
        made = self._versions.add(
            Version(
                part,
                job.id,
                datetime.now().isoformat(timespec="seconds"),
                start=job.start[part],
                data={"labels": counts["learned"], "shipped examples": job.asked.rows}
                | ({"own tools": ", ".join(own)} if own else {}),
                metrics=_metrics(found),
            ),
            run,
        )
        promoted = found.better and job.asked.promote
        if promoted:
            self._versions.use(part, made.id, f"retraining: {found.why}", datetime.now())
        result = _as_json(found) | {"version": made.id, "before": used, "promoted": promoted}
        text = json.dumps(result, ensure_ascii=False, indent=1)
        (job.folder / f"result-{part}.json").write_text(text + "\n", encoding="utf-8")

    def _compare(self, part: Part, run: Path, files: data.Files) -> Comparison:
        from tinyagent.planner import load_planner
        from tinyagent.toolrag import load

        old = with_versions(self._own)
        if part == "toolrag":
            new = replace(old, classifier=str(run / GRAPH))
            planner: Planner = load_planner(old)
            planners = (planner, planner)
        else:
            new = replace(old, planner=str(run / GGUF))
            planners = (load_planner(old), load_planner(new))
        tools = files.tools()
        toolrags = (load(old, tools), load(new, tools))
        groups: dict[Group, list[Item]] = {
            "fixed": read_test_set(files.fixed),
            "held": read_test_set(files.held),
            "learned": read_test_set(files.learned)[-_LEARNED:],
        }
        groups = {group: items for group, items in groups.items() if items}
        watch = _Watch(self, 2 * sum(map(len, groups.values())))
        before, after = (
            {
                group: evaluate(items, *models, watch.iterate, tools)
                for group, items in groups.items()
            }
            for models in zip(toolrags, planners, strict=True)
        )
        return compare(before, after)

    def compared(self, share: float, left: float) -> None:
        """So much of the comparison is done; ``left`` are the seconds of the rest."""
        self._tell(self._state.part, "compare", share=share, left=left)

    def _tell(self, part: Part, stage: Stage, **facts: Any) -> None:
        fresh: dict[str, Any] = {"share": 0.0, "left": None}
        self._state = replace(self._state, part=part, stage=stage, **(fresh | facts))
        write_state(self._job.folder, self._state)


class _Watch:
    """Tells how far the comparison is, once a second."""

    def __init__(self, worker: Worker, total: int) -> None:
        self._worker = worker
        self._total = total
        self._done = 0
        self._begun = self._told = time.monotonic()

    def iterate(self, items: Sequence[Item]) -> Iterator[Item]:
        """The items, one after the other."""
        for item in items:
            yield item
            self._done += 1
            now = time.monotonic()
            if now - self._told >= 1:
                self._told = now
                each = (now - self._begun) / self._done
                left = each * (self._total - self._done)
                self._worker.compared(self._done / self._total, left)


def _metrics(found: Comparison) -> dict[str, float]:
    """The new version's shares, by measure and group."""
    return {
        f"{change.measure}, {change.group}": round(change.after / change.of, 4)
        for change in found.changes
        if change.group != "learned"
    }


def _as_json(found: Comparison) -> dict[str, Any]:
    worse = [asdict(change) | {"worse": change.worse} for change in found.changes]
    return asdict(found) | {"changes": worse}


def main(folder: Path) -> int:
    """Do the retraining of ``folder``; the exit status."""
    os.nice(LOW_PRIORITY)
    job = read(folder)
    worker = Worker(job)
    try:
        worker.work()
    except TinyAgentError as error:
        worker.failed(str(error))
        return 1
    except Exception as error:
        traceback.print_exc()
        worker.failed(f"{type(error).__name__}: {error}; {folder / 'log.txt'} says where")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

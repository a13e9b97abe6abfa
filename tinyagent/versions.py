"""Versions of ToolRAG and of the planner: which there are, what each is worth, which is in use.

The shipped ones are in the models folder. Those that were made from a person's labels hold what
that person asked, so they stand beside the trace log, a folder each: ``versions/PART/ID``.
``versions/in-use.json`` names those in use; ``versions/history.jsonl`` says when that changed,
and why. Without the folder, the shipped ones are in use.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from tinyagent.errors import ModelError, SettingsError
from tinyagent.models import read_manifest, sha256_of
from tinyagent.settings import Settings

Part = Literal["toolrag", "planner"]
PARTS: tuple[Part, ...] = get_args(Part)
SHIPPED = "shipped"

GRAPH, CARD = "classifier.onnx", "classifier.json"
ADAPTER, GGUF = "adapter.safetensors", "planner-q4_0.gguf"
TRAINING = "training.json"
"""What an adapter was trained by: its recipe, data and losses."""
FILES: dict[Part, tuple[str, str]] = {"toolrag": (GRAPH, CARD), "planner": (ADAPTER, GGUF)}
"""A version's files: what training made, first, and what else is needed to run it."""

_ENTRIES: dict[Part, str] = {"toolrag": "toolrag-classifier", "planner": "planner-adapter"}
_FACTS = "version.json"


@dataclass(frozen=True)
class Version:
    """One version of one part.

    Attributes:
        part: that it is a version of.
        id: its name.
        made: when, ISO local time; "" where that is not known.
        size: of its files, bytes.
        sha256: of what training made.
        start: the version that training went on from; "" where that is not known.
        data: what it learned from, by name.
        metrics: how good it was found, by name.
    """

    part: Part
    id: str
    made: str = ""
    size: int = 0
    sha256: str = ""
    start: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


class Versions:
    """The versions that the settings' models folder and trace log have."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.traces.absolute().parent / "versions"
        self._models = settings.models

    def all(self, part: Part) -> list[Version]:
        """Every version of a part, the newest first, the shipped one last."""
        facts = sorted((self.folder / part).glob(f"*/{_FACTS}"), reverse=True)
        made = [Version(**json.loads(path.read_text("utf-8"))) for path in facts]
        return [*made, self._shipped(part)]

    def get(self, part: Part, id: str) -> Version:
        """The version of that name.

        Raises:
            SettingsError: there is none.
        """
        for version in self.all(part):
            if version.id == id:
                return version
        names = ", ".join(version.id for version in self.all(part))
        raise SettingsError(f"{part} has no version {id!r}; there are: {names}")

    def chosen(self) -> dict[Part, str]:
        """The names of the versions in use."""
        try:
            named = json.loads((self.folder / "in-use.json").read_text("utf-8"))
        except (OSError, ValueError):
            named = {}
        return {part: str(named.get(part, SHIPPED)) for part in PARTS}

    def in_use(self, part: Part) -> Version:
        """The version in use."""
        return self.get(part, self.chosen()[part])

    def file(self, part: Part, id: str, name: str) -> Path | None:
        """A file of a version; None of the shipped one, whose files the manifest knows.

        Raises:
            ModelError: it is missing, or was cut short.
        """
        if id == SHIPPED:
            return None
        path = self.folder / part / id / name
        sizes = json.loads((path.parent / "sizes.json").read_text("utf-8")) if path.exists() else {}
        if not path.is_file() or path.stat().st_size != sizes.get(name):
            raise ModelError(
                f"{path} is missing or damaged; run: tinyagent models use {part} {SHIPPED}"
            )
        return path

    def add(self, version: Version, run: Path) -> Version:
        """Keep what a training left in ``run`` as a version; it is complete, or not there.

        Returns:
            The version, with its size and hash.
        """
        target = self.folder / version.part / version.id
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        sizes = {}
        for name in FILES[version.part]:
            shutil.copyfile(run / name, part / name)
            sizes[name] = (part / name).stat().st_size
        digest = sha256_of(part / FILES[version.part][0])
        added = replace(version, size=sum(sizes.values()), sha256=digest)
        (part / "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")
        (part / _FACTS).write_text(json.dumps(asdict(added), indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        return added

    def use(self, part: Part, id: str, why: str, at: datetime) -> None:
        """Put a version in use, and write down that it was; the next run takes it.

        Raises:
            SettingsError: there is no such version.
        """
        self.get(part, id)
        before = self.chosen()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        change = {"at": at.isoformat(timespec="seconds"), "part": part, "why": why}
        change |= {"before": before[part], "after": id}
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(change, ensure_ascii=False) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
        written = self.folder / "in-use.part"
        written.write_text(json.dumps(before | {part: id}) + "\n", encoding="utf-8")
        written.replace(self.folder / "in-use.json")

    def history(self) -> list[dict[str, str]]:
        """Every change of what is in use, the newest first."""
        path = self.folder / "history.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in reversed(lines) if line.endswith("}")]

    def _shipped(self, part: Part) -> Version:
        entry = read_manifest(self._models)[_ENTRIES[part]]
        cards: dict[Part, str] = {"toolrag": CARD, "planner": TRAINING}
        path = self._models / part / cards[part]
        card = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        data = {"rows": rows} if (rows := _rows(card)) else {}
        metrics = dict(card.get("validation", {})) | {
            name: card[name] for name in ("loss",) if name in card
        }
        return Version(part, SHIPPED, "", entry.size, entry.sha256, "", data, metrics)


def _rows(card: dict[str, Any]) -> int:
    """Rows that a training was told, and those that it went on from before it."""
    before = card.get("before")
    return int(card.get("data", {}).get("rows", 0)) + (_rows(before) if before else 0)


def with_versions(settings: Settings) -> Settings:
    """The settings with the files of the versions in use, where they name no others."""
    versions = Versions(settings)
    chosen = versions.chosen()
    graph = versions.file("toolrag", chosen["toolrag"], GRAPH)
    planner = versions.file("planner", chosen["planner"], GGUF)
    return replace(
        settings,
        classifier=settings.classifier or str(graph or ""),
        planner=settings.planner or str(planner or ""),
    )


def new_id(at: datetime) -> str:
    """A name for a version or a training that begins now; later ones sort behind."""
    return f"{at:%Y%m%d-%H%M%S}"

"""A retraining as a folder, ``retrain/ID`` beside the trace log, that any process can look at.

The work is done by a process of its own (``retrain.work``), at low priority, that outlives
whoever began it. ``job.json`` says what was asked, ``state.json`` where it stands; the page and
the command line only read these, begin the process, or end it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import psutil  # type: ignore[import-untyped]
from filelock import FileLock

from tinyagent.errors import SettingsError
from tinyagent.retrain.data import labels
from tinyagent.settings import REPOSITORY, Settings, load_settings
from tinyagent.traces.store import TraceStore
from tinyagent.versions import PARTS, Part, Versions, new_id

Status = Literal["running", "done", "failed", "cancelled", "interrupted"]
Stage = Literal["data", "train", "compare", "over"]

_NEEDED = ("torch", "transformers", "onnx", "peft")
_PATIENCE = 10.0
"""Seconds that a cancelled process has to end by itself."""


@dataclass(frozen=True)
class Asked:
    """What a retraining is to do.

    Attributes:
        parts: to retrain, in this order.
        rows: shipped examples that ToolRAG learns from beside the labels.
        fixed: shipped examples that both versions are compared on.
        minutes: computing time of the planner.
        epochs: times that ToolRAG goes through the data.
        promote: a better version is put in use.
        seed: of the shipped examples, and of the order.
    """

    parts: tuple[Part, ...] = ("toolrag",)
    rows: int = 2000
    fixed: int = 120
    minutes: float = 20.0
    epochs: int = 1
    promote: bool = True
    seed: int = 0


@dataclass(frozen=True)
class State:
    """Where a retraining stands.

    Attributes:
        status: "interrupted" where its process is gone though nobody ended it.
        part: that is worked on now.
        stage: of that part.
        share: of the stage that is done, 0 to 1.
        left: seconds that the stage will still take; None where that is not known.
        error: why it failed.
        pid: of the process; ``pid_started`` is when it began, as psutil says it.
        done: parts that are through.
    """

    status: Status = "running"
    part: Part = "toolrag"
    stage: Stage = "data"
    share: float = 0.0
    left: float | None = None
    error: str = ""
    pid: int = 0
    pid_started: float = 0.0
    done: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Job:
    """A retraining.

    Attributes:
        folder: all that it has and makes.
        asked: what it is to do.
        settings: it works with.
        begun: ISO local time of its first start.
        start: the versions that it goes on from.
    """

    folder: Path
    asked: Asked
    settings: Settings
    begun: str
    start: Mapping[Part, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def state(self) -> State:
        """Where it stands now."""
        state = _read_state(self.folder)
        if state.status == "running" and not _lives(state):
            return replace(state, status="interrupted")
        return state

    def result(self, part: Part) -> dict[str, Any] | None:
        """What a part came to: the comparison and the version; None before that."""
        path = self.folder / f"result-{part}.json"
        return json.loads(path.read_text("utf-8")) if path.is_file() else None


def begin(settings: Settings, asked: Asked) -> Job:
    """Begin a retraining; its process runs when this returns.

    Raises:
        SettingsError: another one runs, there is no label to learn from, or what
            only training needs is not installed.
        TraceError: there is no trace log.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"{missing[0]} is not installed, and training needs it; run: make setup EXTRAS=training"
        )
    found = labels(TraceStore.open(settings.traces))
    if not found.learned:
        raise SettingsError(
            "there is no labelled run with a right plan to learn from; label some on the Traces "
            "page, or with: tinyagent traces label"
        )
    root = _root(settings)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.now()
    with FileLock(root / ".lock"):
        _require_none_running(settings)
        job = Job(
            root / new_id(now),
            asked,
            _absolute(settings),
            now.isoformat(timespec="seconds"),
            Versions(settings).chosen(),
        )
        job.folder.mkdir(mode=0o700)
        _write(job.folder / "job.json", _as_json(job))
        _launch(job)
    return job


def resume(job: Job) -> None:
    """Go on with a retraining that was cancelled, interrupted, or failed.

    Raises:
        SettingsError: it is done, or another one runs.
    """
    if job.state.status == "done":
        raise SettingsError(f"retraining {job.id} is done; begin a new one")
    with FileLock(_root(job.settings) / ".lock"):
        _require_none_running(job.settings)
        _launch(job)


def cancel(job: Job) -> None:
    """End the process of a retraining; what it had done stays, for ``resume`` to go on from."""
    state = job.state
    if state.status != "running":
        return
    _end(state)
    left = _read_state(job.folder)
    if left.status == "running":  # else it was through before it heard of it
        write_state(job.folder, replace(left, status="cancelled", left=None))


def jobs(settings: Settings) -> list[Job]:
    """All retrainings, the newest first."""
    return [_read(path) for path in sorted(_root(settings).glob("*/job.json"), reverse=True)]


def read(folder: Path) -> Job:
    """The retraining of a folder."""
    return _read(folder / "job.json")


def write_state(folder: Path, state: State) -> None:
    """Write where a retraining stands, in one step."""
    _write(folder / "state.json", asdict(state))


def this_process() -> dict[str, Any]:
    """The fields of ``State`` that name the running process."""
    process = psutil.Process()
    return {"pid": process.pid, "pid_started": process.create_time()}


def _launch(job: Job) -> None:
    """Start the process, in a session of its own: ending the app does not end it."""
    before = _read_state(job.folder)
    with (job.folder / "log.txt").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tinyagent.retrain.work", str(job.folder)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    started = psutil.Process(process.pid).create_time()
    write_state(
        job.folder,
        State(part=job.asked.parts[0], pid=process.pid, pid_started=started, done=before.done),
    )
    # So that its end is noticed: a process that nobody waits for stays in the table.
    threading.Thread(target=process.wait, daemon=True).start()


def _end(state: State) -> None:
    """End the process and those that it began."""
    try:
        os.killpg(state.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    until = time.monotonic() + _PATIENCE
    while _lives(state) and time.monotonic() < until:
        time.sleep(0.05)
    if _lives(state):
        os.killpg(state.pid, signal.SIGKILL)


def _lives(state: State) -> bool:
    try:
        process = psutil.Process(state.pid)
        same = abs(process.create_time() - state.pid_started) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _require_none_running(settings: Settings) -> None:
    for other in jobs(settings):
        if other.state.status == "running":
            raise SettingsError(f"retraining {other.id} is running; wait for it, or cancel it")


def _root(settings: Settings) -> Path:
    return settings.traces.absolute().parent / "retrain"


def _absolute(settings: Settings) -> Settings:
    """The same settings for a process that runs in another folder."""
    paths = {name: v for name, v in vars(settings).items() if isinstance(v, Path)}
    absolute: dict[str, Any] = {name: path.absolute() for name, path in paths.items()}
    return replace(settings, **absolute)


def _as_json(job: Job) -> dict[str, Any]:
    settings = {
        name: str(v) if isinstance(v, Path) else v for name, v in asdict(job.settings).items()
    }
    return {
        "asked": asdict(job.asked),
        "settings": settings,
        "begun": job.begun,
        "start": dict(job.start),
    }


def _read(path: Path) -> Job:
    told = json.loads(path.read_text("utf-8"))
    asked = told["asked"] | {"parts": tuple(p for p in PARTS if p in told["asked"]["parts"])}
    settings = load_settings(**told["settings"])
    return Job(path.parent, Asked(**asked), settings, told["begun"], told["start"])


def _read_state(folder: Path) -> State:
    try:
        told = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return State(status="interrupted")
    return State(**told | {"done": tuple(told["done"])})


def _write(path: Path, told: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)

"""With the default settings nothing is asked of another computer: each socket is watched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).parent.parent
PATIENCE = 240.0
"""Seconds until something must have happened: a busy machine is no failure."""
WATCH = """
import sys

ASKING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


def hook(event, arguments):
    if event in ASKING:
        told = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        with open(%r, "a") as log:
            log.write(f"{event} {told}\\n")


sys.addaudithook(hook)
"""
OWN = ("127.0.0.1", "localhost", "::1")


class Watched:
    """A process of TinyAgent whose sockets are watched: by Python's own audit, and from outside."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._log = folder / "sockets.log"
        (folder / "sitecustomize.py").write_text(WATCH % str(self._log))
        self._log.touch()
        self.output = folder / "output.log"
        environment = os.environ | {"PYTHONPATH": str(folder)}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        self.seen: set[str] = set()

    def look(self) -> None:
        """Whom it is connected to now, libraries that are not Python included."""
        try:
            watched = psutil.Process(self.process.pid)
            for one in [watched, *watched.children(recursive=True)]:
                for connection in one.net_connections("inet"):
                    if connection.raddr:
                        self.seen.add(connection.raddr.ip)
        except psutil.Error:
            pass  # it has ended

    def strangers(self) -> list[str]:
        """All that was asked of anybody but this computer."""
        asked = [line for line in self._log.read_text().splitlines() if line]
        far = [line for line in asked if not any(own in line for own in OWN)]
        return far + sorted(self.seen - {"127.0.0.1", "::1"})


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return ["--backend", "workspace", "--workspace", str(tmp_path / "workspace")]


def test_a_request_on_the_command_line_asks_nobody(
    tmp_path: Path, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "from tinyagent.commands.cli import app; app()"
    request = "Add oat milk to my Groceries note"
    # Relative paths of the settings would be those of the repository.
    settings = tmp_path / "settings.toml"
    settings.write_text(f'traces = "{tmp_path / "traces" / "traces.db"}"\n')
    monkeypatch.setenv("TINYAGENT_SETTINGS", str(settings))
    watched = Watched(tmp_path, "-c", script, "ask", request, "--approve", "all", *places)
    end = time.monotonic() + PATIENCE
    while watched.process.poll() is None and time.monotonic() < end:
        watched.look()
        time.sleep(0.1)
    assert watched.process.wait(10) == 0, watched.output.read_text()
    assert "oat milk" in next(tmp_path.glob("workspace/notes/**/Groceries.md")).read_text()
    assert watched.strangers() == []


def test_serving_the_page_asks_nobody(tmp_path: Path, places: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    traces = ["--traces", str(tmp_path / "traces" / "traces.db")]
    watched = Watched(tmp_path, "app.py", "--port", str(port), *places, *traces)
    try:
        end = time.monotonic() + PATIENCE
        page = b""
        while not page and watched.process.poll() is None and time.monotonic() < end:
            watched.look()
            try:
                with urlopen(f"http://127.0.0.1:{port}", timeout=5) as answer:
                    page = answer.read()
            except OSError:
                time.sleep(0.2)
        assert b"TinyAgent" in page, watched.output.read_text()
        for _ in range(10):
            watched.look()
            time.sleep(0.1)
    finally:
        watched.process.terminate()
        watched.process.wait(PATIENCE)
    assert watched.strangers() == []
    listening = [line for line in watched.output.read_text().splitlines() if "http://" in line]
    assert listening == [f"TinyAgent is at http://127.0.0.1:{port} (Ctrl-C ends it)"]

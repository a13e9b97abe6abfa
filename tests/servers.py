"""Real servers of models on loopback, as processes of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen


class Served:
    """``llama_cpp.server`` in a process: its URL, and what it has logged."""

    def __init__(self, model: Path, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        command += ["--n_ctx", "2048", "--chat_format", "chatml"]
        # More threads than idle cores make it many times slower, not faster.
        command += ["--n_threads", "1", "--n_threads_batch", "1"]
        self.url = f"http://127.0.0.1:{port}/v1"
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(300):
            try:
                urlopen(f"{self.url}/models", timeout=1).close()
                return
            except (URLError, OSError):
                assert self._process.poll() is None, self._log.read_text("utf-8", "replace")
                time.sleep(0.2)

    def end(self) -> None:
        """At once, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait(30)

    def end_after_an_answer(self) -> None:
        """Once it has written a completion; this returns at once."""

        def watch() -> None:
            while self._process.poll() is None:
                log = self._log.read_text("utf-8", "replace")
                if any("POST" in line and " 200" in line for line in log.splitlines()):
                    return self.end()
                time.sleep(0.02)

        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def llama_cpp_servers(model: Path, count: int = 1) -> Iterator[list[Served]]:
    """Servers with a GGUF file, which answer."""
    with tempfile.TemporaryDirectory() as folder:
        servers = [Served(model, Path(folder) / f"{n}.log") for n in range(count)]
        try:
            for server in servers:
                server.wait()
            yield servers
        finally:
            for server in servers:
                server.end()

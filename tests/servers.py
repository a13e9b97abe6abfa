"""Real servers of models on loopback, as processes of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen


@contextmanager
def llama_cpp_server(model: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """``llama_cpp.server`` with a GGUF file: its URL, once it answers, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--n_ctx", "2048"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--chat_format", "chatml"]
    # More threads than idle cores make it many times slower, not faster.
    command += ["--n_threads", "1", "--n_threads_batch", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(300):
            try:
                urlopen(f"{url}/models", timeout=1).close()
                break
            except (URLError, OSError):
                assert process.poll() is None, "llama_cpp.server ended"
                time.sleep(0.2)
        yield url, process
    finally:
        process.kill()
        process.wait(30)

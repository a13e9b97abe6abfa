"""A stand-in for the Hugging Face hub on this machine: one folder as every model's repository."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """What it was asked for is in ``asked``; half of a large file waits for ``go``."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.asked: list[str] = []
        self.go = threading.Event()
        self.go.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        files = sorted(self.server.folder.iterdir())
        if match := re.fullmatch(r"/api/models/(.+)/revision/main", path):
            siblings = [{"rfilename": file.name} for file in files]
            self._json({"id": match[1], "sha": COMMIT, "siblings": siblings})
        elif re.fullmatch(rf"/api/models/.+/tree/{COMMIT}", path):
            self._json(
                [
                    {
                        "type": "file",
                        "path": file.name,
                        "size": file.stat().st_size,
                        "oid": _oid(file),
                    }
                    for file in files
                ]
            )
        elif match := re.fullmatch(rf"/.+/resolve/{COMMIT}/([^/]+)", path):
            self._file(self.server.folder / match[1])
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def _json(self, answer: object) -> None:
        self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _file(self, file: Path) -> None:
        if not file.is_file():
            self.send_error(404)
            return
        self._send(file.read_bytes(), {"ETag": f'"{_oid(file)}"', "X-Repo-Commit": COMMIT})

    def _send(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(body) // 2
        self.wfile.write(body[:half])
        if half > 1_000_000:
            self.server.go.wait(60)
        self.wfile.write(body[half:])


def _oid(file: Path) -> str:
    return hashlib.sha1(f"{file.name} {file.stat().st_size}".encode()).hexdigest()


@contextmanager
def served(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub that this process asks; what is fetched lies in ``cache``, until the end."""
    hub = Hub(folder)
    thread = threading.Thread(target=hub.serve_forever)
    thread.start()
    # They are set by the environment when the library is loaded, and it may be loaded already.
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    files = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    try:
        yield hub
    finally:
        hub.go.set()
        hub.shutdown()
        hub.server_close()
        thread.join()
        shutil.rmtree(cache, ignore_errors=True)

"""Data from an endpoint: a real local server, and one that answers what a big model would."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from keyring.backend import KeyringBackend
from typer.testing import CliRunner, Result

from tests.servers import llama_cpp_servers
from tinyagent.commands.cli import app
from tinyagent.models import find
from tinyagent.settings import Settings


def write(out: Path, url: str, *options: str) -> Result:
    command = ["data", "write", str(out), "--endpoint", url, "--model", "m", *options]
    return CliRunner().invoke(app, command)


@pytest.fixture(scope="module")
def local_server() -> Iterator[str]:
    """llama_cpp.server with the small base model."""
    with llama_cpp_servers(find("base-q4_0", Settings().models)) as (server,):
        yield server.url


def test_a_small_model_is_mostly_refused_and_every_refusal_counted(
    local_server: str, tmp_path: Path
) -> None:
    out = tmp_path / "rows.jsonl"
    result = write(out, local_server, "--count", "3", "--most", "3", "--concurrency", "1")
    assert result.exit_code == 0, result.output
    kept = len(out.read_text("utf-8").splitlines())
    refused = sum(int(line.split()[1][:-1]) for line in result.stdout.splitlines()
                  if line.startswith("  refused"))  # fmt: skip
    assert kept + refused == 3
    assert kept <= 1
    assert int(result.stdout.splitlines()[-1].split()[0]) > 100  # tokens of the prompts


GOOD = {
    "request": "Give me the number of aunt {n}",
    "plan": '1. get_phone_number("aunt {n}")\n2. join()',
}


class BigModel(BaseHTTPRequestHandler):
    """Answers with a right row where one look-up is asked for, else with a wrong one."""

    keys: ClassVar[set[str | None]] = set()
    names = (sha256(bytes([i % 256, i // 256])).hexdigest()[:20] for i in range(9000))
    busy = 2

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        BigModel.keys.add(self.headers["Authorization"])
        asked = body["messages"][1]["content"].partition("Examples")[0]
        name = next(self.names)
        text = json.dumps({k: v.replace("{n}", name) for k, v in GOOD.items()})
        if "get_phone_number" not in asked or asked.count("\n- ") != 1:
            text = "Sure! Here is one: " + text.replace("aunt", "uncle", 1)
        status = 200
        if BigModel.busy:
            BigModel.busy -= 1
            status = 503
        answer = {
            "choices": [{"message": {"content": text}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def big_model() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BigModel)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_right_rows_are_kept_counted_and_added_to_at_the_next_start(
    big_model: str, tmp_path: Path, keychain: KeyringBackend
) -> None:
    keychain.set_password("tinyagent", "BIG_KEY", "sk-4711")
    out = tmp_path / "rows.jsonl"
    options = ["--most", "3000", "--prompt-price", "10", "--concurrency", "4", "--key", "BIG_KEY"]
    first = write(out, big_model, "--count", "2", *options)
    assert first.exit_code == 0, first.output
    rows = [json.loads(line) for line in out.open(encoding="utf-8")]
    assert len(rows) == 2
    assert rows[0]["tools"] == ["get_phone_number"]
    assert rows[0]["pattern"].startswith("endpoint:m:")
    assert len({row["pattern"] for row in rows}) == len(rows)
    assert "other tools than those that were asked for" in first.stdout
    again = write(out, big_model, "--count", "4", *options)
    assert again.exit_code == 0, again.output
    lines = out.read_text("utf-8").splitlines()
    assert [json.loads(x) for x in lines[:2]] == rows
    assert len({json.loads(x)["request"] for x in lines}) == 4
    tokens = [int(run.stdout.splitlines()[-1].split()[0]) for run in (first, again)]
    assert tokens[1] > tokens[0]  # what the first start cost is counted with the second's
    assert BigModel.keys == {"Bearer sk-4711"}
    sizes = ["--train", "20", "--validation", "1", "--test", "1"]
    command = ["data", "generate", str(tmp_path / "data"), *sizes, "--with", str(out)]
    assert CliRunner().invoke(app, command).exit_code == 0
    told = (tmp_path / "data" / "train.jsonl").read_text("utf-8").splitlines()
    assert len(told) == 24
    assert set(lines) < set(told)
    assert told[-4:] != lines  # mixed in
    out.write_text(lines[0] + '\n{"request": "Text Sid"}\n', "utf-8")
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "rows.jsonl, line 2: no row of `tinyagent data write`" in refused.stderr
    assert "sk-4711" not in out.read_text("utf-8") + first.output + again.output


def test_an_endpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = write(tmp_path / "rows.jsonl", f"http://127.0.0.1:{port}/v1", "--count", "1")
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "is not there; start it, or check the address" in result.stderr


def test_a_key_is_named_and_never_given_itself(tmp_path: Path, keychain: KeyringBackend) -> None:
    out, url = tmp_path / "rows.jsonl", "http://127.0.0.1:1/v1"
    missing = write(out, url, "--key", "NO_SUCH_KEY")
    assert missing.exit_code == 2
    assert "run `keyring set tinyagent NO_SUCH_KEY`" in missing.stderr
    given = write(out, url, "--key", "sk-very-secret-4711")
    assert given.exit_code == 2
    assert "not the key itself" in given.stderr
    assert "4711" not in given.output

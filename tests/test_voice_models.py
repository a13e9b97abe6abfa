"""Speech models by name: fetched once from a hub, with a progress bar; a stand-in is the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.conftest import MakeAgent
from tests.hub import Hub, served
from tests.speech import say
from tests.test_voice import STATION, letters, pieces
from tinyagent.commands.cli import app
from tinyagent.errors import ModelError
from tinyagent.settings import Settings
from tinyagent.voice.audio import RATE, read_audio
from tinyagent.voice.hub import repository
from tinyagent.voice.model import load_model, model_folder
from ui.voice import Voice


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on which every model is the shipped one."""
    with served(model_folder(Settings()), tmp_path / "hub", monkeypatch) as hub:
        yield hub


def test_models_have_the_names_that_people_know() -> None:
    for name in ("base.en", "small", "large-v3"):
        assert repository(name) == f"Systran/faster-whisper-{name}"
    assert repository("distil-large-v3") == "Systran/faster-distil-whisper-large-v3"
    assert str(repository("large-v3-turbo")).endswith("/faster-whisper-large-v3-turbo")
    assert repository("somebody/my-whisper") == "somebody/my-whisper"
    for name in ("huge", "", "./whisper", "~/whisper", "/models/whisper", "a/b/c"):
        assert repository(name) is None


def test_a_model_is_fetched_once_with_a_bar(
    hub: Hub, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'voice = "base.en"\nbackend = "workspace"\nworkspace = "{tmp_path / "none"}"')
    monkeypatch.setenv("TINYAGENT_SETTINGS", str(file))
    spoken = say(STATION, tmp_path / "a.wav")
    terminal = {"TTY_COMPATIBLE": "1", "COLUMNS": "120"}
    arguments = ["transcribe", str(spoken), "--json"]

    first = CliRunner().invoke(app, arguments, env=terminal)
    assert first.exit_code == 0, first.stderr
    assert "Fetching the speech model base.en" in first.stderr
    assert letters(json.loads(first.stdout)[0]["text"]) == letters(STATION)
    assert any("Systran/faster-whisper-base.en" in path for path in hub.asked)

    hub.asked.clear()
    again = CliRunner().invoke(app, arguments, env=terminal)
    assert again.exit_code == 0, again.stderr
    assert "Fetching" not in again.stderr
    assert hub.asked == []


def test_the_page_tells_how_far_it_is_and_loses_no_word(
    hub: Hub, make_agent: MakeAgent, tmp_path: Path
) -> None:
    voice = Voice(make_agent({}, voice="base.en"))
    samples = read_audio(say(STATION, tmp_path / "a.wav"))
    hub.go.clear()
    page = Starlette(routes=[WebSocketRoute("/voice", voice.microphone)])
    with TestClient(page).websocket_connect("/voice") as socket:
        socket.send_json({"rate": RATE})
        for piece in pieces(samples):
            socket.send_bytes(piece)
        socket.send_json({"end": True})
        told = socket.receive_json()
        assert told["doing"].startswith("Fetching the speech model base.en: ")
        hub.go.set()
        while "heard" not in told:
            told = socket.receive_json()
            assert "error" not in told
    assert letters(voice.take(told["heard"]).transcript.text) == letters(STATION)
    assert voice.doing == ""


def test_a_hub_that_does_not_have_it_is_said(hub: Hub, tmp_path: Path) -> None:
    hub.folder = tmp_path / "empty"
    hub.folder.mkdir()
    with pytest.raises(ModelError, match="CTranslate2|cannot be fetched"):
        load_model(Settings(voice="somebody/nothing"))
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelError, match="cannot be fetched from the hub .* connected"):
        load_model(Settings(voice="small"))

"""The route that the page's microphone speaks to, as the browser does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from tests.conftest import MakeAgent
from tests.speech import say, with_silence
from tests.test_voice import letters, pieces
from tinyagent.errors import AudioError
from tinyagent.voice.audio import RATE, Samples, read_audio
from tinyagent.voice.dictation import LONGEST
from tinyagent.voice.transcriber import Change, Transcript
from ui.server import HOST, guards
from ui.voice import Heard, Voice, marks, without

STATION = "Show me the way on foot to the train station"
PAGE = {"Host": HOST, "Origin": f"http://{HOST}"}


@pytest.fixture
def voice(make_agent: MakeAgent) -> Voice:
    return Voice(make_agent({}))


def speak(
    voice: Voice,
    samples: Samples,
    *,
    ends: bool = True,
    headers: dict[str, str] = PAGE,
    seconds: float = 0.25,
) -> list[dict[str, Any]]:
    """Say it in pieces of some seconds; every message that comes back.

    ``ends``: stop then, and not where told to.
    """
    app = Starlette(routes=[WebSocketRoute("/voice", voice.microphone)], middleware=guards())
    told = []
    with TestClient(app).websocket_connect("/voice", headers=headers) as socket:
        socket.send_json({"rate": RATE})
        for piece in pieces(samples, seconds):
            socket.send_bytes(piece)
        if ends:
            socket.send_json({"end": True})
        while True:
            told.append(socket.receive_json())
            if "over" in told[-1]:
                socket.send_json({"end": True})
            if {"heard", "error"} & set(told[-1]):
                return told


def test_what_is_said_is_heard_once(voice: Voice, tmp_path: Path) -> None:
    samples = read_audio(with_silence(say(STATION, tmp_path / "a.wav")))
    token = speak(voice, samples)[-1]["heard"]
    heard = voice.take(token)
    assert letters(heard.transcript.text) == letters(STATION)
    assert heard.samples.size == pytest.approx(samples.size, abs=0.01 * RATE)
    with pytest.raises(AudioError, match="not there any more"):
        voice.take(token)


def test_words_come_while_one_speaks(voice: Voice, tmp_path: Path) -> None:
    samples = read_audio(with_silence(say(STATION, tmp_path / "a.wav")))
    quiet = np.zeros(RATE, np.float32)
    messages = speak_slowly(voice, [samples[: 2 * RATE], samples[2 * RATE :], quiet])
    words = [letters(m["partial"]) for m in messages if "partial" in m]
    assert "show me" in words[0]
    assert "station" not in words[0]
    assert "station" in words[-1]


def speak_slowly(voice: Voice, parts: list[Samples]) -> list[dict[str, Any]]:
    """Say a part, wait for the words so far, say the next."""
    app = Starlette(routes=[WebSocketRoute("/voice", voice.microphone)])
    told = []
    with TestClient(app).websocket_connect("/voice") as socket:
        socket.send_json({"rate": RATE})
        for part in parts[:-1]:
            socket.send_bytes(b"".join(pieces(part)))
            told.append(socket.receive_json())
        socket.send_bytes(b"".join(pieces(parts[-1])))
        socket.send_json({"end": True})
        while "heard" not in told[-1]:
            told.append(socket.receive_json())
    return told


def test_hands_free_is_told_when_to_end(make_agent: MakeAgent, tmp_path: Path) -> None:
    voice = Voice(make_agent({}, hands_free=True))
    samples = read_audio(with_silence(say(STATION, tmp_path / "a.wav"), 0.5, 3.0))
    told = speak(voice, samples, ends=False)
    assert {"over": True} in told
    assert letters(voice.take(told[-1]["heard"]).transcript.text) == letters(STATION)


def test_after_ten_minutes_it_ends_by_itself_and_says_why(voice: Voice, tmp_path: Path) -> None:
    """Whatever still comes then: a browser that does not listen fills no memory."""
    spoken = read_audio(say(STATION, tmp_path / "a.wav"))
    quiet = np.zeros(2 * int(LONGEST) * RATE, np.float32)
    told = speak(voice, np.concatenate([spoken, quiet]), ends=False, seconds=10.0)
    (over,) = [message for message in told if "over" in message]
    assert "ends after 10 minutes" in over["note"]
    heard = voice.take(told[-1]["heard"])
    assert letters(heard.transcript.text) == letters(STATION)
    assert LONGEST <= heard.samples.size / RATE < LONGEST + 10.1


def test_what_cannot_be_heard_is_said(voice: Voice) -> None:
    silence = speak(voice, np.zeros(2 * RATE, np.float32))
    assert "nobody speaks" in silence[-1]["error"]
    noise = np.random.default_rng(0).normal(0, 0.05, 2 * RATE).astype(np.float32)
    assert "nobody speaks" in speak(voice, noise)[-1]["error"]
    assert "nobody speaks" in speak(voice, np.zeros(0, np.float32))[-1]["error"]
    app = Starlette(routes=[WebSocketRoute("/voice", voice.microphone)])
    for first in ({"rate": 3}, {"rate": "fast"}, {}, []):
        with TestClient(app).websocket_connect("/voice") as socket:
            socket.send_json(first)
            assert "cannot be read" in socket.receive_json()["error"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_another_page_hears_nothing(voice: Voice, headers: dict[str, str]) -> None:
    app = Starlette(routes=[WebSocketRoute("/voice", voice.microphone)], middleware=guards())
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        TestClient(app).websocket_connect("/voice", headers=PAGE | headers),
    ):
        pass
    assert refused.value.status_code == (403 if "Origin" in headers else 400)


def test_a_name_is_taken_back_once(voice: Voice) -> None:
    said = Transcript(
        "Text Novak and Lutfi",
        (),
        (
            Change(5, "Noverk", "Novak", "contacts", 1.0),
            Change(15, "<let fit>", "Lutfi", "contacts", 1.0),
        ),
        1.0,
        0.1,
    )
    heard = Heard(np.zeros(0, np.float32), said)
    assert marks(heard).count("data-take-back") == 2
    assert "<let fit>" not in marks(heard)
    left, text = without(heard, 0, "Please text Novak and Lutfi")
    assert text == "Please text Noverk and Lutfi"
    assert marks(left).count("data-take-back") == 1
    assert 'data-take-back="1"' in marks(left)
    left, text = without(left, 1, text)
    assert text == "Please text Noverk and <let fit>"
    assert marks(left) == ""

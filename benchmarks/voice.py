"""Speech: how long does writing it down take, and when do the first words stand on the page?

    .venv/bin/python benchmarks/voice.py [--requests 24] [--cores 2] [--model NAME] [--only-looks]

Requests of ``tests/sets/spoken.jsonl`` are spoken by espeak-ng. First each is
written down as a file is: seconds of work for a second of speech. Then each is
said to the served page, as its microphone does: pieces of a tenth of a second,
when they would come, over the page's own websocket. What must hold for tiny.en
on two cores: a real-time factor of at most 0.35, first words within 1.5 s of
the first sound, words at least every second while somebody speaks. Times need a
quiet machine; how much sound each look at a long recording hears does not.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from websockets.sync.client import connect

from tinyagent.agent import TinyAgent
from tinyagent.evaluation.sets import read_test_set
from tinyagent.evaluation.voice import names_of
from tinyagent.markdown import table
from tinyagent.settings import Settings, load_settings
from tinyagent.voice.audio import RATE, Samples, read_audio
from tinyagent.voice.dictation import Dictation
from tinyagent.voice.espeak import VOICES, speak
from tinyagent.voice.listener import Listener
from tinyagent.voice.transcriber import Word
from ui.page import launch

SET = Path(__file__).parent.parent / "tests" / "sets" / "spoken.jsonl"
PIECE = RATE // 10
"""Samples that the page's microphone sends at a time."""
SILENCE = 0.5
"""Seconds before and after what is said."""
SOUND = 0.02
"""How loud speech is at least, of 1."""
PAUSE = 0.3
"""Seconds of less sound in which nobody speaks."""
LOOK = 0.5
"""Seconds of new sound between two looks that are counted."""
LONG = 6
"""Requests of a recording that is longer than what one look hears."""


@dataclass(frozen=True)
class Said:
    """One recording that was said to the page; all in seconds.

    Attributes:
        first: from the first sound to the first words.
        gaps: between words so far, from the first sound to the last, less the pauses.
        end: from the end of the recording to all its words.
    """

    first: float
    gaps: tuple[float, ...]
    end: float


class Counting(Listener):
    """Keeps how many seconds of sound each look gives to the model."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, dict)
        self.heard: list[float] = []

    def partial(self, samples: Samples, before: str = "", begun: str = "") -> list[Word]:
        """As the listener's; counted."""
        self.heard[-1] += samples.size / RATE
        return super().partial(samples, before, begun)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=24, help="requests that are spoken")
    parser.add_argument("--cores", type=int, default=2, help="cores to run on (Linux)")
    parser.add_argument("--model", default="tiny.en", help="the speech model")
    parser.add_argument("--only-looks", action="store_true", help="measure no time")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    items = read_test_set(SET)[: given.requests]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = replace(
            load_settings(voice=given.model, threads=given.cores),
            backend="workspace",
            workspace=folder / "workspace",
            traces=folder / "traces.db",
        )
        spoken = [
            with_silence(read_audio(speak(item.query, folder / "said.wav", voice)))
            for item, voice in zip(items, VOICES * len(items), strict=False)
        ]
        long = {
            "with pauses": np.concatenate(spoken[:LONG]),
            "without a pause": np.concatenate([breathless(samples) for samples in spoken[:LONG]]),
        }
        print(f"Whisper {given.model}, {given.cores} cores; load {os.getloadavg()[0]:.1f}\n")
        spreads = ("median", "90%", "worst")
        print(table(("sound that one look hears", *spreads), looks(settings, long)))
        if not given.only_looks:
            rows = files(settings, spoken, names_of(items))
            print(f"\n{table(('a file', 'real-time factor'), rows)}")
            print(f"\n{table(('to the page', *spreads), page(settings, spoken, long))}")


def looks(settings: Settings, long: dict[str, Samples]) -> list[tuple[str, ...]]:
    """Seconds of sound that are given to the model for the words so far of long recordings."""
    rows = []
    for label, samples in long.items():
        listener = Counting(settings)
        dictation = Dictation(listener, RATE, hands_free=False)
        whole = (samples * 32767).astype("<i2")
        for piece in np.array_split(whole, int(samples.size / RATE / LOOK)):
            dictation.add(piece.tobytes())
            listener.heard.append(0.0)
            dictation.partial()
        rows.append((f"{samples.size / RATE:.0f} s {label}, s", *spread(listener.heard)))
    return rows


def files(
    settings: Settings, spoken: Sequence[Samples], names: dict[str, list[str]]
) -> list[tuple[str, str]]:
    """Real-time factors without known names, and with those of the set."""
    rows = []
    for label, known in (("without known names", {}), ("with the names of the set", names)):
        listener = Listener(settings, known.copy)
        listener.transcribe(spoken[0])
        done = [listener.transcribe(samples) for samples in spoken]
        factor = sum(d.seconds for d in done) / sum(d.audio_seconds for d in done)
        rows.append((label, f"{factor:.2f}"))
    return rows


def page(
    settings: Settings, spoken: Sequence[Samples], long: dict[str, Samples]
) -> list[tuple[str, ...]]:
    """How long one waits for words on the page."""
    with served(settings) as url:
        cold = say(url, spoken[0])
        warm = [say(url, samples) for samples in spoken]
        gaps = {label: say(url, samples).gaps for label, samples in long.items()}
    return [
        ("first words, when nothing was said before, s", *spread([cold.first])),
        ("first words, s", *spread([said.first for said in warm])),
        ("between words, s", *spread([gap for said in warm for gap in said.gaps])),
        *(
            (f"between words of a long recording {label}, s", *spread(gaps[label]))
            for label in gaps
        ),
        ("all words after the end, s", *spread([said.end for said in warm])),
    ]


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The page, served as ``app.py`` does; the URL of its microphone's route."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TinyAgent.open(settings) as agent:
        blocks = launch(agent, port)
        try:
            yield f"ws://127.0.0.1:{port}/voice"
        finally:
            blocks.close(verbose=False)


def say(url: str, samples: Samples) -> Said:
    """Say a recording to the page, as fast as one speaks."""
    whole = (samples * 32767).astype("<i2")
    loud = np.flatnonzero(np.abs(samples) > SOUND) / RATE
    began, ended = loud[0], loud[-1]
    heard: list[tuple[float, dict[str, str]]] = []
    with connect(url, origin=url.replace("ws:", "http:").removesuffix("/voice")) as page:
        page.send(json.dumps({"rate": RATE}))
        start = time.perf_counter()

        def listen() -> None:
            for message in page:
                heard.append((time.perf_counter() - start, json.loads(message)))

        listening = threading.Thread(target=listen)
        listening.start()
        for at in range(0, len(whole), PIECE):
            time.sleep(max(0.0, start + (at + PIECE) / RATE - time.perf_counter()))
            page.send(whole[at : at + PIECE].tobytes())
        page.send(json.dumps({"end": True}))
        end = time.perf_counter() - start
        listening.join()
    last, message = heard[-1]
    if "heard" not in message:
        raise SystemExit(f"the page said {message}")
    words = [at for at, message in heard if "partial" in message]
    spoken = [at for at in words if at <= ended] or words[:1] or [last]
    silent = [(a, b) for a, b in pairwise(loud) if b - a > PAUSE]
    gaps = [
        b - a - sum(max(0.0, min(b, over) - max(a, since)) for since, over in silent)
        for a, b in pairwise([*spoken, max(ended, spoken[-1])])
    ]
    return Said(spoken[0] - began, tuple(gaps), last - end)


def with_silence(samples: Samples) -> Samples:
    """As where a button is pressed before and after."""
    quiet = np.zeros(int(SILENCE * RATE), np.float32)
    return np.concatenate([quiet, samples, quiet])


def breathless(samples: Samples) -> Samples:
    """Without the silence around what is said."""
    loud = np.flatnonzero(np.abs(samples) > SOUND)
    return samples[loud[0] : loud[-1]]


def spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Median, 90th percentile and the worst."""
    most = quantiles(values, n=10)[-1] if len(values) > 1 else values[0]
    return f"{median(values):.2f}", f"{most:.2f}", f"{max(values):.2f}"


if __name__ == "__main__":
    main()

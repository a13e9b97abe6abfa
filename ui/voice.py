"""The page's ear: the route that its microphone speaks to, and what was heard.

The browser sends ``{"rate": 48000}``, then sound as it comes (whole numbers of 16 bits,
mono), then ``{"end": true}``. It is told ``{"partial": "the words so far"}`` while it sends,
``{"over": true}`` where the recording should end by itself (and in ``note`` why, unless that is
wanted), ``{"doing": "…"}`` where something takes long, and at last ``{"heard": token}`` or
``{"error": "…"}``. A websocket keeps the pieces in order and loses none: Gradio's own
stream drops those that are under way when the recording is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from tinyagent.agent import TinyAgent
from tinyagent.errors import AudioError, TinyAgentError
from tinyagent.voice.audio import Samples
from tinyagent.voice.dictation import LONGEST, Dictation
from tinyagent.voice.listener import Listener
from tinyagent.voice.recordings import keep
from tinyagent.voice.transcriber import WRITING, Change, Transcript, take_back
from ui.icons import icon

T = TypeVar("T")
STEP = 0.4
"""Seconds of new sound that are worth another look at the words so far."""
_KEPT = 8
"""Recordings that wait for the page to fetch them; it does so at once."""
_UNREAD = "The microphone's sound cannot be read. Press Speak again, or choose a file."
_FULL = (
    f"A recording ends after {LONGEST / 60:.0f} minutes. What you said until then is written down."
)


@dataclass(frozen=True)
class Heard:
    """A recording, what was understood, and which changed names the person took back."""

    samples: Samples
    transcript: Transcript
    taken_back: frozenset[Change] = field(default_factory=frozenset)


class Voice:
    """Hears what is said to the page of one agent.

    Attributes:
        doing: what takes long just now, and how far it is; "" where nothing does.
    """

    def __init__(self, agent: TinyAgent) -> None:
        self.doing = ""
        self._settings = agent.settings
        self._listener = Listener(agent.settings, agent.names, self._progress)
        self._waiting: OrderedDict[str, Heard] = OrderedDict()

    async def microphone(self, socket: WebSocket) -> None:
        """Take down one recording."""
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            try:
                heard = await self._listen(socket)
            except TinyAgentError as error:
                await socket.send_json({"error": str(error)})
            except (KeyError, TypeError, ValueError):
                await socket.send_json({"error": _UNREAD})
            else:
                token = secrets.token_hex(8)
                self._waiting[token] = heard
                while len(self._waiting) > _KEPT:
                    self._waiting.popitem(last=False)
                await socket.send_json({"heard": token})
            await socket.close()

    def take(self, token: str) -> Heard:
        """What ``microphone`` took down, once.

        Raises:
            AudioError: it is not there any more.
        """
        try:
            return self._waiting.pop(token)
        except KeyError:
            raise AudioError("that recording is not there any more; say it again") from None

    def read(self, path: Path) -> Heard:
        """What is said in a file.

        Raises:
            AudioError: it is no recording, or nobody speaks in it.
            ModelError: the speech model is missing or damaged.
        """
        try:
            return Heard(*self._listener.request(path))
        except AudioError as error:
            # The person knows the file by its name; the browser's upload put it elsewhere.
            raise AudioError(str(error).replace(str(path), path.name)) from error
        finally:
            self.doing = ""

    def _progress(self, what: str, done: float, total: float) -> None:
        self.doing = f"{what}: {done / total:.0%}" if done < total else ""

    def keep(self, run: str, heard: Heard, request: str) -> None:
        """Keep a recording with its run, as ``recordings.keep``.

        Raises:
            TraceError: it cannot be written.
        """
        keep(self._settings, run, heard.samples, heard.transcript, request)

    async def _listen(self, socket: WebSocket) -> Heard:
        rate = int((await socket.receive_json())["rate"])
        dictation = Dictation(self._listener, rate, self._settings.hands_free)
        words = asyncio.create_task(self._tell_words(socket, dictation))
        try:
            while (piece := (await _next(socket))) is not None:
                if words.done():
                    words.result()  # raises what went wrong there
                dictation.add(piece)
        finally:
            words.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await words
        return Heard(*await self._meanwhile(socket, dictation.finish))

    async def _tell_words(self, socket: WebSocket, dictation: Dictation) -> None:
        """Tell the words so far while the recording goes on, and when it should end."""
        await self._meanwhile(socket, self._listener.ready)
        told, shown = 0.0, ""
        while True:
            await asyncio.sleep(0.05)
            if dictation.seconds < told + STEP:
                continue
            told = dictation.seconds
            over = await asyncio.to_thread(dictation.over)
            if over:
                note = {"note": _FULL} if dictation.full else {}
                await socket.send_json({"over": True, **note})
                return
            text = await asyncio.to_thread(dictation.partial)
            if text != shown:
                shown = text
                await socket.send_json({"partial": text})

    async def _meanwhile(self, socket: WebSocket, work: Callable[[], T]) -> T:
        """Do the work in a thread; where it takes long, tell how far it is."""
        working = asyncio.create_task(asyncio.to_thread(work))
        # Where this is cancelled, nobody asks how the work ended.
        working.add_done_callback(lambda task: task.cancelled() or task.exception())
        told = ""
        while not (await asyncio.wait({working}, timeout=STEP))[0]:
            if self.doing not in ("", told):
                told = self.doing
                await socket.send_json({"doing": told})
        self.doing = ""
        return working.result()


def microphone(hands_free: bool) -> str:
    """The button to speak with, and where the words so far stand, as markup.

    ``hands_free``: a pause ends the recording, which the page then says. The button waits for
    its script (``voice.js``), which a page under load may run later than it shows the button: a
    press before that would be lost without a word.
    """
    listening = "Listening… A pause ends it." if hands_free else "Listening…"
    return (
        '<div class="speak"><button type="button" data-speak aria-pressed="false" disabled>'
        f'{icon("microphone")}{icon("stop")}<span class="label">Speak</span></button>'
        f'<p class="so-far" role="status" data-listening="{listening}"></p></div>'
        '<p class="error" role="alert" hidden></p>'
    )


def reading(doing: str = "") -> str:
    """That a file is being written down, as markup; ``doing``: how far, if that is known."""
    return f'<p class="caption" role="status">{escape(doing or WRITING)} …</p>'


def marks(heard: Heard | None, problem: str = "") -> str:
    """The known names that were put in, each with a button that takes it back, as markup."""
    if problem:
        return f'<p class="error" role="alert">{escape(problem)}</p>'
    if heard is None:
        return ""
    chips = "".join(
        f'<li><button type="button" class="chip" data-take-back="{index}" '
        f'title="Write “{escape(change.heard)}” again"><ins>{escape(change.name)}</ins> '
        f"for <del>{escape(change.heard)}</del>{icon('failed')}"
        '<span class="hidden-label">take it back</span></button></li>'
        for index, change in enumerate(heard.transcript.changes)
        if change not in heard.taken_back
    )
    if not chips:
        return ""
    return f'<p class="caption">Known names were put in:</p><ul class="chips">{chips}</ul>'


def without(heard: Heard, index: int, text: str) -> tuple[Heard, str]:
    """Take a changed name back: what was heard stands in the text again."""
    change = heard.transcript.changes[index]
    taken = Heard(heard.samples, heard.transcript, heard.taken_back | {change})
    return taken, take_back(text, change)


async def _next(socket: WebSocket) -> bytes | None:
    """The next piece of sound; None at the end of the recording."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    piece: bytes | None = message.get("bytes")
    return piece

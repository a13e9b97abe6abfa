"""A writer on a server: the bodies of e-mails and the summaries, by a larger model."""

from __future__ import annotations

from collections.abc import Callable

from tinyagent.remote.chat import Message, Server, complete


class RemoteWriter:
    """Writes with a model on a server; see ``writers.Writer``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def write(
        self,
        task: str,
        material: str,
        *,
        max_tokens: int = 200,
        on_text: Callable[[str], None] = lambda text: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> str:
        """Do ``task`` with ``material``; all of the text comes at once.

        Raises:
            ServerError: no answer came.
            Stopped: ``stop`` was true.
        """
        asked = [Message(role="system", content=task), Message(role="user", content=material)]
        text = complete(self._server, asked, max_tokens=max_tokens, stop=stop).text.strip()
        on_text(text)
        return text

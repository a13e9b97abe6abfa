"""Completions of an OpenAI-compatible server: vLLM, llama-server, Ollama, a cloud.

A request that may pass if it is made again (nobody there for a moment, too busy,
cut off half-way) is made again, each time after a longer pause. What remains is
a ``ServerError`` that says what happened and what to do. The key is sent, and
written nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from tinyagent.errors import ServerError, Stopped, UnusableAnswerError

Message = dict[str, str]
"""``role`` and ``content``."""

Prompt = str | Sequence[Message]
"""A text to be gone on with, or messages to be answered."""

TRIES = 3
PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before the second try, and before any."""
_CONNECT = 10.0
_LOOK = 0.1
"""Seconds between two looks at whether to stop."""
_CURES = {
    401: "check the key",
    403: "check the key, and what it may do",
    404: "check the address and the model's name",
    429: "wait a while, or ask for a higher limit",
}


@dataclass(frozen=True)
class Server:
    """Where a model is, and how it is asked.

    Attributes:
        url: the API's base, such as ``http://127.0.0.1:8080/v1``.
        model: the name that it knows the model by.
        key: sent as a bearer token; "" where none is needed.
        timeout: seconds for one answer, from the question to its end.
    """

    url: str
    model: str
    key: str = ""
    timeout: float = 60.0

    def __repr__(self) -> str:
        return f"Server({self.shown!r}, {self.model!r})"

    @property
    def place(self) -> str:
        """Host and port; never a user or a password that stands before them in the URL."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def shown(self) -> str:
        """The URL as it may be shown and recorded."""
        bare = urlsplit(self.url)._replace(netloc=self.place, query="", fragment="")
        return bare.geturl()

    @property
    def name(self) -> str:
        """Model and host, for traces."""
        return f"{self.model} at {self.place}"


@dataclass(frozen=True)
class Completion:
    """What a server answered, and the tokens that it counted (0 where it did not)."""

    text: str
    prompt_tokens: int
    completion_tokens: int


def complete(
    server: Server,
    prompt: Prompt,
    *,
    max_tokens: int,
    temperature: float = 0.0,
    options: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Completion:
    """Ask for one answer, and wait for it; see ``Connection.complete``.

    Args:
        stop: asked all the time; when it is true, the request is dropped.

    Raises:
        ServerError: no usable answer came.
        Stopped: ``stop`` was true.
    """

    async def ask() -> Completion:
        async with Connection(server) as connection:
            return await connection.complete(
                prompt, max_tokens=max_tokens, temperature=temperature, options=options
            )

    return asyncio.run(_unless_stopped(ask(), stop))


def owner(server: Server) -> str:
    """Who serves the model, in the server's own word ("vllm", "llamacpp" …); "" if it says none."""

    async def ask() -> str:
        async with _client(server) as client:
            models = (await client.get("models")).json().get("data") or [{}]
            fitting = [m for m in models if m.get("id") == server.model] or models
            return str(fitting[0].get("owned_by") or "")

    try:
        return asyncio.run(asyncio.wait_for(ask(), _CONNECT))
    except (httpx.HTTPError, ValueError, AttributeError, TimeoutError):
        return ""


class Connection:
    """A server that many tasks may ask at once: ``async with Connection(server) as connection``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._where = f"the server {server.shown}"

    async def __aenter__(self) -> Self:
        self._client = _client(self._server)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        options: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Ask for one answer, again where that may help.

        Args:
            prompt: messages to answer, or a text to be gone on with as it stands.
            max_tokens: the longest answer.
            temperature: 0 takes the likeliest token each time.
            options: more keys of the request, such as a grammar.

        Raises:
            UnusableAnswerError: this request got no answer that can be used; another may.
            ServerError: nobody is there, or the key, the address or the model is refused.
        """
        body: dict[str, Any] = {
            "model": self._server.model,
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        path = "completions" if isinstance(prompt, str) else "chat/completions"
        body |= {"prompt": prompt} if isinstance(prompt, str) else {"messages": list(prompt)}
        body |= options or {}
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential_jitter(multiplier=PAUSE, max=LONGEST_PAUSE),
            retry=retry_if_exception(lambda e: isinstance(e, ServerError) and e.passing),
            reraise=True,
        )
        return await retrying(self._try, path, body)

    async def _try(self, path: str, body: dict[str, Any]) -> Completion:
        where, seconds = self._where, self._server.timeout
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.post(path, json=body)
        except TimeoutError as error:
            raise UnusableAnswerError(
                f"{where} gave no answer within {seconds:g} seconds; "
                "it may be busy, or the model too large for it"
            ) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerError(
                f"{where} is not there; start it, or check the address", True
            ) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ServerError(f"{where}: that is no address ({error})") from error
        except httpx.HTTPError as error:
            raise UnusableAnswerError(
                f"{where} broke off its answer ({_said(error)})", True
            ) from error
        if response.status_code >= 400:
            raise _refusal(response, where, self._server.key)
        return _read(response, where)


async def _unless_stopped(
    work: Coroutine[Any, Any, Completion], stop: Callable[[], bool]
) -> Completion:
    asking = asyncio.create_task(work)
    try:
        while not asking.done():
            if stop():
                raise Stopped("Planning was stopped.")
            await asyncio.wait([asking], timeout=_LOOK)
        return asking.result()
    finally:
        asking.cancel()


def _refusal(response: httpx.Response, where: str, key: str) -> ServerError:
    status = response.status_code
    cure = _CURES.get(status, "look at its log")
    told = f"{where} answers {status} {response.reason_phrase}".rstrip()
    text = f"{told}{_detail(response, key)}; {cure}"
    if status in (401, 403, 404):
        return ServerError(text)
    return UnusableAnswerError(text, status in (408, 429) or status >= 500)


def _read(response: httpx.Response, where: str) -> Completion:
    try:
        answer: Any = response.json()
        choice = answer["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = answer.get("usage") or {}
        prompt, made = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        if not isinstance(text, str):
            raise TypeError("content is no text")
        return Completion(text, int(prompt), int(made))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnusableAnswerError(
            f"{where} answers, but with no completion; is it an OpenAI-compatible API?"
        ) from error


def _client(server: Server) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    # The whole of an answer has its time; a pause within it has none of its own.
    times = httpx.Timeout(None, connect=min(_CONNECT, server.timeout))
    return httpx.AsyncClient(base_url=server.url.rstrip("/") + "/", headers=headers, timeout=times)


def _detail(response: httpx.Response, key: str) -> str:
    """What an error says of itself, if it does; never with the key in it."""
    try:
        error = response.json().get("error") or response.json().get("message")
        text = str(error.get("message") if isinstance(error, dict) else error or "")
    except (ValueError, AttributeError):
        return ""
    text = " ".join(text.split())[:200]
    return f" ({text.replace(key, '…') if key else text})" if text else ""


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__

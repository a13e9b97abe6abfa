"""Chat completions of an OpenAI-compatible server: vLLM, llama-server, Ollama, a cloud.

A request that may pass if it is made again (nobody there for a moment, too busy,
cut off half-way) is made again, each time after a longer pause. What remains is
a ``ServerError`` that says what happened and what to do. The key is sent, and
written nowhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from tinyagent.errors import ServerError, SettingsError, Stopped

Message = dict[str, str]
"""``role`` and ``content``."""

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
        return f"Server({self.url!r}, {self.model!r})"

    @property
    def name(self) -> str:
        """Model and host, for traces."""
        return f"{self.model} at {urlsplit(self.url).netloc}"


@dataclass(frozen=True)
class Completion:
    """What a server answered, and the tokens that it counted (0 where it did not)."""

    text: str
    prompt_tokens: int
    completion_tokens: int


def complete(
    server: Server,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    options: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Completion:
    """Ask for one answer, as likely as can be (temperature 0).

    Args:
        options: more keys of the request, such as a grammar.
        stop: asked all the time; when it is true, the request is dropped.

    Raises:
        ServerError: no usable answer came.
        Stopped: ``stop`` was true.
    """
    body = {
        "model": server.model,
        "messages": list(messages),
        "max_tokens": max_tokens,
        "temperature": 0,
    }
    return asyncio.run(_unless_stopped(server, body | dict(options or {}), stop))


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


def read_key(variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """The key in an environment variable; "" where no variable is named.

    Raises:
        SettingsError: the variable is not set.
    """
    if variable and not environ.get(variable):
        raise SettingsError(f"setting server_key: the environment has no variable {variable}")
    return environ[variable] if variable else ""


async def _unless_stopped(
    server: Server, body: dict[str, Any], stop: Callable[[], bool]
) -> Completion:
    asking = asyncio.create_task(_ask(server, body))
    try:
        while not asking.done():
            if stop():
                raise Stopped("Planning was stopped.")
            await asyncio.wait([asking], timeout=_LOOK)
        return asking.result()
    finally:
        asking.cancel()


async def _ask(server: Server, body: dict[str, Any]) -> Completion:
    retrying = AsyncRetrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(multiplier=PAUSE, max=LONGEST_PAUSE),
        retry=retry_if_exception(lambda e: isinstance(e, ServerError) and e.passing),
        reraise=True,
    )
    async with _client(server) as client:
        async for attempt in retrying:
            with attempt:
                return await _try(server, client, body)
    raise AssertionError("the last try raises or returns")


async def _try(server: Server, client: httpx.AsyncClient, body: dict[str, Any]) -> Completion:
    where = f"the server {server.url}"
    try:
        async with asyncio.timeout(server.timeout):
            response = await client.post("chat/completions", json=body)
    except TimeoutError as error:
        raise ServerError(
            f"{where} gave no answer within {server.timeout:g} seconds; "
            "it may be busy, or the model too large for it"
        ) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ServerError(f"{where} is not there; start it, or check the address", True) from error
    except httpx.InvalidURL as error:
        raise ServerError(f"{where}: that is no address ({error})") from error
    except httpx.HTTPError as error:
        raise ServerError(f"{where} broke off its answer ({_said(error)})", True) from error
    status = response.status_code
    if status >= 400:
        cure = _CURES.get(status, "look at its log")
        passing = status in (408, 429) or status >= 500
        told = f"{where} answers {status} {response.reason_phrase}".rstrip()
        raise ServerError(f"{told}{_detail(response, server.key)}; {cure}", passing)
    return _read(response, where)


def _read(response: httpx.Response, where: str) -> Completion:
    try:
        answer: Any = response.json()
        text = answer["choices"][0]["message"]["content"]
        usage = answer.get("usage") or {}
        prompt, made = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        if not isinstance(text, str):
            raise TypeError("content is no text")
        return Completion(text, int(prompt), int(made))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ServerError(
            f"{where} answers, but with no chat completion; is it an OpenAI-compatible API?"
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

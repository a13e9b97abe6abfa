"""The tools of MCP servers, as tools of TinyAgent's.

Every server has a task of its own on one event loop in a thread of its own; a
tool's function asks it from whichever thread it runs on. A server that is gone
is connected to anew at the next call, never within one: what had been asked
may have happened.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self, TextIO, TypeVar

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, CallToolResult, TextContent
from mcp_types import Tool as ServerTool

from tinyagent.backends.base import Outcome
from tinyagent.errors import ToolDeclarationError, ToolError
from tinyagent.mcp.config import ServerConfig, read_config
from tinyagent.mcp.schema import read_tool
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Tool, ToolSet

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds for a server to start and to list its tools."""
_HTTP_TIMES = httpx2.Timeout(30.0, read=300.0)
"""Seconds; a server may hold a stream open for long."""
LONGEST_RESULT = 20_000
"""Characters of a result that are kept."""


class McpServers:
    """The servers of a settings file.

    Args:
        servers: by name.
        timeout: seconds for one call.
        patience: seconds for one to connect.

    Attributes:
        troubles: what could not be used, a sentence each; complete after ``tools``.
    """

    def __init__(
        self, servers: Mapping[str, ServerConfig], timeout: float, patience: float = PATIENCE
    ) -> None:
        self.troubles: list[str] = []
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp", daemon=True)
        self._thread.start()
        self._servers = [
            _Server(name, config, timeout, patience) for name, config in servers.items()
        ]
        self._connecting = [
            asyncio.run_coroutine_threadsafe(server.list_tools(), self._loop)
            for server in self._servers
        ]

    @classmethod
    def of(cls, file: Path, timeout: float) -> Self:
        """The servers that a file names; they begin to start.

        Raises:
            SettingsError: the file is wrong.
        """
        return cls(read_config(file), timeout)

    def tools(self, others: ToolSet) -> list[Tool]:
        """The tools of all servers, once each has connected or failed."""
        found: dict[str, Tool] = {}
        for server, connecting in zip(self._servers, self._connecting, strict=True):
            try:
                given = connecting.result()
            except ToolError as error:
                self.troubles.append(str(error))
                continue
            for one in given:
                self._add(server, one, {*others, *found}, found)
        return list(found.values())

    def close(self) -> None:
        """Disconnect from every server, and end those that were started."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _add(
        self, server: _Server, given: ServerTool, taken: set[str], to: dict[str, Tool]
    ) -> None:
        changes = given.name not in server.config.read_only
        call = partial(self._call, server, given.name)
        try:
            tool = read_tool(server.name, given, call, changes, taken)
            if tool.name in taken:
                raise ToolDeclarationError(
                    f"server {server.name}, tool {given.name}: another is called {tool.name}"
                )
        except ToolDeclarationError as error:
            self.troubles.append(f"{error}; it is left out")
        else:
            to[tool.name] = tool

    def _call(
        self, server: _Server, tool: str, arguments: dict[str, Any], context: ToolContext
    ) -> Outcome:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            context.progress(min(1.0, done / total) if total else 0.0, message or server.name)

        return _outcome(self._do(server.call(tool, arguments, progress)))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers))


class _Server:
    """One server, connected to when it is first needed; all of it runs on the servers' loop."""

    def __init__(self, name: str, config: ServerConfig, timeout: float, patience: float) -> None:
        self.name = name
        self.config = config
        self._timeout = timeout
        self._patience = patience
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def list_tools(self) -> list[ServerTool]:
        """All of its tools; ToolError where it cannot be reached."""
        client = await self._connected()
        try:
            async with asyncio.timeout(self._patience):
                page = await client.list_tools()
                tools = list(page.tools)
                while page.next_cursor:
                    page = await client.list_tools(cursor=page.next_cursor)
                    tools += page.tools
                return tools
        except Exception as error:  # the SDK lets the transport's errors through, of any kind
            raise ToolError(f"server {self.name}: it lists no tools ({_why(error)})") from error

    async def call(self, tool: str, arguments: dict[str, Any], progress: Any) -> CallToolResult:
        """Call a tool once; ToolError where no answer came."""
        client = await self._connected()
        try:
            return await client.call_tool(tool, arguments, self._timeout, progress)
        except Exception as error:  # the SDK lets the transport's errors through, of any kind
            if _is_gone(error):
                await self.close()
                text = f"server {self.name} went away; {tool} may have happened"
                raise ToolError(text) from error
            raise ToolError(f"server {self.name}, {tool}: {_why(error)}") from error

    async def close(self) -> None:
        """Disconnect."""
        task, self._task, self._client = self._task, None, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=5)

    def _is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _connected(self) -> Client:
        async with self._lock:
            if self._client is not None and self._is_alive():
                return self._client
            await self.close()
            ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._live(ready), name=f"mcp {self.name}")
            try:
                async with asyncio.timeout(self._patience):
                    self._client = await asyncio.shield(ready)
            except TimeoutError:
                await self.close()
                raise ToolError(
                    f"server {self.name}: no answer within {self._patience:g} seconds"
                ) from None
            return self._client

    async def _live(self, ready: asyncio.Future[Client]) -> None:
        """Hold the connection open; its context must be left by the task that entered it."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            try:
                async with AsyncExitStack() as stack:
                    client = await self._client_of(stack, said)
                    ready.set_result(await stack.enter_async_context(client))
                    await asyncio.Event().wait()
            except Exception as error:
                if not ready.done():
                    told = self._told(error, said)
                    ready.set_exception(ToolError(f"server {self.name}: {told}"))

    async def _client_of(self, stack: AsyncExitStack, said: TextIO) -> Client:
        if self.config.url:
            http = httpx2.AsyncClient(headers=self.config.headers, timeout=_HTTP_TIMES)
            await stack.enter_async_context(http)
            return Client(streamable_http_client(self.config.url, http_client=http))
        command = StdioServerParameters(
            command=self.config.command,
            args=self.config.args,
            env=self.config.env or None,
            cwd=self.config.cwd,
        )
        return Client(stdio_client(command, said))

    def _told(self, error: Exception, said: TextIO) -> str:
        """Why it could not be connected to, with the last line that a command wrote."""
        if isinstance(_cause(error), FileNotFoundError):
            return f"there is no program {self.config.command}; install it, or give its whole path"
        said.seek(0)
        last = [line.strip() for line in said if line.strip()][-1:]
        return f"it cannot be connected to ({'; '.join([_why(error), *last])})"


def _cause(error: BaseException) -> BaseException:
    """The first error of a group."""
    return _cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _why(error: BaseException) -> str:
    """The first cause of an error, in words."""
    return str(_cause(error)) or type(_cause(error)).__name__


def _is_gone(error: Exception) -> bool:
    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED
    return isinstance(error, anyio.ClosedResourceError | anyio.BrokenResourceError | OSError)


def _outcome(result: CallToolResult) -> Outcome:
    """The text of a result; ToolError where the tool says that it failed."""
    parts = [
        block.text if isinstance(block, TextContent) else f"[{block.type}]"
        for block in result.content
    ]
    text = "\n".join(parts).strip()
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    if result.is_error:
        raise ToolError(text or "the server says that it failed, and not why")
    return Outcome(text[:LONGEST_RESULT])

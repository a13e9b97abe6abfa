"""The servers that a person named: the usual ``mcpServers`` JSON, as other programs have it.

    {"mcpServers": {
        "time": {"command": "mcp-server-time", "readOnly": ["get_current_time"]},
        "tracker": {"url": "https://tracker.example/mcp",
                    "headers": {"Authorization": "Bearer ${TRACKER_KEY}"}}}}

``${NAME}`` stands for an environment variable, so that no key lies in the file.
``readOnly`` is TinyAgent's own word: the tools that the person knows to read only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tinyagent.errors import SettingsError

_VARIABLE = re.compile(r"\$\{(\w+)\}")


class ServerConfig(BaseModel):
    """One server: a command to run, or a URL to ask.

    Attributes:
        command: the program, with ``args``, ``env`` and ``cwd``; it talks on stdin and stdout.
        url: of a server that speaks streamable HTTP, with ``headers``.
        disabled: it is left alone.
        read_only: its tools that run without approval.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: Path | None = None
    url: str = ""
    headers: dict[str, str] = {}
    disabled: bool = False
    read_only: list[str] = Field(default=[], alias="readOnly")

    @model_validator(mode="after")
    def _one_way(self) -> ServerConfig:
        if bool(self.command) == bool(self.url):
            raise ValueError("it needs a command or a url, and not both")
        return self


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> dict[str, ServerConfig]:
    """The servers of a file that are not disabled, by name; none where there is no file.

    Raises:
        SettingsError: it cannot be read, or a server is described wrongly; the
            message names the file, the server and the key.
    """
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: it cannot be read as JSON ({error})") from error
    servers = data.get("mcpServers") if isinstance(data, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(f'{path}: it has no "mcpServers" with a server by its name')
    found = {
        name: _server(f"{path}, server {name}", given, environ) for name, given in servers.items()
    }
    return {name: server for name, server in found.items() if not server.disabled}


def _server(place: str, given: Any, environ: Mapping[str, str]) -> ServerConfig:
    try:
        return ServerConfig.model_validate(_expanded(given, place, environ))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        text = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{place}{f', key {key}' if key else ''}: {text}") from None


def _expanded(value: Any, place: str, environ: Mapping[str, str]) -> Any:
    """The value with every ``${NAME}`` replaced."""
    if isinstance(value, dict):
        return {key: _expanded(item, place, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, place, environ) for item in value]
    if not isinstance(value, str):
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in environ]
    if missing:
        raise SettingsError(f"{place}: the environment has no variable {missing[0]}; set it")
    return _VARIABLE.sub(lambda m: environ[m[1]], value)

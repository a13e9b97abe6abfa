"""Engines elsewhere: the planner and the writers on any OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tinyagent.errors import SettingsError
from tinyagent.models import find
from tinyagent.planner import load_planner, load_writer

if TYPE_CHECKING:
    from tinyagent.planner.base import Planner
    from tinyagent.remote.chat import Server
    from tinyagent.remote.examples import Examples
    from tinyagent.remote.planner import RemotePlanner
    from tinyagent.settings import Settings
    from tinyagent.writers import Writer


def planner_of(settings: Settings) -> Planner:
    """The planner that the settings ask for: on a server where one is named, else here.

    Raises:
        SettingsError: the server's model is not named, or its key is not there.
        ModelError: a model file is missing or damaged.
    """
    if not settings.server:
        return load_planner(settings)
    from tinyagent.remote.fallback import FallbackPlanner

    (remote,) = planners_at([settings.server], settings).values()
    if not settings.server_fallback:
        return remote
    return FallbackPlanner(remote, partial(load_planner, settings))


def planners_at(urls: Iterable[str], settings: Settings) -> dict[str, RemotePlanner]:
    """A planner on each server, all asked as the settings say; by the URL as it may be shown.

    Raises:
        SettingsError: the model is not named, or its key is not there.
        ModelError: a model file is missing or damaged.
    """
    from tinyagent.remote.planner import RemotePlanner

    examples = None if settings.server_prompt == "trained" else examples_of(settings)
    servers = [server_of(replace(settings, server=url)) for url in urls]
    return {s.shown: RemotePlanner(s, examples, settings.server_grammar) for s in servers}


def writer_of(settings: Settings) -> Writer | None:
    """The writer that the settings ask for; None where they are switched off.

    Raises:
        SettingsError: the server's model cannot write, is not named, or its key is not there.
        ModelError: a model file is missing or damaged.
    """
    if not settings.writers:
        return None
    if not (settings.server and settings.server_writers):
        return load_writer(settings)
    if settings.server_prompt == "trained":
        raise SettingsError(
            "setting server_writers: TinyAgent's own planner (server_prompt trained) writes no "
            "texts; set server_writers to false, and they are written here"
        )
    from tinyagent.remote.writer import RemoteWriter

    return RemoteWriter(server_of(settings))


def server_of(settings: Settings) -> Server:
    """The server that the settings name, with its key from the environment or the keychain.

    Raises:
        SettingsError: its model is not named, or its key is not there.
    """
    from tinyagent.keys import read_key
    from tinyagent.remote.chat import Server

    server = Server(
        settings.server,
        settings.server_model,
        read_key(settings.server_key, "setting server_key"),
        settings.server_timeout,
    )
    if not server.model:
        raise SettingsError(
            f"server {server.shown}: name its model with the setting server_model; "
            f"{server.shown.rstrip('/')}/models lists them"
        )
    return server


def examples_of(settings: Settings) -> Examples:
    """The solved requests that a model which is not ours is shown."""
    from tinyagent.remote.examples import Examples
    from tinyagent.toolrag.encoder import Encoder

    models = settings.models
    encoder = Encoder(
        find("minilm-int8", models), find("minilm-tokenizer", models), settings.threads
    )
    return Examples(encoder, models / "cache")

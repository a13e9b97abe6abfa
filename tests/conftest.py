"""Every test has its own home, settings, workspace and traces; none can touch the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import keyring
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from keyring.backend import KeyringBackend
from typer.testing import CliRunner

from tests.scripted import ScriptedPlanner, ScriptedToolRAG
from tinyagent.agent import TinyAgent
from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.sample import make_sample
from tinyagent.models import find
from tinyagent.planner.base import Planner
from tinyagent.settings import Settings
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces import TraceLog

NOW = datetime(2026, 11, 24, 9, 30)

# Here, not beside the properties: pytest looks for the profile before it reads any test.
hypothesis_settings.register_profile("quick", max_examples=40, deadline=None)
hypothesis_settings.register_profile(
    "fuzz", max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck)
)
hypothesis_settings.load_profile("quick")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home and configuration folders are the test's own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TINYAGENT_SETTINGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample workspace; tests copy it, as ``settings`` does."""
    root = tmp_path_factory.mktemp("sample") / "workspace"
    make_sample(root, NOW)
    return root


@pytest.fixture
def settings(tmp_path: Path, sample: Path) -> Settings:
    """Settings with a copy of the sample workspace, and traces of their own."""
    shutil.copytree(sample, tmp_path / "workspace")
    return Settings(
        backend="workspace",
        workspace=tmp_path / "workspace",
        traces=tmp_path / "traces" / "traces.db",
    )


class Keychain(KeyringBackend):
    """A keychain in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def keychain() -> Iterator[KeyringBackend]:
    """An empty keychain, in the place of the system's."""
    before = keyring.get_keyring()
    mine = Keychain()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


MakeAgent = Callable[..., TinyAgent]


@pytest.fixture
def make_agent(settings: Settings) -> Iterator[MakeAgent]:
    """Make an agent on the real workspace whose planner follows a script.

    The arguments are the plans by request (see ``scripted``), the tools, another
    planner to write them, and settings to change.
    """
    made: list[TinyAgent] = []

    def make(
        plans: dict[str, list[str]],
        tools: ToolSet = SIXTEEN,
        planner: Planner | None = None,
        **changes: object,
    ) -> TinyAgent:
        own = replace(settings, **changes)  # type: ignore[arg-type]
        agent = TinyAgent(
            own,
            backend=Workspace(own.workspace, lambda: NOW),
            tools=tools,
            toolrag=ScriptedToolRAG(plans, tools),
            planner=planner or ScriptedPlanner(plans),
            writer=None,
            traces=TraceLog(own.traces),
            clock=lambda: NOW,
        )
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.close()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of a few rows."""
    from tinyagent.commands.cli import app

    folder = tmp_path_factory.mktemp("data")
    counts = ["--train", "200", "--validation", "40", "--test", "40"]
    assert CliRunner().invoke(app, ["data", "generate", str(folder), *counts]).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers, made at random, with the real tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    base = find("smollm2", Settings().models)
    AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name).save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        initializer_range=0.1,  # with less, no hidden state makes a token likely
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder

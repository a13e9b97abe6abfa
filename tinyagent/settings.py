"""Settings: read once at start, from a TOML file and from options, then passed along.

Every field is described once, in the docstring of ``Settings``;
``docs/settings.md`` is generated from it: ``python -m tinyagent.settings > docs/settings.md``.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import platformdirs

from tinyagent.errors import SettingsError

FILE_VARIABLE = "TINYAGENT_SETTINGS"
"""The environment variable that names another settings file."""

REPOSITORY = Path(__file__).resolve().parent.parent
_ON_A_MAC = sys.platform == "darwin"


@dataclass(frozen=True)
class Settings:
    """All that can be set. Relative paths count from the folder the command runs in.

    Attributes:
        backend: where tools act: `workspace` is a folder of contacts, calendars, mail and
            notes; `macos` is the applications of this Mac.
        workspace: the folder of the workspace backend; a sample is made if it does not exist.
        traces: the SQLite file that every request is recorded in.
        models: the folder of the model files and their manifest.
        tools: the folder of your own tools (docs/own-tools.md): each Python file in it is run
            at start.
        mcp: the file of your MCP servers (docs/mcp.md), whose tools are offered like any other.
        shortcuts: the Apple Shortcuts that are tools, by name, each with what it does
            (docs/own-tools.md).
        toolrag: how the tools to offer are picked: `classifier` is trained for it, `basic`
            takes the descriptions that are most alike, `all` offers every tool.
        threshold: a tool whose probability is at least this is offered (toolrag `classifier`).
        classifier: an ONNX graph of `tinyagent train toolrag`, its JSON beside it; empty for the
            version in use.
        planner: a GGUF file to plan with; empty for the version in use.
        server: the base URL of an OpenAI-compatible server that plans in its place, such as
            `http://127.0.0.1:8080/v1` (docs/servers.md); empty for none. Requests go there.
        server_model: the name that the server knows the model by.
        server_key: the name of its key, an environment variable or an entry of the keychain
            (`keyring set tinyagent NAME`); empty for none.
        server_prompt: what the server's model is told: `full` is the rules, the tools and solved
            requests; `trained` is for TinyAgent's own planner on a server (docs/serving.md).
        server_grammar: how the server takes a grammar: `gbnf` as llama-server, `vllm` as vLLM,
            `none`; `auto` asks it who it is.
        server_timeout: seconds that one answer of the server may take.
        server_writers: the server writes the bodies of e-mails and the summaries as well.
        server_fallback: where the server gives no plan, it is made here.
        writers: the base model writes the bodies of e-mails; if off, the planner's words stand.
        send_mail: approved e-mails are sent; if off, they are left as drafts.
        approval: what waits for your approval: `changes` is every call that changes or sends
            something; `always` is every call, look-ups too.
        task_timeout: seconds that one task may take.
        replans: how often a plan may be made again after a task failed.
        threads: threads that a model computes with; 0 is one for each core.
        zoom_link: your personal meeting link, given by the macos backend as the link to join.
        voice: the speech model: `tiny.en` is shipped; others of Whisper's (`base.en`, `small`,
            `large-v3`, `large-v3-turbo`, `distil-large-v3` …) and any CTranslate2 model of the
            Hugging Face hub (`OWNER/NAME`) are fetched once; or the folder of one.
        hands_free: on the page, a pause after speech ends the recording.
        send_spoken: on the page, a spoken request is sent at once; if off, it stands in the
            request box first, to be corrected.
        keep_audio: what was said is kept with its trace, in `audio` beside the trace file.
    """

    backend: Literal["workspace", "macos"] = field(
        default="macos" if _ON_A_MAC else "workspace",
        metadata={"shown": "`macos` on a Mac, else `workspace`"},
    )
    workspace: Path = Path("workspace")
    traces: Path = Path("traces/traces.db")
    models: Path = field(
        default=REPOSITORY / "models", metadata={"shown": "`models` in the repository"}
    )
    tools: Path = field(
        default_factory=lambda: settings_file({}).parent / "tools",
        metadata={"shown": "`tools` in the same folder"},
    )
    mcp: Path = field(
        default_factory=lambda: settings_file({}).parent / "mcp.json",
        metadata={"shown": "`mcp.json` in the same folder"},
    )
    shortcuts: dict[str, str] = field(default_factory=dict, hash=False, metadata={"shown": "none"})
    toolrag: Literal["classifier", "basic", "all"] = "classifier"
    threshold: float = field(default=0.5, metadata={"least": 0, "most": 1})
    classifier: str = ""
    planner: str = ""
    server: str = field(default="", metadata={"prefix": "http"})
    server_model: str = ""
    server_key: str = ""
    server_prompt: Literal["full", "trained"] = "full"
    server_grammar: Literal["auto", "gbnf", "vllm", "none"] = "auto"
    server_timeout: float = field(default=60.0, metadata={"least": 1, "most": 600})
    server_writers: bool = False
    server_fallback: bool = False
    writers: bool = True
    send_mail: bool = False
    approval: Literal["changes", "always"] = "changes"
    task_timeout: float = field(default=60.0, metadata={"least": 1, "most": 3600})
    replans: int = field(default=2, metadata={"least": 0, "most": 10})
    threads: int = field(default=0, metadata={"least": 0, "most": 256})
    zoom_link: str = field(default="", metadata={"prefix": "https://"})
    voice: str = "tiny.en"
    hands_free: bool = False
    send_spoken: bool = False
    keep_audio: bool = True


def load_settings(file: Path | None = None, **overrides: object) -> Settings:
    """Settings from a file, with options over them.

    Args:
        file: the TOML file; it must exist. None takes the one that
            ``settings_file`` names, if it exists.
        overrides: values by field name, which win over the file; None is not set.

    Raises:
        SettingsError: the file is missing or no TOML, a key is unknown, or a
            value is not allowed; the message names the file and the key.
    """
    values: dict[str, Any] = {}
    required = file is not None or FILE_VARIABLE in os.environ
    path = file or settings_file(os.environ)
    if required or path.exists():
        values |= _checked(_read(path), f"settings file {path}")
    given = {key: value for key, value in overrides.items() if value is not None}
    values |= _checked(given, "option")
    return Settings(**values)


def settings_file(environ: Mapping[str, str]) -> Path:
    """The settings file: $TINYAGENT_SETTINGS, or the one in the user's configuration folder."""
    if named := environ.get(FILE_VARIABLE):
        return Path(named).expanduser()
    return platformdirs.user_config_path("tinyagent", appauthor=False) / "settings.toml"


def settings_table() -> str:
    """The fields as a page of Markdown: key, values, default, what it does."""
    helps = _helps()
    rows = [
        f"| `{f.name}` | {_values_shown(f)} | {_default_shown(f)} | {helps[f.name]} |"
        for f in fields(Settings)
    ]
    introduction = (
        "# Settings\n\n"
        "Read from `settings.toml` in the `tinyagent` folder of your configuration folder\n"
        "(`~/.config` on Linux, `~/Library/Application Support` on a Mac), or from the file that\n"
        f"`${FILE_VARIABLE}` names. An option of the command line wins over the file. Relative\n"
        "paths count from the folder the command runs in.\n"
    )
    header = "| key | values | default | what it does |\n|---|---|---|---|"
    return "\n".join([introduction, header, *rows]) + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"settings file {path}: it does not exist; make it, or unset ${FILE_VARIABLE}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: it cannot be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {path}: it is no TOML: {error}") from error


def _checked(values: Mapping[str, object], place: str) -> dict[str, Any]:
    """The values as their fields' types; ``place`` says in errors where they stand."""
    known = {f.name: f for f in fields(Settings)}
    checked = {}
    for key, value in values.items():
        if key not in known:
            raise SettingsError(
                f"{place}: there is no setting {key!r}; known are {', '.join(known)}"
            )
        checked[key] = _value(known[key], value, f"{place}, key {key}")
    return checked


def _value(setting: Field[Any], value: object, place: str) -> object:
    """``value`` as the field holds it, or a SettingsError that lists what is allowed."""
    wrong = SettingsError(f"{place}: {value!r} is not allowed; use {_values_shown(setting)}")
    hint = _hints()[setting.name]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise wrong
        return value
    if hint is Path:
        if not isinstance(value, str | Path) or not str(value):
            raise wrong
        return Path(value).expanduser()
    if get_origin(hint) is dict:
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise wrong
        return value
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise wrong
    limits = setting.metadata
    within = "least" not in limits or limits["least"] <= value <= limits["most"]
    if not within:
        raise wrong
    if isinstance(value, str) and value and not value.startswith(limits.get("prefix", "")):
        raise wrong
    return value


def _values_shown(setting: Field[Any]) -> str:
    """What a field may hold, in words."""
    hint = _hints()[setting.name]
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is dict:
        return "a table of texts by name"
    if hint is bool:
        return "`true`, `false`"
    if hint is Path:
        return "a path"
    if "least" in setting.metadata:
        noun = "a whole number" if hint is int else "a number"
        return f"{noun} from {setting.metadata['least']} to {setting.metadata['most']}"
    if prefix := setting.metadata.get("prefix"):
        return f"text that starts with `{prefix}`, or empty"
    return "text"


def _default_shown(setting: Field[Any]) -> str:
    if shown := setting.metadata.get("shown"):
        return str(shown)
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return f"`{setting.default}`" if setting.default != "" else "empty"


def _hints() -> dict[str, Any]:
    return get_type_hints(Settings)


def _helps() -> dict[str, str]:
    """Each field's text in the docstring of ``Settings``."""
    _, _, block = (inspect.getdoc(Settings) or "").partition("Attributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", block, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


if __name__ == "__main__":
    sys.stdout.write(settings_table())

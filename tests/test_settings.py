"""Settings: the file, the options, and errors that say what to change."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from tinyagent.errors import SettingsError
from tinyagent.settings import (
    FILE_VARIABLE,
    Settings,
    load_settings,
    settings_file,
    settings_table,
)


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings() == Settings()
    assert (Settings().models / "manifest.toml").is_file()


def test_the_file_is_read_and_options_win(tmp_path: Path) -> None:
    path = write(tmp_path, 'toolrag = "basic"\nthreshold = 1\nreplans = 0\nworkspace = "~/w"\n')
    settings = load_settings(path, toolrag="all", threads=None)
    assert settings.toolrag == "all"
    assert settings.threshold == 1.0
    assert isinstance(settings.threshold, float)
    assert settings.replans == 0
    assert settings.threads == 0
    assert settings.workspace == Path.home() / "w"


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(write(tmp_path, "writers = true\n")))
    assert load_settings().writers is True
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "absent.toml"))
    with pytest.raises(SettingsError, match=r"absent\.toml: it does not exist"):
        load_settings()


def test_the_usual_place_is_the_users_configuration() -> None:
    assert settings_file({}).parts[-2:] == ("tinyagent", "settings.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('backend = "windows"', "key backend: 'windows' is not allowed; use `workspace`, `macos`"),
        ("threshold = 1.5", "key threshold: 1.5 is not allowed; use a number from 0 to 1"),
        ("threshold = nan", "key threshold: nan is not allowed"),
        ("threshold = true", "key threshold: True is not allowed"),
        ("replans = 1.0", "key replans: 1.0 is not allowed; use a whole number from 0 to 10"),
        ("threads = -1", "key threads: -1 is not allowed"),
        ("send_mail = 1", "key send_mail: 1 is not allowed; use `true`, `false`"),
        ('workspace = ""', "key workspace: '' is not allowed; use a path"),
        ("planner = 3", "key planner: 3 is not allowed; use text"),
        ('zoom_link = "file:///etc"', "key zoom_link: 'file:///etc' is not allowed"),
        ("theshold = 0.5", "there is no setting 'theshold'; known are backend, workspace"),
        ("threshold =", "it is no TOML"),
    ],
)
def test_an_error_names_the_file_the_key_and_what_is_allowed(
    tmp_path: Path, line: str, said: str
) -> None:
    path = write(tmp_path, line + "\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_bad_option_is_an_error() -> None:
    with pytest.raises(SettingsError, match="option, key toolrag"):
        load_settings(toolrag="magic")
    with pytest.raises(SettingsError, match="option: there is no setting 'colour'"):
        load_settings(colour="blue")


def test_the_page_is_what_the_code_says() -> None:
    page = Path(__file__).parent.parent / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == settings_table(), (
        "run: python -m tinyagent.settings > docs/settings.md"
    )
    for setting in fields(Settings):
        assert f"| `{setting.name}` |" in settings_table()

"""The doctor: each check fails for its own reason and gives a cure."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.sample import make_sample
from tinyagent.commands.doctor import (
    Check,
    check_folder,
    check_packages,
    check_private,
    check_traces,
    examine,
)
from tinyagent.settings import Settings

NOW = datetime(2026, 11, 24, 9, 30)


def settings_in(folder: Path) -> Settings:
    return Settings(
        backend="workspace", workspace=folder / "workspace", traces=folder / "traces" / "traces.db"
    )


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_fresh_place_is_well_and_stays_untouched(tmp_path: Path) -> None:
    checks = by_name(examine(settings_in(tmp_path)))
    for name in ("python", "workspace", "traces", "backend workspace", "model smollm2"):
        assert checks[name].ok, checks[name]
        assert checks[name].cure == ""
    assert "will be made" in checks["workspace"].detail
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_backend_reports_broken_files(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    make_sample(settings.workspace, NOW)
    assert Workspace(settings.workspace, lambda: NOW).problems() == []
    assert by_name(examine(settings))["backend workspace"].ok
    (settings.workspace / "contacts" / "broken.vcf").write_text("no card")
    check = by_name(examine(settings))["backend workspace"]
    assert not check.ok
    assert "broken.vcf" in check.detail


@pytest.mark.skipif("sys.platform == 'darwin'")
def test_the_macos_backend_needs_a_mac(tmp_path: Path) -> None:
    check = by_name(examine(replace(settings_in(tmp_path), backend="macos")))["backend macos"]
    assert not check.ok
    assert "needs a Mac" in check.detail


def test_models_that_are_missing_give_the_command(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text(
        '[a]\npath = "a.onnx"\nlicence = "MIT"\npurpose = "x"\ncommand = "make a"\n'
    )
    checks = by_name(examine(replace(settings_in(tmp_path), models=tmp_path)))
    assert checks["model a"] == Check(
        "model a", False, f"{tmp_path / 'a.onnx'} is missing", "run: make a"
    )
    checks = by_name(examine(replace(settings_in(tmp_path), models=tmp_path / "none")))
    assert not checks["models"].ok


def test_packages_are_compared_with_what_is_needed() -> None:
    versions = {"gradio": "6.31.0", "numpy": "1.0"}

    def installed(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    needed = [
        "gradio>=6.30,<7",
        'torch; extra == "training"',
        'pytest; extra == "dev"',
        'pyobjc; sys_platform == "amiga"',
    ]
    packages, training = check_packages(needed, installed)
    assert packages == Check("packages", True, "gradio 6.31.0")
    assert training.ok
    assert "torch is missing" in training.detail
    assert "pip install .[training]" in training.cure

    packages, _ = check_packages(["numpy>=2", "onnxruntime"], installed)
    assert not packages.ok
    assert packages.detail == "numpy is 1.0, needed is >=2; onnxruntime is missing"
    assert packages.cure == "run: make setup"


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = check_folder("workspace", tmp_path / "file" / "workspace")
    assert not check.ok
    assert "is a file" in check.detail


@pytest.mark.skipif("os.geteuid() == 0", reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o500)
    check = check_folder("workspace", tmp_path / "workspace")
    os.chmod(tmp_path, 0o700)
    assert not check.ok
    assert "set workspace to another place" in check.cure


def test_what_others_can_read_is_told(tmp_path: Path) -> None:
    traces = tmp_path / "traces" / "traces.db"
    audio = traces.parent / "audio" / "r1.wav"
    audio.parent.mkdir(parents=True)
    for path in (traces, audio):
        path.touch(mode=0o600)
    assert check_private(traces).ok
    audio.chmod(0o640)
    check = check_private(traces)
    assert not check.ok
    assert check.cure == f"run: chmod 600 {audio}"


def test_traces_that_are_locked_or_no_database(tmp_path: Path) -> None:
    file = tmp_path / "a %b?.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE t (x)")
    assert check_traces(file).ok
    other.execute("BEGIN IMMEDIATE")
    locked = check_traces(file)
    other.close()
    assert not locked.ok
    assert "end the other TinyAgent" in locked.cure

    file.write_bytes(b"not a database, but long enough to be read as one" * 100)
    broken = check_traces(file)
    assert not broken.ok
    assert "move the file away" in broken.cure


def test_own_tools_and_mcp_servers_are_examined(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), tools=tmp_path, mcp=tmp_path / "mcp.json")
    checks = by_name(examine(settings))
    assert checks["tools"].ok
    assert "16, 0 of them your own" in checks["tools"].detail
    assert checks["mcp"].ok
    (tmp_path / "mine.py").write_text("import no_such_module\n", encoding="utf-8")
    (tmp_path / "mcp.json").write_text('{"mcpServers": {"a": {}}}', encoding="utf-8")
    checks = by_name(examine(settings))
    assert "mine.py, line 1: ModuleNotFoundError" in checks["tools"].detail
    assert "server a: it needs a command or a url" in checks["mcp"].detail
    assert not checks["tools"].ok and not checks["mcp"].ok

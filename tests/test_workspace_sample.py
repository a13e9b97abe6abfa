"""The sample workspace: whole, the same each time, and fit for the requests it is made for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.sample import make_sample
from tinyagent.errors import AmbiguousError, SettingsError

NOW = datetime(2026, 11, 24, 9, 30)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sample") / "workspace"
    make_sample(made, NOW)
    return made


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_the_same_moment_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    make_sample(tmp_path / "again", NOW)
    assert contents(tmp_path / "again") == contents(root)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_it_is_well_formed_and_full(root: Path) -> None:
    workspace = Workspace(root, lambda: NOW)
    assert workspace.problems() == []
    names = workspace.names()
    assert {"Sid Patel", "Lutfi Erdogan", "Mom", "Marketing team"} <= set(names["contacts"])
    assert len(names["notes"]) >= 12
    assert len(names["files"]) >= 12
    assert len(names["folders"]) >= 3
    assert {"Home", "Work"} <= set(names["calendars"])
    assert {"Reminders", "Shopping"} <= set(names["lists"])
    assert len(workspace.mail.inbox()) == 5


def test_it_serves_the_requests_of_the_first_page(root: Path) -> None:
    workspace = Workspace(root, lambda: NOW)
    for name in (
        "Sid",
        "Lutfi",
        "my dentist",
        "the landlord",
        "book club",
        "Zoe",
        "dad",
    ):
        assert "@" in workspace.get_email_address(name)
    assert workspace.get_phone_number("mom").startswith("+1")
    assert "Budget review" in workspace.open_note("agenda", "")
    assert workspace.open_note("Groceries", "").startswith("- Bread")
    budget = workspace.read_pdf(workspace.open_file("Q3 budget pdf"))
    assert "Decisions needed" in budget
    assert "\n\n" in budget
    assert "48%20Maple" in workspace.maps_show_directions("home", "Union Station", "d")
    assert "Dinner" in str(workspace.mail.selected()["Subject"])
    with pytest.raises(AmbiguousError):
        workspace.get_email_address("Alex")


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match="not empty"):
        make_sample(tmp_path, NOW)
    assert contents(tmp_path) == {"mine.txt": b"mine"}

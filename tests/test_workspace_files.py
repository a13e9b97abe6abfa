"""The workspace: notes and files; and that no name leads out of the folder."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from fpdf import FPDF
from pypdf import PdfWriter

from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.folder import MAX_NAME_BYTES, safe_name
from tinyagent.errors import AmbiguousError, NotFoundError, ToolError

NOW = datetime(2026, 11, 24, 9, 30)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "root", lambda: NOW)


def put(workspace_root: Path, place: str, data: bytes | str = "x") -> None:
    path = workspace_root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def pdf(*pages: str) -> bytes:
    document = FPDF()
    document.set_font("Helvetica")
    for page in pages:
        document.add_page()
        document.multi_cell(0, 6, page)
    return bytes(document.output())


def test_a_note_is_made_and_never_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.create_note("Clinic Day", "Bring the card", "")
    second = workspace.create_note("clinic day", "Other", "")
    assert first.link == "notes/Notes/Clinic Day.md"
    assert second.link == "notes/Notes/clinic day 2.md"
    assert (tmp_path / "root" / first.link).read_text() == "Bring the card\n"
    assert workspace.open_note("Clinic Day", "") == "Bring the card"


def test_folders_are_found_forgivingly_and_else_made(workspace: Workspace) -> None:
    assert "new folder “Café”" in workspace.create_note("A", "1", "Café")
    assert workspace.create_note("B", "2", "the cafe folder").link == "notes/Café/B.md"
    assert workspace.names()["folders"] == ["Café"]


def test_notes_are_found_forgivingly(workspace: Workspace, tmp_path: Path) -> None:
    for place in (
        "Notes/Groceries",
        "Work/Agenda",
        "Work/Meeting Notes",
        "Food/Crème brûlée",
    ):
        put(tmp_path / "root", f"notes/{place}.md", place)
    for name, place in (
        ("groceries", "Notes/Groceries"),
        ("my grocery list", "Notes/Groceries"),
        ("meeting", "Work/Meeting Notes"),
        ("creme brulee", "Food/Crème brûlée"),
        ("agneda", "Work/Agenda"),
    ):
        assert workspace.open_note(name, "") == place
    with pytest.raises(NotFoundError, match="nearest: Groceries"):
        workspace.open_note("Groceries 2027", "Notes")
    with pytest.raises(NotFoundError, match="folder"):
        workspace.open_note("Agenda", "Archive")


def test_several_notes_that_fit_are_asked_about(workspace: Workspace, tmp_path: Path) -> None:
    for place in ("Work/Plan", "Personal/Plan", "Plan"):
        put(tmp_path / "root", f"notes/{place}.md", place)
    with pytest.raises(AmbiguousError) as raised:
        workspace.append_note_content("plan", "more", "")
    assert sorted(raised.value.candidates) == ["./Plan", "Personal/Plan", "Work/Plan"]
    for candidate in raised.value.candidates:
        assert workspace.open_note(candidate, "") == candidate.removeprefix("./")
    assert workspace.open_note("Plan", "work") == "Work/Plan"


def test_appending_keeps_what_is_there(workspace: Workspace, tmp_path: Path) -> None:
    put(tmp_path / "root", "notes/Notes/Groceries.md", "- Bread\n- [x] Eggs")
    put(tmp_path / "root", "notes/Notes/Log.md", b"caf\xe9\r\n")
    workspace.append_note_content("Groceries", "oat milk", "")
    workspace.append_note_content("Log", "two\nlines", "")
    notes = tmp_path / "root/notes/Notes"
    assert (notes / "Groceries.md").read_text() == "- Bread\n- [x] Eggs\n- [ ] oat milk\n"
    assert (notes / "Log.md").read_bytes() == b"caf\xe9\r\ntwo\nlines\n"


def test_parallel_appends_are_all_kept(workspace: Workspace, tmp_path: Path) -> None:
    workspace.create_note("Log", "start", "")
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda k: workspace.append_note_content("Log", f"line {k}", ""),
                range(20),
            )
        )
    lines = workspace.open_note("Log", "").splitlines()
    assert set(lines) == {"start", *(f"line {k}" for k in range(20))}
    assert [p.name for p in (tmp_path / "root/notes/Notes").iterdir()] == ["Log.md"]


def test_files_are_found_forgivingly(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for place in (
        "Finance/Q3 budget.pdf",
        "Work/Project Aurora report.pdf",
        "Photos/Site photos.zip",
    ):
        put(root, f"files/{place}")
    for name, place in (
        ("q3 budget", "Finance/Q3 budget.pdf"),
        ("the Q3 budget pdf", "Finance/Q3 budget.pdf"),
        ("budget_Q3.PDF", "Finance/Q3 budget.pdf"),
        ("aurora report", "Work/Project Aurora report.pdf"),
        ("projekt aurora report", "Work/Project Aurora report.pdf"),
        ("photos", "Photos/Site photos.zip"),
    ):
        found = workspace.open_file(name)
        assert found.link == f"files/{place}"
        assert found == str(root.resolve() / "files" / place)
        assert workspace.open_file(found) == found
    with pytest.raises(NotFoundError, match=r"nearest: Q3 budget\.pdf"):
        workspace.open_file("Q4 budget")


def test_several_files_that_fit_are_asked_about(workspace: Workspace, tmp_path: Path) -> None:
    for place in ("budget.pdf", "old/budget.pdf", "old/budget.csv"):
        put(tmp_path / "root", f"files/{place}")
    with pytest.raises(AmbiguousError) as raised:
        workspace.open_file("budget.pdf")
    assert raised.value.candidates == ["files/budget.pdf", "files/old/budget.pdf"]
    for candidate in raised.value.candidates:
        assert workspace.open_file(candidate).link == candidate


def test_a_pdf_is_read(workspace: Workspace, tmp_path: Path) -> None:
    put(tmp_path / "root", "files/Report.pdf", pdf("First page.", "Second page."))
    text = workspace.read_pdf(workspace.open_file("report"))
    assert text == "First page.\n\nSecond page."


def test_a_pdf_that_cannot_be_read_says_why(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "root"
    writer = PdfWriter(io.BytesIO(pdf("Hidden")))
    writer.encrypt("secret", algorithm="RC4-128")
    encrypted = io.BytesIO()
    writer.write(encrypted)
    put(root, "files/encrypted.pdf", encrypted.getvalue())
    put(root, "files/scan.pdf", pdf(""))
    put(root, "files/damaged.pdf", b"%PDF-1.4\nnothing else")
    put(root, "files/text.pdf", b"just text")
    for name, reason in (
        ("encrypted", "encrypted"),
        ("scan", "no text"),
        ("damaged", "damaged"),
        ("text", "no PDF"),
    ):
        with pytest.raises(ToolError, match=reason):
            workspace.read_pdf(workspace.open_file(name))
    put(tmp_path, "outside.pdf", pdf("Outside"))
    with pytest.raises(ToolError, match="not in the files"):
        workspace.read_pdf(str(tmp_path / "outside.pdf"))


HOSTILE = [
    "../../evil",
    "/etc/evil",
    "..",
    ".",
    "a/../../evil",
    "..\\evil",
    "evil\x00",
    "",
    "x" * 999,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out(workspace: Workspace, tmp_path: Path, name: str) -> None:
    outcomes = [
        workspace.create_note(name, "text", name),
        workspace.create_note(name, "text", ""),
        workspace.create_calendar_event(name, NOW, NOW, True, name, [], name, name),
        workspace.create_reminder(name, None, name, name, 0),
        workspace.get_zoom_meeting_link(name, NOW, 30, []),
    ]
    for outcome in outcomes:
        assert (tmp_path / "root" / outcome.link).is_file()
        assert ".." not in Path(outcome.link).parts
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_links_that_lead_out_are_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(outside, "secret.md", "secret")
    (root / "files").mkdir()
    (root / "files/secret.md").symlink_to(outside / "secret.md")
    (root / "files/folder").symlink_to(outside)
    (root / "notes").symlink_to(outside)
    (root / "calendars").symlink_to(outside)
    for call in (workspace.open_file, lambda name: workspace.open_note(name, "")):
        with pytest.raises(NotFoundError):
            call("secret")
    with pytest.raises(ToolError, match="leads out"):
        workspace.create_note("New", "text", "")
    with pytest.raises(ToolError, match="leads out"):
        workspace.create_calendar_event("New", NOW, NOW, True, "", [], "", "")
    assert [path.name for path in outside.iterdir()] == ["secret.md"]


def test_safe_names_stay_readable() -> None:
    assert safe_name("Crème brûlée – 東京") == "Crème brûlée – 東京"
    assert safe_name("AC/DC: live?") == "AC-DC- live-"
    assert safe_name(" ..hidden\n\tname. ") == "hidden name"
    assert safe_name("\u202egpj.exe") == "gpj.exe"
    assert safe_name("///") == "---"
    assert safe_name(" . ") == "Untitled"
    assert len(safe_name("é" * 500).encode()) <= MAX_NAME_BYTES

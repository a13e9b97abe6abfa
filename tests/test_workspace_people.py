"""The workspace: looking people up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tinyagent.backends.workspace import Workspace
from tinyagent.errors import AmbiguousError, NotFoundError

NOW = datetime(2026, 11, 24, 9, 30)

CARDS = """\
BEGIN:VCARD\nVERSION:3.0\nFN:Sid Patel\nN:Patel;Sid;;;\nEMAIL:sid@example.com
TEL;TYPE=HOME:+1 416 555 0101\nTEL;TYPE=CELL:+1 416 555 0102\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Lutfi Erdogan\nEMAIL:lutfi@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Elena Reyes\nNICKNAME:Mom,Ellie\nEMAIL:elena@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Dr. Ama Osei\nROLE:Dentist\nEMAIL:ama@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Kofi Osei\nEMAIL:kofi@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Robert Lindqvist\nEMAIL:robert@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Bill Tran\nEMAIL:bill@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Alex Kim\nORG:Northwind\nEMAIL:alex.kim@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Alex Moreau\nEMAIL:alex.moreau@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Søren Kjær\nEMAIL:soren@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:Mario Rossi\nEMAIL:mario@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:3.0\nFN:李娜\nEMAIL:li.na@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:4.0\nFN:Marketing team\nKIND:group\nEMAIL:marketing@example.com\nEND:VCARD
BEGIN:VCARD\nVERSION:4.0\nFN:Book club\nKIND:group\nEND:VCARD
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "contacts").mkdir()
    (tmp_path / "contacts" / "all.vcf").write_text(CARDS, encoding="utf-8")
    return Workspace(tmp_path, lambda: NOW)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Sid Patel", "sid@example.com"),
        ("sid", "sid@example.com"),
        ("Patel", "sid@example.com"),
        ("Sid P.", "sid@example.com"),
        ("Sid's", "sid@example.com"),
        ("Lutfy", "lutfi@example.com"),
        ("Erdoğan", "lutfi@example.com"),
        ("LUT-FID", "lutfi@example.com"),
        ("Cofi", "kofi@example.com"),
        ("Lootfy", "lutfi@example.com"),
        ("my mom", "elena@example.com"),
        ("mum", "elena@example.com"),
        ("Ellie", "elena@example.com"),
        ("my dentist", "ama@example.com"),
        ("Dr. Osei", "ama@example.com"),
        ("Kofi", "kofi@example.com"),
        ("Bob", "robert@example.com"),
        ("William", "bill@example.com"),
        ("Soren Kjaer", "soren@example.com"),
        ("Alex from Northwind", "alex.kim@example.com"),
        ("李娜", "li.na@example.com"),
        ("the marketing team", "marketing@example.com"),
        ("someone@else.example", "someone@else.example"),
        ("Sid Patel <sid@example.com>", "sid@example.com"),
    ],
)
def test_a_name_resolves_as_people_say_it(workspace: Workspace, name: str, address: str) -> None:
    assert workspace.get_email_address(name) == address


def test_a_mobile_number_comes_before_others(workspace: Workspace) -> None:
    assert workspace.get_phone_number("Sid") == "+1 416 555 0102"
    assert workspace.get_phone_number("07700 900418") == "07700 900418"


def test_two_that_fit_equally_are_asked_about_and_each_answer_resolves(
    workspace: Workspace,
) -> None:
    with pytest.raises(AmbiguousError) as raised:
        workspace.get_email_address("Alex")
    assert raised.value.candidates == [
        "Alex Kim <alex.kim@example.com>",
        "Alex Moreau <alex.moreau@example.com>",
    ]
    found = [workspace.get_email_address(candidate) for candidate in raised.value.candidates]
    assert found == ["alex.kim@example.com", "alex.moreau@example.com"]


def test_a_misspelling_that_is_another_name_is_asked_about(
    workspace: Workspace,
) -> None:
    with pytest.raises(AmbiguousError) as raised:
        workspace.get_email_address("Maria")
    assert raised.value.candidates == ["Mario Rossi <mario@example.com>"]


def test_nobody_fits(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="nearest: .*Lindqvist"):
        workspace.get_email_address("Lundquest")
    for name in ("Zebedee", "Wally", "", "...", "the"):
        with pytest.raises(NotFoundError):
            workspace.get_email_address(name)


def test_a_contact_or_group_without_the_address_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="Lutfi Erdogan has no phone number"):
        workspace.get_phone_number("Lutfi")
    with pytest.raises(NotFoundError, match="group Book club has no e-mail address"):
        workspace.get_email_address("book club")


def test_the_better_kind_of_fit_wins(workspace: Workspace, tmp_path: Path) -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Alexander Noor\nEMAIL:noor@example.com\nEND:VCARD\n"
    (tmp_path / "contacts" / "noor.vcf").write_text(card)
    assert workspace.get_email_address("Alexander") == "noor@example.com"
    card = card.replace("FN:", "NICKNAME:Alex\nFN:")
    (tmp_path / "contacts" / "noor.vcf").write_text(card)
    assert workspace.get_email_address("Alex") == "noor@example.com"


def test_a_broken_card_spoils_no_other(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Open End\nEMAIL:open@example.com\n"
        "BEGIN:VCARD\nVERSION:3.0\nFN:Well Formed\nEMAIL:well@example.com\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nno colon here\nEND:VCARD\n"
    )
    (tmp_path / "contacts" / "broken.vcf").write_text(broken)
    (tmp_path / "contacts" / "binary.vcf").write_bytes(b"\xff\xfe\x00")
    assert workspace.get_email_address("Well Formed") == "well@example.com"
    assert workspace.get_email_address("Sid") == "sid@example.com"
    problems = workspace.problems()
    assert [problem.split(":")[0] for problem in problems] == [
        "contacts/binary.vcf",
        "contacts/broken.vcf",
    ]
    assert "card 1" in problems[1]
    assert "card 3" in problems[1]
    assert "contacts/broken.vcf" in caplog.text
    mended = CARDS.replace("Sid", "Sidney").replace("example.com", "example.org")
    (tmp_path / "contacts" / "broken.vcf").write_text(mended, encoding="utf-8")
    (tmp_path / "contacts" / "binary.vcf").unlink()
    assert workspace.problems() == []
    assert workspace.get_email_address("Sidney") == "sid@example.org"

"""The workspace: mail, read back with the standard library."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tinyagent.backends.workspace import Workspace
from tinyagent.errors import NotFoundError, ToolError

NOW = datetime(2026, 11, 24, 9, 30)

ORIGINAL = b"""\
From: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>
To: me@example.com
Subject: =?utf-8?q?Caf=C3=A9?= on Friday
Date: Mon, 23 Nov 2026 10:00:00 +0000
Message-ID: <two@example.com>
References: <one@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=XX

--XX
Content-Type: text/html; charset=utf-8

<style>p {color: red}</style><p>Shall we <b>meet</b>?</p><p>Zo\xc3\xab</p>
--XX
Content-Type: text/csv
Content-Disposition: attachment; filename="../../menu.csv"

soup,4
--XX--
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "mail/cur").mkdir(parents=True)
    (tmp_path / "mail/cur/1.x:2,S").write_bytes(ORIGINAL)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/Offer.pdf").write_bytes(b"%PDF-1.4 offer")
    made = Workspace(tmp_path, lambda: NOW)
    made.mail.select("<two@example.com>")
    return made


def read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), EmailMessage, policy=policy.default)
    assert not message.defects
    return message


def body(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_new_mail_is_a_draft(workspace: Workspace, tmp_path: Path) -> None:
    attachment = workspace.open_file("offer")
    outcome = workspace.compose_new_email(
        ["sid@example.com", "Lutfi <lutfi@example.com>"],
        ["zoe@example.com", "sid@example.com"],
        "Budget für Q3 📈",
        "Dear both,\nsee attached.",
        [attachment],
    )
    assert outcome.link.startswith("mail/.Drafts/cur/")
    assert "not sent" in outcome
    message = read(tmp_path / outcome.link)
    assert message["To"] == "sid@example.com, lutfi@example.com"
    assert message["Cc"] == "zoe@example.com"
    assert message["Subject"] == "Budget für Q3 📈"
    assert body(message) == "Dear both,\nsee attached.\n"
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == (
        "Offer.pdf",
        "application/pdf",
    )
    assert part.get_content() == b"%PDF-1.4 offer"


def test_with_sending_switched_on_it_waits_in_the_outbox(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, lambda: NOW, send_mail=True)
    outcome = workspace.compose_new_email(["sid@example.com"], [], "Hi", "", [])
    assert outcome.link.startswith("mail/.Outbox/cur/")
    assert read(tmp_path / outcome.link)["Date"].datetime.replace(tzinfo=None) == NOW
    assert not (tmp_path / "mail/.Drafts").exists()


def test_a_reply_goes_to_the_sender_and_quotes(workspace: Workspace, tmp_path: Path) -> None:
    outcome = workspace.reply_to_email(["sid@example.com"], "I'll be there.", [])
    message = read(tmp_path / outcome.link)
    assert message["To"] == "zoe@example.com"
    assert message["Cc"] == "sid@example.com"
    assert message["Subject"] == "Re: Café on Friday"
    assert message["In-Reply-To"] == "<two@example.com>"
    assert message["References"] == "<one@example.com> <two@example.com>"
    text = body(message)
    assert text.startswith("I'll be there.\n")
    assert "Zoë <zoe@example.com> wrote:\n> Shall we meet?\n> Zoë\n" in text


def test_a_forward_carries_text_and_attachments(workspace: Workspace, tmp_path: Path) -> None:
    outcome = workspace.forward_email(["sid@example.com"], [], "FYI", ["files/Offer.pdf"])
    message = read(tmp_path / outcome.link)
    assert message["Subject"] == "Fwd: Café on Friday"
    assert body(message).startswith("FYI\n")
    assert "Shall we meet?" in body(message)
    parts: dict[str | None, Any] = {
        part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()
    }
    assert set(parts) == {"menu.csv", "Offer.pdf"}
    assert parts["menu.csv"].strip() == b"soup,4"


def test_nothing_selected(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        workspace.mail.select("<none@example.com>")
    (tmp_path / "mail/cur/1.x:2,S").unlink()
    with pytest.raises(NotFoundError, match="not in the inbox"):
        workspace.reply_to_email([], "Hello?", [])
    (tmp_path / "mail/selected").unlink()
    with pytest.raises(NotFoundError, match="no e-mail is selected"):
        workspace.forward_email(["sid@example.com"], [], "", [])


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x00\n"])
def test_no_header_can_be_smuggled_in(workspace: Workspace, tmp_path: Path, breaks: str) -> None:
    outcome = workspace.compose_new_email(
        ["sid@example.com"], [], f"Hi{breaks}Bcc: evil@example.com", f"a{breaks}b", []
    )
    message = read(tmp_path / outcome.link)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Bcc: evil@example.com"
    with pytest.raises(ToolError):
        workspace.compose_new_email(
            [f"sid@example.com{breaks}Bcc: evil@example.com"], [], "Hi", "", []
        )


@pytest.mark.parametrize("recipients", [[], ["Sid"], ["a@b, c@d"], ["a@b;c@d"], ["<>"]])
def test_bad_recipients_are_refused(workspace: Workspace, recipients: list[str]) -> None:
    with pytest.raises(ToolError):
        workspace.compose_new_email(recipients, [], "Hi", "", [])


def test_an_address_beyond_ascii_survives(workspace: Workspace, tmp_path: Path) -> None:
    outcome = workspace.compose_new_email(["jösé@exämple.com"], [], "Hi", "", [])
    assert "To: jösé@exämple.com".encode() in (tmp_path / outcome.link).read_bytes()


def test_attachments_come_from_files_only(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}-secret.txt"
    secret.write_text("secret")
    (tmp_path / "files/link.txt").symlink_to(secret)
    for path in (
        str(secret),
        "files/../../" + secret.name,
        "files/link.txt",
        "mail/selected",
    ):
        with pytest.raises(ToolError, match="not in the files"):
            workspace.compose_new_email(["sid@example.com"], [], "Hi", "", [path])
    with pytest.raises(NotFoundError):
        workspace.compose_new_email(["sid@example.com"], [], "Hi", "", ["files/gone.pdf"])
    assert not (tmp_path / "mail/.Drafts").exists()

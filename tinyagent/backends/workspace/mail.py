"""Mail as RFC 5322 messages in a Maildir: ``mail/``, with ``.Drafts`` and ``.Outbox``.

A message is a draft unless sending is switched on; then it waits in the
outbox. Nothing here reaches a network: what sends mail can take it from there.
"""

from __future__ import annotations

import mailbox
import mimetypes
import re
from collections.abc import Iterable
from datetime import datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from html.parser import HTMLParser
from pathlib import Path

from tinyagent.backends.base import Outcome, Target
from tinyagent.backends.workspace.files import Files
from tinyagent.backends.workspace.folder import SafeFolder, safe_name
from tinyagent.backends.workspace.plain import many_lines, one_line
from tinyagent.backends.workspace.vcards import Contact, is_email
from tinyagent.errors import NotFoundError, ToolError


class Mail:
    """The mailbox. ``mail/selected`` holds the Message-ID of the message in hand."""

    def __init__(self, folder: SafeFolder, files: Files, sends: bool) -> None:
        self._folder = folder
        self._files = files
        self._sends = sends
        self._top = folder.root / "mail"
        self._selected = self._top / "selected"

    def compose(
        self,
        sender: Contact,
        recipients: list[str],
        cc: list[str],
        subject: str,
        body: str,
        attachments: list[str],
        stamp: datetime,
        uid: str,
    ) -> Outcome:
        """Make a new message; ToolError for a bad address, or an attachment outside."""
        message = _message(sender, recipients, cc, subject, stamp, uid)
        message.set_content(many_lines(body) + "\n")
        self._attach(message, attachments)
        return self._keep(message, "E-mail")

    def reply(
        self,
        sender: Contact,
        cc: list[str],
        body: str,
        attachments: list[str],
        stamp: datetime,
        uid: str,
        message_id: str = "",
    ) -> Outcome:
        """Reply to the sender of a message, quoting it; ``message_id`` "" is the selected one.

        Raises:
            NotFoundError: no message is selected, or it is gone.
            ToolError: it has no sender, or as ``compose``.
        """
        original = self._by_id(message_id) if message_id else self.selected()
        to = _answered(original)
        if not to:
            raise ToolError("the selected e-mail has no sender that could be answered")
        message = _message(sender, to, cc, _subject("Re:", original), stamp, uid)
        thread = f"{_header(original, 'References')} {_header(original, 'Message-ID')}"
        identifiers = list(dict.fromkeys(re.findall(r"<[^<>\s]+>", thread)))
        if identifiers:
            message["In-Reply-To"] = identifiers[-1]
            message["References"] = " ".join(identifiers)
        quoted = "\n".join(f"> {line}".rstrip() for line in _text(original).splitlines())
        said = f"On {_header(original, 'Date')}, {_header(original, 'From')} wrote:"
        message.set_content(f"{many_lines(body)}\n\n{said}\n{quoted}\n")
        self._attach(message, attachments)
        return self._keep(message, "Reply")

    def forward(
        self,
        sender: Contact,
        recipients: list[str],
        cc: list[str],
        body: str,
        attachments: list[str],
        stamp: datetime,
        uid: str,
        message_id: str = "",
    ) -> Outcome:
        """Forward a message, its attachments too; as ``reply``."""
        original = self._by_id(message_id) if message_id else self.selected()
        message = _message(sender, recipients, cc, _subject("Fwd:", original), stamp, uid)
        head = "".join(
            f"{name}: {_header(original, name)}\n"
            for name in ("From", "Date", "Subject", "To", "Cc")
            if _header(original, name)
        )
        opening = f"{many_lines(body)}\n\n" if body.strip() else ""
        rule = "---------- Forwarded message ----------"
        message.set_content(f"{opening}{rule}\n{head}\n{_text(original)}\n")
        for part in original.iter_attachments():
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):  # an attached message has parts, not bytes
                _add_file(message, part.get_filename("attachment"), data)
            else:
                _add_file(message, "message.eml", part.as_bytes())
        self._attach(message, attachments)
        return self._keep(message, "Forwarded e-mail")

    def select(self, message_id: str) -> None:
        """Take a message in hand, by its Message-ID; NotFoundError if there is none such."""
        self._by_id(message_id)
        with self._folder.writing():
            self._folder.write(self._selected, message_id.strip().encode() + b"\n")

    def selected(self) -> EmailMessage:
        """The message in hand; NotFoundError if none is, or it is gone."""
        message_id = ""
        if self._selected.is_file():
            message_id = self._folder.read(self._selected).decode(errors="replace").strip()
        if not message_id:
            raise NotFoundError("no e-mail is selected; select one in the inbox first")
        return self._by_id(message_id)

    def in_hand(self) -> Target:
        """The selected message, as an approval shows it; errors as ``selected``."""
        message = self.selected()
        sender, subject = _header(message, "From"), _header(message, "Subject")
        subject = subject or "(no subject)"
        return Target(
            _header(message, "Message-ID"),
            f"the e-mail “{subject}” from {sender}, {_header(message, 'Date')}",
            tuple(_answered(message)),
            f"the e-mail “{subject}” from {sender}",
        )

    def inbox(self) -> list[EmailMessage]:
        """The received messages, by file name."""
        paths = self._folder.files("mail/cur") + self._folder.files("mail/new")
        return [_parse(self._folder.read(path)) for path in sorted(paths, key=lambda p: p.name)]

    def _by_id(self, message_id: str) -> EmailMessage:
        for message in self.inbox():
            if _header(message, "Message-ID") == message_id.strip():
                return message
        raise NotFoundError(f"the e-mail {message_id.strip()} is not in the inbox; select another")

    def _attach(self, message: EmailMessage, attachments: list[str]) -> None:
        for attachment in dict.fromkeys(attachments):
            path = self._files.path(attachment)
            _add_file(message, path.name, self._folder.read(path))

    def _keep(self, message: EmailMessage, what: str) -> Outcome:
        """Put it into its folder; Maildir writes a file whole and then renames it."""
        place = self._top / (".Outbox" if self._sends else ".Drafts")
        if not all(self._folder.inside(place / name) for name in ("cur", "new", "tmp")):
            raise ToolError(f"mail/{place.name} leads out of the workspace; it is not used")
        kept = mailbox.MaildirMessage(message)
        kept.set_subdir("cur")
        kept.set_flags("S" if self._sends else "DS")
        try:
            with self._folder.writing():
                self._top.mkdir(exist_ok=True)
                box = mailbox.Maildir(place)
                key = box.add(kept)
                path = next((place / "cur").glob(f"{key}*"))
                self._folder.record(path, None, path.read_bytes())
        except OSError as error:
            raise ToolError(f"cannot write mail/{place.name}: {error.strerror}") from error
        state = "is in the outbox" if self._sends else "is in the drafts, not sent"
        text = f"{what} “{message['Subject']}” to {message['To']} {state}"
        return Outcome(text, self._folder.relative(path))


def address_of(text: str) -> Address:
    """ "a@b" or "Name <a@b>" as one address; ToolError if it is none.

    Nothing but the address is taken over, and no line break gets through.
    """
    whole = " ".join(text.split())
    name, inner = "", whole
    if whole.endswith(">"):
        name, _, inner = whole.removesuffix(">").rpartition("<")
    # A name with an address in it would hide that one behind the other.
    if not is_email(inner.strip()) or set(name) & set("<>@"):
        raise ToolError(f"“{text}” is no e-mail address; give one, such as sid@example.com")
    user, _, domain = inner.strip().rpartition("@")
    return Address(username=user, domain=domain)


def _message(
    sender: Contact,
    to: list[str],
    cc: list[str],
    subject: str,
    stamp: datetime,
    uid: str,
) -> EmailMessage:
    recipients = _distinct(to)
    copies = [a for a in _distinct(cc) if a.addr_spec not in {r.addr_spec for r in recipients}]
    if not recipients:
        raise ToolError("the e-mail has no recipient; name at least one")
    addresses = [sender.emails[0], *(a.addr_spec for a in recipients + copies)]
    # RFC 6532 where an address has letters beyond ASCII; every program reads the rest
    unicode = not all(address.isascii() for address in addresses)
    message = EmailMessage(policy.default.clone(utf8=unicode))
    message["From"] = Address(_plain(sender.name), *sender.emails[0].rsplit("@", 1))
    message["To"] = recipients
    if copies:
        message["Cc"] = copies
    message["Subject"] = _plain(one_line(subject))
    message["Date"] = format_datetime(stamp.astimezone())
    message["Message-ID"] = f"<{uid}@tinyagent.invalid>"
    return message


def _plain(text: str) -> str:
    """Text for a header, without encoded words (RFC 2047): "=?" becomes "= ?".

    They would be decoded when the header is written, line breaks in them too, which
    makes a header of its own ("Bcc: …"). A received subject may hold one, encoded twice.
    """
    return text.replace("=?", "= ?")


def _distinct(texts: Iterable[str]) -> list[Address]:
    return list({a.addr_spec.casefold(): a for a in map(address_of, texts)}.values())


def _subject(prefix: str, original: EmailMessage) -> str:
    subject = _header(original, "Subject")
    return subject if subject.casefold().startswith(prefix.casefold()) else f"{prefix} {subject}"


def _header(message: EmailMessage, name: str) -> str:
    return one_line(str(message.get(name, "")))


def _addresses(message: EmailMessage, name: str) -> list[str]:
    """The first address of a header, as a list of one, or of none."""
    found = [address for _, address in getaddresses([_header(message, name)]) if is_email(address)]
    return found[:1]


def _answered(message: EmailMessage) -> list[str]:
    """Whom a reply goes to: a list of one address, or of none."""
    return _addresses(message, "Reply-To") or _addresses(message, "From")


def _parse(data: bytes) -> EmailMessage:
    return message_from_bytes(data, EmailMessage, policy=policy.default)


def _text(message: EmailMessage) -> str:
    """The body as text: the plain part, else the HTML part without its tags."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    data = part.get_payload(decode=True)
    raw = data if isinstance(data, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # a character set that Python does not know
        text = raw.decode("utf-8", errors="replace")
    if part.get_content_subtype() == "html":
        reader = _HTMLText()
        reader.feed(text)
        reader.close()
        text = re.sub(r"\s*\n\s*", "\n", "".join(reader.pieces))
    return many_lines(text).strip()


class _HTMLText(HTMLParser):
    """Collects what a reader of the page would see, one block a line."""

    _HIDDEN = frozenset({"script", "style", "head", "title"})
    _BLOCKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag in self._HIDDEN
        if tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in self._HIDDEN and self._depth > 0

    def handle_data(self, data: str) -> None:
        if not self._depth:
            self.pieces.append(re.sub(r"\s+", " ", data))


def _add_file(message: EmailMessage, name: str, data: bytes) -> None:
    guessed, encoding = mimetypes.guess_type(name)
    kind = guessed if guessed and not encoding else "application/octet-stream"
    main, _, sub = kind.partition("/")
    if main == "message":  # such a part must not be base64
        main, sub = "application", "octet-stream"
    clean = Path(name.replace("\\", "/")).name
    message.add_attachment(data, maintype=main, subtype=sub, filename=safe_name(clean))

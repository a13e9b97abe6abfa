"""A sample workspace, for a first try: contacts, calendars, notes, files and mail.

Invented throughout: the domains and numbers are those reserved for examples.
The same ``now`` in the same time zone gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import vobject
from fpdf import FPDF
from PIL import Image, ImageDraw

from tinyagent.backends.workspace.folder import SafeFolder, safe_name
from tinyagent.backends.workspace.sample_data import (
    EVENTS,
    MAILS,
    NOTES,
    PEOPLE,
    REMINDERS,
    SELECTED,
    TABLES,
    TEXTS,
    Person,
)
from tinyagent.backends.workspace.sample_pdfs import PDFS
from tinyagent.backends.workspace.workspace import Workspace
from tinyagent.errors import SettingsError


def make_sample(root: Path, now: datetime) -> None:
    """Fill ``root`` with the sample; events, reminders and mail lie around ``now``.

    Raises:
        SettingsError: there is something in ``root`` already; it is left alone.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise SettingsError(f"{root} is not empty; the sample goes into a new folder only")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".sample-") as temporary:
        folder = SafeFolder(Path(temporary, "workspace"))
        _write_contacts(folder)
        _write_notes(folder)
        _write_files(folder, now)
        _write_mail(folder, now)
        _make_appointments(folder.root, now)
        if root.exists():
            root.rmdir()
        folder.root.rename(root)  # whole or not at all, should the first start be cut off


def _write_contacts(folder: SafeFolder) -> None:
    for person in PEOPLE:
        path = folder.root / "contacts" / f"{safe_name(person.name)}.vcf"
        folder.write(path, _card(person).encode())


def _card(person: Person) -> str:
    """A vCard 3.0; a group is marked as Apple's Contacts marks it."""
    card = vobject.vCard()
    card.add("fn").value = person.name
    *given, family = person.name.split() if not person.group else ["", person.name]
    card.add("n").value = vobject.vcard.Name(family=family, given=" ".join(given))
    if person.email:
        card.add("email").value = person.email
    if person.phone:
        telephone = card.add("tel")
        telephone.value = person.phone
        telephone.type_param = "CELL"
    for nickname in person.nicknames:
        card.add("nickname").value = nickname
    if person.role:
        card.add("role").value = person.role
    if person.organisation:
        card.add("org").value = [person.organisation]
    if person.group:
        card.add("x-addressbookserver-kind").value = "group"
    for kind, (street, city) in person.addresses.items():
        address = card.add("adr")
        address.value = vobject.vcard.Address(street=street, city=city)
        address.type_param = kind
    return str(card.serialize())


def _write_notes(folder: SafeFolder) -> None:
    for place, text in NOTES.items():
        folder.write(folder.root / "notes" / f"{place}.md", text.encode())


def _write_files(folder: SafeFolder, now: datetime) -> None:
    files = folder.root / "files"
    for place, text in TEXTS.items():
        folder.write(files / place, text.encode())
    for place, rows in TABLES.items():
        folder.write(files / place, _csv(rows))
    for place, pages in PDFS.items():
        folder.write(files / place, _pdf(Path(place).stem, pages, now))
    folder.write(files / "Home/Floor plan.jpg", _picture((246, 242, 232), (70, 80, 96)))
    folder.write(files / "Photos/Garden in May.jpg", _picture((198, 222, 240), (74, 128, 62)))
    folder.write(files / "Photos/Site photos.zip", _zip())


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def _pdf(title: str, pages: Sequence[str], now: datetime) -> bytes:
    pdf = FPDF()
    pdf.set_creation_date(datetime.combine(now.date(), time(9), UTC))
    pdf.set_title(title)
    for number, page in enumerate(pages, start=1):
        pdf.add_page()
        if number == 1:
            pdf.set_font("Helvetica", "B", 16)
            pdf.multi_cell(0, 10, title, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Helvetica", size=11)
        pdf.multi_cell(0, 6, page.strip())
    return bytes(pdf.output())


def _picture(ground: tuple[int, int, int], ink: tuple[int, int, int]) -> bytes:
    image = Image.new("RGB", (320, 240), ground)
    draw = ImageDraw.Draw(image)
    for box in ((20, 20, 180, 120), (180, 20, 300, 220), (20, 120, 180, 220)):
        draw.rectangle(box, outline=ink, width=4)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, ground in (
            ("north side.jpg", (214, 206, 190)),
            ("roof.jpg", (180, 196, 208)),
        ):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 12, 0, 0))
            archive.writestr(entry, _picture(ground, (90, 74, 62)))
    return buffer.getvalue()


def _write_mail(folder: SafeFolder, now: datetime) -> None:
    """The inbox; file names are fixed, where Maildir's own hold the host and the time."""
    for subfolder in ("cur", "new", "tmp"):
        (folder.root / "mail" / subfolder).mkdir(parents=True)
    owner = PEOPLE[0]
    for number, mail in enumerate(MAILS, start=1):
        message = EmailMessage(policy.default)
        message["From"] = mail.sender
        message["To"] = f"{owner.name} <{owner.email}>"
        message["Subject"] = mail.subject
        message["Date"] = format_datetime((now - timedelta(hours=mail.hours_ago)).astimezone())
        message["Message-ID"] = f"<sample-{number}@mail.example>"
        message.set_content(mail.text)
        if mail.attachment:
            table = _csv(TABLES[mail.attachment])
            name = Path(mail.attachment).name
            message.add_attachment(table, maintype="text", subtype="csv", filename=name)
            message.set_boundary(f"=-sample-{number}-=")  # else it is a random one
        folder.write(folder.root / f"mail/cur/{number}.sample:2,S", message.as_bytes())
    selected = f"<sample-{SELECTED}@mail.example>\n"
    folder.write(folder.root / "mail/selected", selected.encode())


def _make_appointments(root: Path, now: datetime) -> None:
    """Events and reminders, made as a plan would make them."""
    numbers = itertools.count(1)
    workspace = Workspace(root, lambda: now, identify=lambda: f"sample-{next(numbers)}")
    for event in EVENTS:
        start = datetime.combine(_day(now, event.days), time.fromisoformat(event.at or "09:00"))
        workspace.create_calendar_event(
            event.title,
            start,
            start + timedelta(minutes=event.minutes),
            not event.at,
            event.location,
            list(event.invitees),
            "",
            event.calendar,
        )
    for reminder in REMINDERS:
        due = None if reminder.days is None else _day(now, reminder.days)
        workspace.create_reminder(reminder.name, due, "", reminder.list_name, reminder.priority)


def _day(now: datetime, days: int) -> date:
    return now.date() + timedelta(days=days)

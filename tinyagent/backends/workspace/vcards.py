"""Contacts as vCards (RFC 6350 and 2426): ``contacts/*.vcf``, one card or more a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vobject

from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.backends.workspace.messages import is_phone_number
from tinyagent.backends.workspace.plain import one_line
from tinyagent.errors import ToolError

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+")


@dataclass(frozen=True)
class Contact:
    """What TinyAgent uses of a card.

    Attributes:
        name: the full name, with titles ("Dr. Ama Osei").
        emails: addresses, the preferred one first.
        phones: numbers, the preferred one first, then mobile ones.
        nicknames: NICKNAME: "Sid", "mom".
        roles: ROLE, TITLE and CATEGORIES: "dentist", "boss", "marketing".
        organisation: ORG.
        group: the card is a group of people (KIND:group).
        home, work: postal addresses in one line.
    """

    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    nicknames: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    organisation: str = ""
    group: bool = False
    home: str = ""
    work: str = ""


class Cards:
    """Reads the contacts; a file is parsed again only when it has changed."""

    def __init__(self, folder: SafeFolder) -> None:
        self._folder = folder
        self._parsed: dict[Path, tuple[tuple[int, int], list[Contact]]] = {}

    def all(self) -> list[Contact]:
        """Every contact whose card can be read; the others are reported to the folder."""
        contacts = []
        for path in self._folder.files("contacts", ".vcf"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # removed a moment ago
                continue
            state = (stat.st_mtime_ns, stat.st_size)
            known = self._parsed.get(path)
            if known is None or known[0] != state:
                known = self._parsed[path] = (state, self._read(path))
            contacts += known[1]
        return contacts

    def _read(self, path: Path) -> list[Contact]:
        contacts, reasons = [], []
        try:
            text = self._folder.read(path).decode("utf-8-sig")
            cards = _split(text)
        except (ToolError, UnicodeDecodeError) as error:
            self._folder.report(path, f"cannot be read ({error}); save it as UTF-8")
            return []
        for number, card in enumerate(cards, start=1):
            try:
                contacts.append(_contact(vobject.readOne(card)))
            except Exception as error:
                reasons.append(f"card {number} is broken and left out ({error}); mend or remove it")
        if not cards:
            reasons.append("there is no vCard in it; mend or remove it")
        self._folder.report(path, "; ".join(reasons))
        return contacts


def is_email(text: str) -> bool:
    """Whether ``text`` is one e-mail address and nothing else."""
    return _EMAIL.fullmatch(text) is not None and len(text) <= 254


def _split(text: str) -> list[str]:
    """Each card apart, so that a broken one spoils no other; folded lines joined."""
    text = re.sub(r"\r?\n[ \t]", "", text)
    text = re.sub(r"(?im)^((?:[\w-]+\.)?NICKNAME[^:\n]*:)(.*)$", _one_nickname_a_line, text)
    return re.findall(r"(?ims)^BEGIN:VCARD\s*$.*?(?:^END:VCARD\s*$|(?=^BEGIN:VCARD)|\Z)", text)


def _one_nickname_a_line(line: re.Match[str]) -> str:
    """vobject keeps the first of "NICKNAME:Bob,Bobby" only."""
    names = re.split(r"(?<!\\),", line[2].rstrip("\r"))
    return "\n".join(line[1] + name for name in names)


def _contact(card: Any) -> Contact:
    if card.name != "VCARD":
        raise ValueError(f"it is a {card.name}")
    organisation = " ".join(_texts(card, "org"))
    name = " ".join(_texts(card, "fn")) or " ".join(_texts(card, "n")) or organisation
    if not name:
        raise ValueError("it has no name (FN)")
    kinds = _texts(card, "kind") + _texts(card, "x-addressbookserver-kind")
    return Contact(
        name=name,
        emails=tuple(e for e in _preferred_first(card, "email", "mailto:") if is_email(e)),
        phones=tuple(p for p in _preferred_first(card, "tel", "tel:") if is_phone_number(p)),
        nicknames=tuple(_texts(card, "nickname")),
        roles=tuple(_texts(card, "role") + _texts(card, "title") + _texts(card, "categories")),
        organisation=organisation,
        group="group" in [kind.casefold() for kind in kinds],
        home=_address(card, "HOME"),
        work=_address(card, "WORK"),
    )


def _texts(card: Any, field: str) -> list[str]:
    """The values of a field, lists taken apart, on one line each, without empty ones."""
    texts: list[str] = []
    for line in card.contents.get(field, []):
        values = line.value if isinstance(line.value, list) else [line.value]
        texts += [one_line(str(value)) for value in values]
    return [text for text in texts if text]


def _preferred_first(card: Any, field: str, scheme: str) -> list[str]:
    lines = sorted(card.contents.get(field, []), key=lambda line: _preference(line.params))
    return [one_line(str(line.value)).removeprefix(scheme) for line in lines]


def _preference(parameters: dict[str, list[str]]) -> int:
    types = ",".join(parameters.get("TYPE", [])).upper().split(",")
    if "PREF" in parameters or "PREF" in types:
        return 0
    return 1 if {"CELL", "IPHONE", "MOBILE"} & set(types) else 2


def _address(card: Any, kind: str) -> str:
    for line in card.contents.get("adr", []):
        if kind in ",".join(line.params.get("TYPE", [])).upper().split(","):
            a = line.value
            parts = [a.street, a.city, f"{a.region} {a.code}".strip(), a.country]
            return ", ".join(one_line(str(part)) for part in parts if str(part).strip())
    return ""

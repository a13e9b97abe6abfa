"""Contacts, matched by the same rules as in the workspace."""

from __future__ import annotations

from collections.abc import Callable

from tinyagent.backends.workspace.people import People
from tinyagent.backends.workspace.vcards import Contact

_PREFERRED = ("mobile", "iphone")
"""Labels of numbers that a text reaches; Contacts writes them as ``_$!<Mobile>!$_``."""


class MacContacts(People):
    """People whose cards are in Contacts; each look-up reads them anew.

    Args:
        listed: gives the rows of ``list_contacts.applescript``.
        phones: the values are phone numbers, and not e-mail addresses.
    """

    def __init__(self, listed: Callable[[], str], phones: bool) -> None:
        self._listed = listed
        self._phones = phones

    def all(self) -> list[Contact]:
        """Every contact, with such numbers or addresses as it has."""
        cards: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for row in self._listed().split("\n"):
            # A line break inside a name makes rows that have no five fields: left out.
            if row.count("\t") == 4:
                number, name, nickname, label, value = row.split("\t")
                cards.setdefault((number, name, nickname), []).append((label, value))
        return [self._contact(name, nick, rows) for (_, name, nick), rows in cards.items()]

    def _contact(self, name: str, nickname: str, rows: list[tuple[str, str]]) -> Contact:
        rows = sorted(rows, key=lambda row: not any(p in row[0].lower() for p in _PREFERRED))
        values = tuple(value for _, value in rows if value)
        nicknames = (nickname,) if nickname else ()
        if self._phones:
            return Contact(name, phones=values, nicknames=nicknames)
        return Contact(name, emails=values, nicknames=nicknames)

"""Whom a name means: people and groups, looked up as people speak of them.

Kinds of fit, best first: a full name or nickname ("Sid Patel", "mom"); a role
("my dentist"); part of a name ("Patel"); a short form ("Bob" for Robert, and
back); a name with a role or an organisation ("Priya from Acme"); a
misspelling ("Lutfy"). The best kind wins; a tie within it is never decided
here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from email.utils import parseaddr
from functools import cache
from typing import Literal

from nicknames import NickNamer
from rapidfuzz.distance import Indel, JaroWinkler

from tinyagent.approval.addresses import canonical
from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.backends.workspace.match import fold, nearest
from tinyagent.backends.workspace.messages import is_phone_number
from tinyagent.backends.workspace.vcards import Cards, Contact, is_email
from tinyagent.errors import AmbiguousError, NotFoundError

Reach = Literal["e-mail address", "phone number"]

_NAMED, _CALLED, _PART, _SHORT, _WIDE = 6.0, 5.0, 4.0, 3.0, 2.0
"""Kinds of fit; a misspelling scores its similarity, ``_MISSPELT`` to 1."""

_MISSPELT = 0.87
"""Jaro-Winkler: Lutfy/Lutfi 0.92, Sarah/Zara 0.78; a beginning ("Bea") counts 0.9."""
_TIE = 0.03
_SOUNDS = [("ph", "f"), ("oo", "u"), ("ee", "i"), ("ea", "i"), ("ou", "u"), ("c", "k")]
_SOUNDS += [("q", "k"), ("y", "i"), ("w", "v"), ("z", "s"), ("j", "g")]
"""Spellings that sound alike, roughly: names reach us by ear, too."""

_TITLES = frozenset({"dr", "doctor", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "rev"})
_NO_ADDRESS = ("me@localhost",)
_POSSESSIVES = frozenset({"my", "our", "the"})
_BETWEEN = frozenset({"from", "at", "in", "of", "the"})
_KIN = [
    frozenset({"mom", "mum", "mother", "mama", "mamma", "mommy", "mummy"}),
    frozenset({"dad", "father", "papa", "daddy"}),
    frozenset({"grandma", "granny", "grandmother", "nana", "gran"}),
    frozenset({"grandpa", "grandfather", "grandad", "granddad"}),
    frozenset({"boss", "manager"}),
]
"""Words for the same relation: a card need hold one of them only."""


class People:
    """The contacts of a workspace."""

    def __init__(self, folder: SafeFolder) -> None:
        self._cards = Cards(folder)

    def all(self) -> list[Contact]:
        """Every contact and group whose card can be read."""
        return self._cards.all()

    def reach(self, name: str, how: Reach) -> str:
        """The e-mail address or phone number of whom ``name`` means.

        An address or number, alone or as "Full Name <address>", is its own result.

        Raises:
            NotFoundError: nobody fits, or who fits has no such address.
            AmbiguousError: several fit equally well, or one only if ``name`` is a
                misspelling that is itself another name; a candidate is "Full Name
                <address>", and can be given in place of the name.
        """
        given = _address_in(name, how)
        if given:
            return given
        contact = self.find(name, how)
        found = _first_address(contact, how)
        if found:
            return found
        if contact.group:
            raise NotFoundError(
                f"the group {contact.name} has no {how} of its own; name its members instead"
            )
        raise NotFoundError(f"{contact.name} has no {how}; add one to the contact, or give it here")

    def find(self, name: str, how: Reach) -> Contact:
        """The one contact that ``name`` means; errors as ``reach``."""
        contacts = self.all()
        best, found = _best_fits(name, contacts)
        if not found:
            near = nearest(name, [contact.name for contact in contacts])
            hint = f"; the nearest: {', '.join(near)}" if near else ""
            raise NotFoundError(f"nobody in the contacts is called “{name}”{hint}")
        candidates = [_candidate(contact, how) for contact in found]
        if len(found) > 1:
            raise AmbiguousError(
                f"“{name}” could be {', '.join(candidates)}; choose one",
                name,
                candidates,
            )
        if best <= 1 and _is_another_name(name, found[0]):
            raise AmbiguousError(
                f"nobody in the contacts is called “{name}”; is {candidates[0]} meant?",
                name,
                candidates,
            )
        return found[0]

    def strangers(self, addresses: Sequence[str]) -> list[str]:
        """Those of the addresses and numbers that no contact has, as they were given."""
        contacts = self.all()
        known = {canonical(a) for c in contacts for a in (*c.emails, *c.phones)}
        return [address for address in addresses if canonical(address) not in known]

    def owner(self) -> Contact:
        """Whose workspace it is: the card with the nickname "me"; it has an address always."""
        for contact in self.all():
            if "me" in map(fold, contact.nicknames):
                return replace(contact, emails=contact.emails or _NO_ADDRESS)
        return Contact("Me", emails=_NO_ADDRESS)

    def place(self, location: str) -> str:
        """The owner's address for "home" and "work", where known; else as given."""
        owner = self.owner()
        known = {"home": owner.home, "work": owner.work, "the office": owner.work}
        return known.get(fold(location).removeprefix("my "), "") or location


def _address_in(text: str, how: Reach) -> str:
    valid = is_email if how == "e-mail address" else is_phone_number
    whole = " ".join(text.split())
    if valid(whole):
        return whole
    inner = whole.rpartition("<")[2].removesuffix(">").strip() if whole.endswith(">") else ""
    return inner if valid(inner) else ""


def _best_fits(name: str, contacts: Sequence[Contact]) -> tuple[float, list[Contact]]:
    plain = parseaddr(name)[0] if name.strip().endswith(">") else name
    words = _words(plain)
    if not words:
        return 0.0, []
    fits = [(_fit(words, contact), contact) for contact in contacts]
    best = max((score for score, _ in fits), default=0.0)
    if best < _MISSPELT:
        return best, []
    floor = best if best > 1 else best - _TIE
    found = [contact for score, contact in fits if score >= floor]
    titles = _TITLES & set(fold(plain).split())
    titled = [contact for contact in found if titles & set(fold(contact.name).split())]
    return best, titled or found


def _fit(words: list[str], contact: Contact) -> float:
    name = _words(contact.name)
    asked = " ".join(words)
    nicknames = [" ".join(_words(nickname)) for nickname in contact.nicknames]
    roles = [" ".join(_words(role)) for role in contact.roles]
    called = next((kin for kin in _KIN if asked in kin), frozenset((asked,)))
    if words == name or asked in nicknames:
        return _NAMED
    if called & set(nicknames + roles):
        return _CALLED
    if all(_is_part(word, name, len(words)) for word in words):
        return _PART
    if all(_is_part(word, name, len(words)) or _is_short(word, name[0]) for word in words):
        return _SHORT
    wide = set(name).union(*map(str.split, nicknames + roles), _words(contact.organisation))
    telling = [word for word in words if word not in _BETWEEN]
    if telling and all(word in wide for word in telling):
        return _WIDE
    return _misspelling(words, name, nicknames)


def _words(text: str) -> list[str]:
    """Folded words, without "my", possessives and titles where others are left."""
    words = fold(text.replace("'s ", " ").replace("’s ", " ").removesuffix("'s")).split()
    if len(words) > 1 and words[0] in _POSSESSIVES:
        words = words[1:]
    return [word for word in words if word not in _TITLES] or words


def _is_part(word: str, name: list[str], asked: int) -> bool:
    """A word of the name, or the initial of one beside another word ("Sid P.")."""
    return word in name or (len(word) == 1 and asked > 1 and any(n[0] == word for n in name))


def _is_short(word: str, first: str) -> bool:
    """Whether one is a short form of the other."""
    namer = _namer()
    return first in namer.nicknames_of(word) or first in namer.canonicals_of(word)


def _misspelling(words: list[str], name: list[str], nicknames: list[str]) -> float:
    """The similarity of the worst word with its best partner, or of all words run together."""
    others = name + [word for nickname in nicknames for word in nickname.split()]
    each = min(max(_similar(word, other) for other in others) for word in words)
    run = "".join(words)
    together = max(_similar(run, other) for other in [*name, "".join(name)])
    return max(each, together)


def _similar(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if len(word) == 3 and other.startswith(word):
        return 0.9
    heard, known = _sound(word), _sound(other)
    if heard == known:
        return 0.95
    if heard[0] != known[0] or min(len(heard), len(known)) < 4:
        return 0.0  # Robin is not O'Brien, and among three letters one more is another name
    jaro_winkler = JaroWinkler.normalized_similarity(heard, known)
    return max(jaro_winkler, Indel.normalized_similarity(heard, known))


def _sound(word: str) -> str:
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    return "".join(letter for letter, _ in itertools.groupby(word))


def _is_another_name(text: str, contact: Contact) -> bool:
    """Whether a word is a known given name that the contact does not have: Maria for Mario."""
    namer, own = _namer(), set(_words(contact.name))
    return any(
        word not in own and (namer.nicknames_of(word) or namer.canonicals_of(word))
        for word in _words(text)
    )


def _candidate(contact: Contact, how: Reach) -> str:
    found = _first_address(contact, how)
    return f"{contact.name} <{found}>" if found else contact.name


def _first_address(contact: Contact, how: Reach) -> str:
    addresses = contact.emails if how == "e-mail address" else contact.phones
    return addresses[0] if addresses else ""


@cache
def _namer() -> NickNamer:
    return NickNamer()

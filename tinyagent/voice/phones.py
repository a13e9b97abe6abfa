"""How alike two spellings sound in English: "let fit" and "Lutfi", "tray" and "Trey".

Letters become coarse speech sounds by rules; the distance of two words is the cheapest way to
turn one's sounds into the other's, where sounds that are made alike cost little to exchange
(after Kondrak's ALINE, "A New Algorithm for the Alignment of Phonetic Sequences", 2000).
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

_RULES = (
    (r"\b[kgp](?=n)|\bw(?=r)|\bp(?=s)", ""),
    (r"tch|ch(?!r)|tsch", "C"),
    (r"sch|sh|(?<=[a-z])ti(?=on)|(?<=[a-z])ci(?=a)", "S"),
    (r"ph", "f"),
    (r"(?<=[aeiou])gh(?=t|\b)", ""),
    (r"gh", "g"),
    (r"th", "t"),
    (r"dg|dj|j|\bg(?=[ei])", "J"),
    (r"ck|q(?!u)|c(?![eiyC])", "k"),
    (r"qu|qv|kv", "kw"),
    (r"c", "s"),
    (r"x", "ks"),
    (r"z|(?<=[aeiou])s(?=[aeiou])", "z"),
    (r"(?<=[aeiouy])[hw](?![aeiouy])", ""),
    (r"(?<=[aeiouy][a-z])e\b", ""),
    (r"[ei]{2,}|ea|ie|y(?![aeiou])|[ae]y\b", "i"),
    (r"ou|oo|ew|ue|eu|u", "u"),
    (r"au|aw|oa", "o"),
    (r"(.)\1+", r"\1"),
)
"""What to hear for which letters, one after the other; capitals are sounds without a letter."""
_VOWELS = frozenset("aeiou")
_KIN = ("pb", "td", "kg", "fv", "sz", "SCJ", "sS", "zJ", "tC", "dJ", "mn", "lr", "vw", "bv")
"""Consonants that are made at about the same place."""
_CLOSE = {frozenset((a, b)) for kin in _KIN for a in kin for b in kin if a != b}
_NEAR = 0.25
"""Sounds that are the same, of all: with fewer, no exchange makes two words alike."""
_WEAK = frozenset("hwyr")
"""Sounds that come and go: Kowalsker, Kowalska."""


def alike(one: str, other: str) -> float:
    """How alike two folded texts sound, from 0 to 1; spaces are not heard."""
    a, b = sounds(one), sounds(other)
    if Levenshtein.normalized_similarity(a, b) < _NEAR:
        return 0.0
    most = sum(map(_weight, a)) + sum(map(_weight, b))
    return 1.0 - _distance(a, b) / most if most else 0.0


@lru_cache(maxsize=4096)
def sounds(folded: str) -> str:
    """The sounds of a folded text, a letter each."""
    text = folded
    for pattern, sound in _RULES:
        text = re.sub(pattern, sound, text)
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^a-zSCJ]", "", text))


def _weight(sound: str) -> float:
    """What it costs to leave a sound out."""
    if sound in _VOWELS:
        return 0.5
    return 0.4 if sound in _WEAK else 1.0


def _distance(a: str, b: str) -> float:
    before = [0.0]
    for sound in b:
        before.append(before[-1] + _weight(sound))
    for mine in a:
        now = [before[0] + _weight(mine)]
        for at, theirs in enumerate(b):
            now.append(
                min(
                    before[at] + _exchange(mine, theirs),
                    before[at + 1] + _weight(mine),
                    now[at] + _weight(theirs),
                )
            )
        before = now
    return before[-1]


def _exchange(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one in _VOWELS and other in _VOWELS:
        return 0.25
    if frozenset((one, other)) in _CLOSE:
        return 0.4
    return _weight(one) + _weight(other)

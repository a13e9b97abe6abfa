"""The names that this person uses, and where a transcript may have misheard one.

A small speech model writes rare names as they sound: "Noverk" for Novak,
"chime-dood-n" for Chinedu. Here spans of words that it was unsure of are
compared with the known names, by letters and by sound; whether a likely one
was said indeed is then asked of the speech model itself (``transcriber``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import jellyfish
from rapidfuzz.distance import Levenshtein

from tinyagent.backends.workspace.match import fold

UNSURE = 0.7
"""A span may be a misheard name if the decoder gave one of its words less than this."""
ALIKE = 0.45
"""How much alike in letters and sound, from 0 to 1, a span and a name must be to be looked at."""
_LONGEST = 4
"""Words that one name may have been heard as ("chime dood n a")."""
_SHORTEST = 3
"""Letters; "me" and "Li" are heard everywhere."""
_LONG = 6
"""Letters of a note's, folder's or file's name of one word: "Work" and "Home" are plain words."""
_COMMON = (
    "a an and are at by for from he her him his i im in is it its me my no not of on or our she so "
    "that the them then they this to up us was we were with you your"
)
_EVERYWHERE = frozenset(_COMMON.split())
"""Words that a name is not misheard as, alone or together; a recogniser knows them well."""
_WORD = re.compile(r"^(\W*)(.*?)((?:['’]s)?\W*)$", re.DOTALL)


@dataclass(frozen=True)
class KnownName:
    """A name in use, or a part of one that is said alone.

    Attributes:
        text: as it is written.
        kind: "contacts", "notes", "folders" or "files".
        folded: in small letters without accents.
        sound: phonetic key.
    """

    text: str
    kind: str
    folded: str
    sound: str


@dataclass(frozen=True)
class Candidate:
    """A known name that a span of words may stand for.

    Attributes:
        first: index of the span's first word.
        count: of its words.
        name: the known name.
        alike: how much alike the two are, from 0 to 1.
    """

    first: int
    count: int
    name: KnownName
    alike: float


class KnownNames:
    """The names in use.

    Args:
        names: by what they name, as ``Workspace.names`` gives them.
    """

    KINDS = ("contacts", "notes", "folders", "files")

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        found: dict[str, KnownName] = {}
        for kind in self.KINDS:
            for name in names.get(kind, ()):
                for text in (name, *(_parts(name) if kind == "contacts" else ())):
                    known = _known(text, kind)
                    if known is not None:
                        found.setdefault(known.folded, known)
        self._by_folded = found

    def __len__(self) -> int:
        return len(self._by_folded)

    def candidates(
        self, words: Sequence[str], probabilities: Sequence[float], least: float = ALIKE
    ) -> list[Candidate]:
        """Which names the words may hold, the most alike first.

        A name that was heard as it is written is left alone, with all its words.

        Args:
            words: as the decoder wrote them, with their punctuation.
            probabilities: of each word.
            least: how much alike a span must be.
        """
        cores = [core(word) for word in words]
        heard = self._heard(cores)
        found = []
        for first in range(len(words)):
            for count in range(1, min(_LONGEST, len(words) - first) + 1):
                span = range(first, first + count)
                if min(probabilities[i] for i in span) >= UNSURE:
                    continue
                text = fold(" ".join(cores[i] for i in span))
                if _EVERYWHERE.issuperset(text.split()):
                    continue
                kept = {heard[i] for i in span} - {""}
                sound = _sound(text)
                for name in self._by_folded.values():
                    # A name that was heard may only grow into a longer one that holds it.
                    if any(name.folded == k or f" {k} " not in f" {name.folded} " for k in kept):
                        continue
                    if text.rstrip("s") == name.folded.rstrip("s") and text != name.folded:
                        continue  # one note, several notes: no matter of hearing
                    alike = _alike(text, sound, name)
                    if alike >= least:
                        found.append(Candidate(first, count, name, alike))
        return sorted(found, key=lambda c: -c.alike)

    def _heard(self, cores: Sequence[str]) -> list[str]:
        """For each word, the known name that it is a part of as it stands, or ""."""
        folded = [fold(word) for word in cores]
        heard = [""] * len(cores)
        for count in range(_LONGEST, 0, -1):
            for first in range(len(cores) - count + 1):
                text = " ".join(folded[first : first + count])
                if text in self._by_folded and not any(heard[first : first + count]):
                    exact = self._by_folded[text].text.casefold()
                    if " ".join(cores[first : first + count]).casefold() == exact:
                        heard[first : first + count] = [text] * count
        return heard


def core(word: str) -> str:
    """A word without the punctuation and the possessive around it."""
    return _split(word)[1]


def in_place_of(words: Sequence[str], name: str) -> str:
    """The name with the punctuation and the possessive of the words whose place it takes."""
    return _split(words[0])[0] + name + _split(words[-1])[2]


def _split(word: str) -> tuple[str, str, str]:
    match = _WORD.match(word.strip())
    assert match is not None  # every part of the pattern may be empty
    return match[1], match[2], match[3]


def _parts(name: str) -> list[str]:
    """The parts of a person's name that are said alone; none of a group's ("Book club")."""
    parts = name.split()
    if len(parts) < 2 or not all(part[:1].isupper() for part in parts):
        return []
    return [part for part in parts if not part.endswith(".")]


def _known(text: str, kind: str) -> KnownName | None:
    folded = fold(text)
    sound = _sound(folded)
    # Other scripts have no phonetic key, and an English model does not write them.
    if kind != "contacts" and " " not in folded and len(folded) < _LONG:
        return None
    if len(folded) < _SHORTEST or not folded.isascii() or not sound:
        return None
    return KnownName(text, kind, folded, sound)


def _sound(folded: str) -> str:
    return "".join(jellyfish.metaphone(word) for word in folded.split())


def _alike(text: str, sound: str, name: KnownName) -> float:
    if not 0.4 <= len(text) / len(name.folded) <= 2.5:
        return 0.0
    by_letters = Levenshtein.normalized_similarity(text, name.folded)
    by_sound = Levenshtein.normalized_similarity(sound, name.sound)
    return (by_letters + by_sound) / 2

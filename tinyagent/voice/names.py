"""The names that this person uses, and where a transcript may have misheard one.

A small speech model writes rare names as they sound: "Noverk" for Novak,
"let fit" for Lutfi. Here spans of words that it was unsure of are compared with
the known names by their sound (``phones``); whether a likely one was said indeed
is then asked of the speech model itself (``transcriber``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tinyagent.backends.workspace.match import fold
from tinyagent.voice.phones import alike, sounds

UNSURE = 0.85
"""A span may be a misheard name if the decoder gave one of its words less than this."""
ALIKE = 0.72
"""How much alike in sound, from 0 to 1, a span and a name must be to be looked at."""
_SPANS = 2
"""Places in a sentence that are looked at for one name."""
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
_COMMANDS = (
    "add ask book call calendar create e email file find folder forward give invite mail make "
    "meeting message name note number open phone put read remind reminder reply schedule send set "
    "show summarise summarize summary tell text today tomorrow write zoom"
)
_EVERYWHERE = frozenset(f"{_COMMON} {_COMMANDS}".split())
"""Words that a name is not misheard as, alone or together: of every sentence, and of commands."""
_WORD = re.compile(r"^(\W*)(.*?)((?:['’]s)?\W*)$", re.DOTALL)


@dataclass(frozen=True)
class KnownName:
    """A name in use, or a part of one that is said alone.

    Attributes:
        text: as it is written.
        kind: "contacts", "notes", "folders" or "files".
        folded: in small letters without accents.
    """

    text: str
    kind: str
    folded: str


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

    def candidates(self, words: Sequence[str], probabilities: Sequence[float]) -> list[Candidate]:
        """Which names the words may hold, the most alike first.

        A name that was heard as it is written is left alone, with all its words.

        Args:
            words: as the decoder wrote them, with their punctuation.
            probabilities: of each word.
        """
        cores = [core(word) for word in words]
        heard = self._heard(cores)
        found: list[Candidate] = []
        for first in range(len(words)):
            for count in range(1, min(_LONGEST, len(words) - first) + 1):
                span = range(first, first + count)
                if min(probabilities[i] for i in span) >= UNSURE:
                    continue
                text = fold(" ".join(cores[i] for i in span))
                if _EVERYWHERE.issuperset(text.split()):
                    continue
                kept = {heard[i] for i in span} - {""}
                for name in self._by_folded.values():
                    # A name that was heard may only grow into a longer one that holds it.
                    if any(name.folded == k or f" {k} " not in f" {name.folded} " for k in kept):
                        continue
                    if text.rstrip("s") == name.folded.rstrip("s") and text != name.folded:
                        continue  # one note, several notes: no matter of hearing
                    likeness = alike(text, name.folded)
                    if likeness >= ALIKE:
                        found.append(Candidate(first, count, name, likeness))
        found.sort(key=lambda c: -c.alike)
        places: Counter[KnownName] = Counter()
        best = []
        for candidate in found:
            places[candidate.name] += 1
            if places[candidate.name] <= _SPANS:
                best.append(candidate)
        return best

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
    if kind != "contacts" and " " not in folded and len(folded) < _LONG:
        return None
    # An English model does not write other scripts.
    if len(folded) < _SHORTEST or not folded.isascii() or not sounds(folded):
        return None
    return KnownName(text, kind, folded)

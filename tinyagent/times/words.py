"""The words of a time phrase, as one canonical text that the rules can match.

Canonical text is lower case with single spaces. Numbers are digits ("twenty
three" is ``23``), ordinals are digits with ``th`` ("second" is ``2th``), a
clock time in hundreds is ``14:00 hour``, units are singular, short forms and
common misspellings are written out, and words that say nothing are gone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from tinyagent.errors import TimePhraseError
from tinyagent.times.numbers import Token, fold_numbers
from tinyagent.times.vocabulary import AFTER_A_NUMBER, JOINING, NOISE, SHORT_FORMS, WITH_ISH


@dataclass(frozen=True)
class Words:
    """A phrase in canonical words.

    Attributes:
        text: the canonical words, with one space between them.
        sources: what each of them was in the phrase, for error messages.
    """

    text: str
    sources: tuple[str, ...]

    def source(self, position: int) -> str:
        """The user's own words from a position of ``text`` to the first that says something."""
        first = self.text.count(" ", 0, position)
        last = first
        while last < len(self.sources) - 1 and self.sources[last] in JOINING:
            last += 1
        return " ".join(self.sources[first : last + 1])

    def between(self, start: int, end: int) -> str:
        """The user's own words for a stretch of ``text``."""
        first = self.text.count(" ", 0, start)
        return " ".join(self.sources[first : self.text.count(" ", 0, end) + 1])


def normalise(phrase: str) -> Words:
    """Put a phrase into canonical words; TimePhraseError where there are none."""
    if not isinstance(phrase, str):
        raise TimePhraseError(f"a time must be text, not {type(phrase).__name__}")
    spelled = phrase.replace("½", " 1/2").replace("¼", " 1/4")
    text = " ".join(unicodedata.normalize("NFKC", spelled).lower().split())
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    tokens: list[Token] = []
    for source in _TOKEN.findall(text):
        word = _canonical(source, tokens[-1][0] if tokens else "")
        if word:
            tokens.append((word, source))
    if not tokens:
        raise TimePhraseError("a time is missing: the phrase is empty or says nothing")
    tokens = fold_numbers(tokens)
    return Words(" ".join(word for word, _ in tokens), tuple(source for _, source in tokens))


def _canonical(source: str, before: str) -> str:
    """One word in canonical form, "" where it says nothing.

    before: the canonical word that it follows, "" at the beginning
    """
    word = source
    if word.endswith("ish") and word[:-3] in WITH_ISH:
        word = word[:-3]
    if word in NOISE:
        return ""
    if word in AFTER_A_NUMBER and before[:1].isdecimal():
        return AFTER_A_NUMBER[word]
    if word[0].isdecimal() and len(word) <= 4 and word[-2:] in ("st", "nd", "rd", "th"):
        return f"{int(word[:-2])}th"
    return SHORT_FORMS.get(word, word)


_SPELLINGS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[‐‑‒–—−]", "-"),
        (r"[‘’´`]", "'"),
        (r"\bo ?'? ?clock\b", " oclock "),
        (r"(?<=[ap]m)-?ish\b", ""),
        # "p.m.", "p m", "5p": before the full stops and single letters go.
        (r"(?<![a-z])([ap])\.? ?m\b\.?", r" \1m "),
        (r"(?<=\d)([ap])\b\.?|(?<=\d) (p)\b", r" \1\2m "),
        (r"'s\b|'", ""),
        (r"⁄", "/"),
        (r"\b(\d+)\s+1/([24])(?=\s*-?[hdw])", r"\1 and a 1/\2 "),
        (r"\b1/2(?=\s+(?:an?\s+)?[hdw])", " half "),
        (r"\b1/4(?=\s+(?:(?:of\s+)?an?\s+)?[hdw])", " quarter "),
        (r"\b(\d+)h ?(\d{1,2}) ?m(?:ins?)?\b", r"\1 hour \2 minute"),
        (r"\b2(?=(?:moro|morrow|mrw|nite|night|day)\b)", "to"),
        (r"\bmid[ -]day\b", "midday"),
        (r"@", " at "),
        (r"&", " and "),
        # "two-thirty", "90-minute"; between digits a hyphen stays, and is an error.
        (r"(?<=[a-z])-(?=[a-z0-9])|(?<=\d)-(?=[a-z])", " "),
    )
]

_TOKEN = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-\d{4}"
    r"|\d+(?:/\d+)+"
    r"|\d+:\d+(?::\d+)?"
    r"|\d+h(?:\d\d)?(?![a-z\d])"
    r"|\d+\.\d+"
    r"|\d+(?:st|nd|rd|th)(?![a-z])"
    r"|\d+"
    r"|[^\W\d_]+"
    r'|[^\s.,;!?()\[\]"“”…]',
    re.ASCII,
)

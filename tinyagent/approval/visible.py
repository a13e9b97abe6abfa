"""Text as a person should see it: nothing in it is hidden, or turns what stands around it."""

from __future__ import annotations

import unicodedata

HIDDEN = frozenset("\u200b\u2060\ufeff\u00ad") | frozenset(
    map(chr, [0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
"""Characters without a shape, and those that turn the order in which others are read.

The two joiners are not among them: emoji and several scripts need them.
"""
_PLAIN_CONTROLS = frozenset("\n\t")


def hidden(text: str) -> set[str]:
    """The characters in a text that nobody would see."""
    return {letter for letter in set(text) if _is_hidden(letter)}


def visible(text: str) -> str:
    """The text with ``[U+202E]`` and the like in the place of what nobody would see.

    A terminal obeys control characters, so nothing is to reach one without this.
    """
    if not hidden(text):
        return text
    return "".join(f"[U+{ord(x):04X}]" if _is_hidden(x) else x for x in text)


def _is_hidden(letter: str) -> bool:
    if letter in _PLAIN_CONTROLS:
        return False
    return letter in HIDDEN or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")

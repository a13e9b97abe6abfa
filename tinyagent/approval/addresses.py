"""E-mail addresses and phone numbers, compared."""

from __future__ import annotations


def canonical(address: str) -> str:
    """An address or number such that one way to write it equals another: no case, no spaces."""
    if "@" in address:
        return address.strip().casefold()
    return "".join(letter for letter in address if letter.isdigit() or letter == "+")

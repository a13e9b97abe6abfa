"""Maps: the URL of a place or a route. Nothing is fetched and nothing is opened."""

from __future__ import annotations

from urllib.parse import quote, urlencode

_MAPS = "https://maps.apple.com/?"


def place_url(place: str) -> str:
    """The URL that shows ``place``."""
    return _MAPS + urlencode({"q": place}, quote_via=quote, errors="replace")


def route_url(start: str, end: str, transport: str) -> str:
    """The URL of the way from ``start`` ("" is where the reader is) to ``end``.

    ``transport`` is "d" (drive), "w" (walk) or "r" (public transport).
    """
    query = ({"saddr": start} if start else {}) | {"daddr": end, "dirflg": transport}
    return _MAPS + urlencode(query, quote_via=quote, errors="replace")

"""Small inline SVG icons; each takes the colour of the text beside it."""

from __future__ import annotations

_SHAPES = {
    "waiting": '<circle cx="8" cy="8" r="5.25"/>',
    "running": '<path d="M8 2.75a5.25 5.25 0 1 1-5.25 5.25"/>',
    "asking": '<path d="M5.75 6a2.25 2.25 0 1 1 3.3 2c-.7.4-1.05.8-1.05 1.6M8 12.2v.1"/>',
    "done": '<path d="M3.25 8.5l3.2 3.2 6.3-7"/>',
    "failed": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "skipped": '<path d="M3.5 8h9"/>',
    "stop": '<rect x="4" y="4" width="8" height="8" rx="1.5"/>',
    "open": '<path d="M6 3.5H3.5v9h9V10M9 3.5h3.5V7M12.25 3.75L7 9"/>',
    "edit": '<path d="M3.5 12.5l.6-2.6 6.4-6.4 2 2-6.4 6.4zM9.3 4.7l2 2"/>',
    "changes": '<path d="M8.8 2L4 9h3.4L7 14l5-7.2H8.6z"/>',
    "microphone": '<rect x="6" y="2.25" width="4" height="7.5" rx="2"/>'
    '<path d="M3.75 7.75a4.25 4.25 0 0 0 8.5 0M8 12v2"/>',
    "warning": '<path d="M8 2.5l6 10.5H2zM8 6.5v3M8 11.2v.1"/>',
    "undo": '<path d="M6 4L3 7l3 3M3 7h6.5a3 3 0 0 1 0 6H7"/>',
    "plus": '<path d="M8 3.5v9M3.5 8h9"/>',
}


def icon(name: str) -> str:
    """The icon of that name, as markup; KeyError where there is none. Screen readers skip it."""
    return (
        f'<svg class="icon icon-{name}" viewBox="0 0 16 16" width="16" height="16" fill="none" '
        'stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" '
        f'aria-hidden="true">{_SHAPES[name]}</svg>'
    )

"""Drawings that need no file: icons, and portraits made from a name."""

from hashlib import sha256

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

ICONS = {
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "calendar": '<rect x="3.5" y="5" width="17" height="15.5" rx="3"/><path d="M3.5 10h17M8 2.8V6M16 2.8V6"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.2 2"/>',
    "wallet": '<path d="M4 7.5A2.5 2.5 0 0 1 6.5 5H17v3"/><rect x="4" y="8" width="16.5" height="11.5" rx="2.5"/><circle cx="16.3" cy="13.75" r="1"/>',
    "card": '<rect x="3" y="5.5" width="18" height="13" rx="2.5"/><path d="M3 10h18M7 14.800h4"/>',
    "person": '<circle cx="12" cy="8.3" r="3.8"/><path d="M4.8 20c.9-3.7 3.7-5.6 7.2-5.600s6.3 1.9 7.2 5.6"/>',
    "home": '<path d="M4 11.2 12 4.500l8 6.700V19a1.5 1.5 0 0 1-1.5 1.500h-13A1.5 1.5 0 0 1 4 19z"/><path d="M9.5 20.500v-6h5v6"/>',
    "chart": '<path d="M4 20V4M4 20h16M8.5 16v-4M13 16V8M17.5 16v-6"/>',
    "move": '<path d="M4 8.500h14M14.5 5 18 8.5 14.5 12M20 15.500H6M9.5 12 6 15.5 9.5 19"/>',
    "cross": '<path d="m6 6 12 12M18 6 6 18"/>',
    "check": '<path d="m5 12.5 4.7 4.700L19.5 7.3"/>',
    "flag": '<path d="M6 21V4M6 5c4-2.5 7 2.5 12 0v8.500c-5 2.5-8-2.5-12 0"/>',
    "scales": '<path d="M12 4v16M7.5 20h9M5 7h14M5 7l-2.5 6.500a3 3 0 0 0 5 0zM19 7l-2.5 6.500a3 3 0 0 0 5 0z"/>',
    "shield": '<path d="M12 3.5 19 6v5.500c0 4.4-2.9 7.4-7 9-4.1-1.6-7-4.6-7-9V6z"/><path d="m9 11.8 2.2 2.2 3.9-4"/>',
    "message": '<path d="M4 6.500A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.500v7a2.5 2.5 0 0 1-2.5 2.500H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.500z"/>',
    "heart": '<path d="M12 20S4 15.2 4 9.400A4.3 4.3 0 0 1 12 7.200a4.3 4.3 0 0 1 8 2.200C20 15.2 12 20 12 20z"/>',
    "pin": '<path d="M12 21s-6.5-5.7-6.5-11a6.5 6.5 0 0 1 13 0c0 5.3-6.5 11-6.5 11z"/><circle cx="12" cy="10" r="2.3"/>',
    "screen": '<rect x="3.5" y="4.5" width="17" height="11.5" rx="2"/><path d="M9 20h6M12 16v4"/>',
    "star": '<path d="m12 3.8 2.5 5.3 5.7.7-4.2 4 1.1 5.7-5.1-2.8-5.1 2.800L8 13.800l-4.2-4 5.7-.7z"/>',
    "arrow": '<path d="M5 12h14M13.5 6.5 19 12l-5.5 5.5"/>',
    "out": '<path d="M14 4.500H6.500A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.500H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5"/>',
    "warn": '<path d="M12 4 21 19.500H3z"/><path d="M12 10v4.300M12 17v.1"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.1"/>',
    "note": '<path d="M6.5 3.500h7.800L19 8.200v10.800a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 5 19V5a1.5 1.5 0 0 1 1.5-1.500z"/><path d="M8.5 12h7M8.5 16h5"/>',
    "sliders": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "bank": '<path d="M4 10 12 4.5 20 10zM6 10v7M10 10v7M14 10v7M18 10v7M4 20h16"/>',
}

# Ground, shape, letters: eight quiet pairs that hold in light and dark.
PALETTES = (
    ("#d9e8e1", "#b5d3c6", "#1c4a40"), ("#f3e0c4", "#e8c48d", "#5c3a06"), ("#dfe3f2", "#bcc5e6", "#2b3a73"),
    ("#f4dcd5", "#e8b7a8", "#6e2a1b"), ("#e5e0ee", "#c9bde0", "#463071"), ("#dcebee", "#b0d3da", "#174a57"),
    ("#eee7cf", "#d9cb8f", "#4d4310"), ("#f1dde6", "#e0b4c8", "#6a2346"),
)  # fmt: skip
SHAPES = (
    '<circle cx="74" cy="20" r="34" fill="{0}"/>',
    '<path d="M0 62C22 44 44 78 96 52V96H0z" fill="{0}"/>',
    '<path d="M0 0h96L0 96z" fill="{0}"/>',
    '<circle cx="16" cy="84" r="46" fill="{0}"/>',
    '<path d="M48 0a48 48 0 0 1 48 48V0z" fill="{0}"/><path d="M0 48a48 48 0 0 0 48 48H0z" fill="{0}"/>',
)


def portrait(*, seed: str, initials: str, size: str = "") -> SafeString:
    """A picture of somebody, always the same for the same person: two colours, a shape, their initials."""
    number = int.from_bytes(sha256(seed.encode()).digest()[:4])
    ground, shape, letters = PALETTES[number % len(PALETTES)]
    drawn = SHAPES[number // 8 % len(SHAPES)].format(shape)
    return mark_safe(  # noqa: S308  # everything that is not ours is escaped
        f'<svg class="avatar {escape(size)}" viewBox="0 0 96 96" aria-hidden="true" focusable="false">'
        f'<rect width="96" height="96" fill="{ground}"/>{drawn}'
        f'<text x="48" y="50" fill="{letters}" text-anchor="middle" dominant-baseline="central">{escape(initials)}</text></svg>'
    )

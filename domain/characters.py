"""Which characters a text of strangers may keep: what people write, not what hides or turns it."""

import re
import unicodedata

JOINERS = "\u200c\u200d"
"""Persian and Indic words and composed emoji need them, though they show nothing themselves."""

# Signs before Arabic and Indic numbers: formats by their category, but they are seen.
_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd")
_SHOWN_FORMATS = _SIGNS | {*JOINERS}
# The flags of regions: a black flag, letters as tags, an end. Source: UTS 51, emoji tag sequences.
_FLAG = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f)")
# Unassigned, but never to be seen whatever they become. Source: Default_Ignorable_Code_Point.
_HIDDEN = (range(0x2065, 0x2066), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
_NO_CHARACTERS = range(0xFDD0, 0xFDF0)
_LAST_OF_PLANE = 0xFFFE


def safe_text(text: str, *, instead: str = "") -> str:
    """Return a text without controls, surrogates, invisible formats and turns of direction.

    Characters that this Python does not know yet, such as new emoji, stay.

    Args:
        instead: Replaces each character that is removed.
    """
    parts = _FLAG.split(text)
    # Every second part is a flag.
    parts[::2] = ["".join(c if _is_safe(c) else instead for c in part) for part in parts[::2]]
    return "".join(parts)


def _is_safe(character: str) -> bool:
    match unicodedata.category(character):
        case "Cf":
            return character in _SHOWN_FORMATS
        case "Cn":
            code = ord(character)
            is_none = code in _NO_CHARACTERS or code & _LAST_OF_PLANE == _LAST_OF_PLANE
            return not is_none and not any(code in hidden for hidden in _HIDDEN)
        case "Zl" | "Zp" | "Cc" | "Cs" | "Co":
            return False
        case _:
            return True

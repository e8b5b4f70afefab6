"""Passwords that anybody would try first: the world's, the service's name, the account's own."""

import re
import unicodedata

from zxcvbn.frequency_lists import FREQUENCY_LISTS

TOO_COMMON = "is one that anybody would try first"

_COMMON = frozenset(FREQUENCY_LISTS["passwords"])
_SERVICE = "vasset"
_SHORTEST_NAME = 3
_ORNAMENT = re.compile(r"[\W\d_]+")


def is_common(password: str, *own: str | None) -> bool:
    """Return whether a password is one of the 30,000 most used, or a name with ornaments.

    Ornaments are digits, blanks and signs: ``V-Asset 2026!`` is the name of the service.

    Args:
        own: What belongs to the account: its e-mail address, its nickname.
    """
    written = unicodedata.normalize("NFKC", password).strip().casefold()
    if written in _COMMON:
        return True
    core = _bare(written)
    return any(core == name * (len(core) // len(name)) for name in _names(own) if core)


def _names(own: tuple[str | None, ...]) -> set[str]:
    names = {_SERVICE}
    for text in own:
        folded = unicodedata.normalize("NFKC", text or "").casefold()
        names |= {_bare(folded), _bare(folded.partition("@")[0])}
    return {name for name in names if len(name) >= _SHORTEST_NAME}


def _bare(text: str) -> str:
    return _ORNAMENT.sub("", text)

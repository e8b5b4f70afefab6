"""What the doctor finds out about one part."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one part.

    Attributes:
        text: What it is, or what is wrong with it.
        remedy: What to do; empty if it is well.
    """

    part: str
    ok: bool
    text: str
    remedy: str = ""


def well(part: str, text: str) -> Finding:
    """Return that a part works."""
    return Finding(part=part, ok=True, text=text)


def wrong(part: str, text: str, remedy: str) -> Finding:
    """Return that a part does not work, and what to do."""
    return Finding(part=part, ok=False, text=text, remedy=remedy)

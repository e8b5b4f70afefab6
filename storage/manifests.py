"""The manifest: written in a staging folder when its fetch is complete, read by a repeat."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from domain.download import FetchedMedia
from domain.warnings import DownloadWarning, WarningCode

NAME = "manifest.json"


def write(staging: Path, media: FetchedMedia) -> None:
    """Record that the fetch into this folder is complete, and what it brought; blocks."""
    facts = dataclasses.asdict(media) | {"path": media.path.name}
    draft = staging / f"{NAME}.new"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(facts, file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(staging / NAME)


def read(staging: Path) -> FetchedMedia | None:
    """Return what a complete fetch left here, or None if none did; blocks."""
    try:
        facts: dict[str, Any] = json.loads((staging / NAME).read_text(encoding="utf-8"))
        facts["path"] = staging / Path(facts["path"]).name
        # A manifest of an older version has none.
        facts["warnings"] = tuple(_warning(**one) for one in facts.get("warnings", ()))
        media = FetchedMedia(**facts)
        whole = media.path.is_file() and media.path.stat().st_size == media.size_bytes
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return media if whole else None


def _warning(*, code: str, subject: str) -> DownloadWarning:
    return DownloadWarning(code=WarningCode(code), subject=subject)

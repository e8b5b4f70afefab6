"""The statements of queries.sql, by name."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def _load(file: Path) -> dict[str, str]:
    """Return each statement by its name, without the closing semicolon."""
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    names, bodies = parts[::2], parts[1::2]
    return {
        name: re.sub(r"^--.*\n", "", body, flags=re.MULTILINE).strip().removesuffix(";")
        for name, body in zip(names, bodies, strict=True)
    }


QUERIES: dict[str, str] = _load(Path(__file__).with_name("queries.sql"))

"""The document in OpenAPI 3.0, which is what the offline page understands."""

from typing import Any, cast


def as_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """Return a 3.1 document in the words of 3.0: ``nullable`` and one-value ``enum``."""
    return cast("dict[str, Any]", _older(document)) | {"openapi": "3.0.3"}


def _older(value: object) -> object:
    if isinstance(value, list):
        return [_older(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    table = {name: _older(part) for name, part in cast("dict[str, object]", value).items()}
    if "const" in table:
        table["enum"] = [table.pop("const")]
    choices = table.get("anyOf")
    if isinstance(choices, list):
        others = [choice for choice in cast("list[object]", choices) if choice != {"type": "null"}]
        if len(others) == 1 and len(others) < len(cast("list[object]", choices)):
            del table["anyOf"]
            # 3.0 allows nothing beside a $ref.
            table |= {"allOf": others, "nullable": True}
    return table

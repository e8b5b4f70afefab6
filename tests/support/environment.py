"""Settings as the variables that carry them to a process."""

import json
from collections.abc import Mapping

from runtime.settings_layers import PREFIX


def as_environment(values: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return values by section and key as environment variables for a child process."""
    return {
        f"{PREFIX}{section}__{key}".upper(): value if isinstance(value, str) else json.dumps(value)
        for section, table in values.items()
        for key, value in table.items()
    }

"""The layers of the settings: the defaults, the administrator's file, the environment."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from runtime.settings import Settings

PREFIX = "VASSET_"
FILE_VARIABLE = "VASSET_SETTINGS"
DATA_VARIABLE = "VASSET_DATA"
URL_VARIABLE = "VASSET_URL"
KEY_VARIABLE = "VASSET_KEY"
FROM_FILE = "_FILE"
"""Ends the name of a variable that says in which file the value stands."""

_NO_SETTINGS = (FILE_VARIABLE, DATA_VARIABLE, URL_VARIABLE, KEY_VARIABLE)

_HERE = Path(__file__).resolve().parent
# In a checkout the file stands at the top of the repository, in a wheel beside this module.
DEFAULTS = next(p for p in (_HERE / "settings.toml", _HERE.parent / "settings.toml") if p.exists())


class SettingsError(Exception):
    """A setting is wrong or unknown; the text names the key, the fault and where it stands."""


@dataclass(slots=True)
class _Layers:
    """Values by section and key, and which layer each one came from."""

    values: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    origins: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def lay(self, section: str, key: str, value: object, origin: str) -> None:
        self.values.setdefault(section, {})[key] = value
        self.origins[section, key] = origin


def load(
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> Settings:
    """Return the settings of this process.

    Args:
        environment: Read in place of the process's own, for tests.
        overrides: Values by section and key that lie over everything, as from a command line.

    Raises:
        SettingsError: A file cannot be read, or a key is unknown or its value wrong.
    """
    environment = os.environ if environment is None else environment  # noqa: TID251 - its one file
    layers = _Layers()
    _lay_file(layers, DEFAULTS)
    if extra := environment.get(FILE_VARIABLE):
        _lay_file(layers, Path(extra))
    _lay_environment(layers, environment)
    for section, table in (overrides or {}).items():
        for key, value in table.items():
            layers.lay(section, key, value, "the command line")
    try:
        return Settings.model_validate(layers.values)
    except ValidationError as error:
        raise SettingsError(_explain(error.errors(include_url=False)[0], layers)) from None


def _lay_file(layers: _Layers, file: Path) -> None:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"settings: cannot read {file}: {error}"
        raise SettingsError(message) from None
    for section, table in tables.items():
        if not isinstance(table, dict):
            message = f"settings: {section} in {file} must stand in a [section]"
            raise SettingsError(message)
        for key, value in cast("dict[str, object]", table).items():
            layers.lay(section, key, value, str(file))


def _lay_environment(layers: _Layers, environment: Mapping[str, str]) -> None:
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in _NO_SETTINGS:
            continue
        setting = name.removesuffix(FROM_FILE)
        if setting != name:
            if setting in environment:
                message = f"settings: both {setting} and {name} are set; take one away"
                raise SettingsError(message)
            text = _content(name, Path(text))  # noqa: PLW2901 - it is the value from here on
        section, _, key = setting.removeprefix(PREFIX).lower().partition("__")
        layers.lay(section, key, _parsed(name, text), f"the environment variable {name}")


def _content(name: str, file: Path) -> str:
    """Return a value that stands in a file, as a secret does, without the line's end."""
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"settings: cannot read {file}, which {name} names: {reason}"
        raise SettingsError(message) from None


def _parsed(name: str, text: str) -> object:
    """Return lists and tables as such; pydantic turns the other texts into numbers itself."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        message = f"settings: the environment variable {name} is not valid JSON"
        raise SettingsError(message) from None


def _explain(error: ErrorDetails, layers: _Layers) -> str:
    """Return one line: which key, what is wrong, where it stands; never the value itself."""
    place = [str(part) for part in error["loc"]]
    section, key = (*place, "", "")[:2]
    origin = layers.origins.get((section, key)) or next(
        (o for (s, _), o in layers.origins.items() if s == section), str(DEFAULTS)
    )
    fault = "unknown key" if error["type"] == "extra_forbidden" else error["msg"]
    return f"settings: {'.'.join(place)}: {fault} (in {origin})"

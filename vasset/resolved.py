"""The settings of one `up` as a file, so that its parts and `doctor` see the same values."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from runtime.settings import Settings
from runtime.settings_layers import FILE_VARIABLE, load
from storage.files import MARKER
from vasset import embedded
from vasset.datadir import DataDir, write_private

_HEADER = "# Written by `vasset up` at every start; what is changed here is lost.\n"


def resolve(settings: Settings, data: DataDir) -> Settings:
    """Return the settings with the embedded parts filled in, written to ``data.settings``.

    A file, because an environment can be read in /proc and a secret stands among them.

    Raises:
        CommandError: The data directory's secret cannot be read.
        SettingsError: A value that was filled in does not fit.
    """
    tables = _tables(settings)
    defaults = load({})
    sockets = data.sockets()
    _fill(tables, "database", "url", embedded.postgres_url(sockets))
    _fill(tables, "redis", "url", embedded.valkey_url(sockets, 0))
    _fill(tables, "broker", "url", embedded.valkey_url(sockets, 1))
    if not settings.auth.secret.get_secret_value():
        tables["auth"]["secret"] = data.secret()
    if settings.storage.root == defaults.storage.root:
        tables["storage"]["root"] = str(data.files)
    if settings.storage.node == defaults.storage.node:
        tables["storage"]["node"] = _node_of(Path(str(tables["storage"]["root"])), settings)
    # The journal reads the parts' logs; how the terminal shows them is its matter.
    tables["log"]["format"] = "json"
    write_private(data.settings, _HEADER + as_toml(tables))
    return load({FILE_VARIABLE: str(data.settings)})


def as_toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Return sections as TOML; values are text, numbers, booleans, lists and one inner table."""
    lines: list[str] = []
    for section, table in tables.items():
        lines.append(f"\n[{section}]")
        lines.extend(f"{key} = {_literal(value)}" for key, value in table.items())
    return "\n".join(lines) + "\n"


def _fill(tables: dict[str, dict[str, object]], section: str, key: str, value: str) -> None:
    if not tables[section][key]:
        tables[section][key] = value


def _node_of(root: Path, settings: Settings) -> str:
    """Return the name that the root already bears: a container's host name changes."""
    try:
        return (root / MARKER).read_text(encoding="utf-8") or settings.storage.node
    except OSError:
        return settings.storage.node


def _tables(settings: Settings) -> dict[str, dict[str, object]]:
    dump = cast("dict[str, dict[str, object]]", settings.model_dump(mode="python"))
    return {section: {k: _plain(v) for k, v in table.items()} for section, table in dump.items()}


def _plain(value: object) -> object:
    """Return a value as TOML can hold it; a secret is revealed."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, dict | bool | int | float):
        return cast("object", value)
    return str(value)


def _literal(value: object) -> str:
    """Return a TOML value; JSON's texts, numbers, booleans and lists are TOML's too."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return "{ " + ", ".join(f"{key} = {_literal(item)}" for key, item in pairs) + " }"
    # TOML forbids DEL and the pairs of surrogates that JSON may write.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

"""docs/configure.md, made of settings.toml and the settings' types, for `make docs`."""

import re
import sys
from typing import Any

from runtime.settings import Settings
from runtime.settings_layers import DEFAULTS, FILE_VARIABLE, FROM_FILE, PREFIX

_LINE = re.compile(r"(?P<key>\w+) = (?P<value>.*?)(?:\s+# (?P<meaning>.*))?")

_HEAD = ("| setting | default | allowed | meaning |", "|---|---|---|---|")

_ABOUT = f"""# Configure

Written by `make docs` from `settings.toml` and `runtime/settings.py`; change those.

Four layers lie over each other, the last one counts:

1. `settings.toml`, which comes with the program: every setting with its default
2. a file of your own with the same sections, named by `{FILE_VARIABLE}=/etc/vasset/settings.toml`
3. the environment: `{PREFIX}<SECTION>__<KEY>`, such as `{PREFIX}DOWNLOADS__SLOTS=8`; lists and
   tables are JSON, such as `{PREFIX}EGRESS__PORTS='[80, 443, 8080]'`
4. options of `vasset up`

`{PREFIX}<SECTION>__<KEY>{FROM_FILE}` names a file in which the value stands, as container engines
and systemd hand over secrets: `{PREFIX}AUTH__SECRET{FROM_FILE}=/run/secrets/auth_secret`. The end
of its last line does not count. Both for one setting are refused.

A setting that is unknown or wrong stops the start with one line that says which it is, what is
wrong with it and where it stands. Secrets are never shown. Changes count from the next start of a
part; what changes while all runs are accounts and their quotas (`vasset user`), limits of sites
(`vasset limit`) and draining (`vasset node`).

A name ends in its unit: `_s` seconds, `_h` hours, `_d` days, `_bytes` bytes, `_ratio` a share of 1.
"""


def page() -> str:
    """Return the page as it belongs into docs/configure.md."""
    schema = Settings.model_json_schema()
    lines = [_ABOUT]
    section, said = "", schema
    for text in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if text.startswith("["):
            section = text[1 : text.index("]")]
            said = _referred(schema["properties"][section], schema["$defs"])
            lines += [f"## {section}", "", said["description"], "", *_HEAD]
        elif section and (found := _LINE.fullmatch(text)):
            kind = said["properties"][found["key"]]
            allowed = _allowed(kind, schema["$defs"])
            cells = (f"`{found['key']}`", f"`{found['value']}`", allowed, found["meaning"] or "")
            lines.append("| " + " | ".join(cells) + " |")
        elif section and not text:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _referred(kind: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return definitions[kind["$ref"].rpartition("/")[2]]


def _allowed(kind: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return what a value may be, in words."""
    if "$ref" in kind:
        kind = _referred(kind, definitions)
    if "properties" in kind:
        parts = kind["properties"].items()
        return ", ".join(f"`{key}` {_allowed(one, definitions)}" for key, one in parts)
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("type") == "array":
        return f"a list: {_allowed(kind['items'], definitions)}"
    if "anyOf" in kind:
        return "networks"
    if kind.get("format") == "password":
        return "secret"
    word = {"boolean": "`true`, `false`", "integer": "number", "number": "number"}
    bounds = (
        ("at least {}", kind.get("minimum")),
        ("more than {}", kind.get("exclusiveMinimum")),
        ("at most {}", kind.get("maximum")),
    )
    told = [text.format(f"{bound:,}") for text, bound in bounds if bound is not None]
    return ", ".join([word.get(kind["type"], "text"), *told])


if __name__ == "__main__":
    sys.stdout.write(page())

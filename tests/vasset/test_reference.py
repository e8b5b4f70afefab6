"""docs/configure.md says what the settings are, all of them."""

from pathlib import Path

from runtime.settings import Settings
from runtime.settings_layers import load
from vasset import reference

PAGE = Path(__file__).parents[2] / "docs" / "configure.md"


def test_the_page_is_of_these_settings() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.page(), "stale: make docs"


def test_every_setting_has_a_line_with_what_it_may_be() -> None:
    rows = [line.split(" | ") for line in reference.page().splitlines() if line.startswith("| `")]

    keys = [key for section in load({}).model_dump().values() for key in section]
    assert [row[0] for row in rows] == [f"| `{key}`" for key in keys]
    assert all(len(row) == 4 and row[2] for row in rows)
    assert len(keys) > len(Settings.model_fields)

"""The layers of the settings, and what an error says about a wrong one."""

from pathlib import Path

import pytest

from runtime.settings_layers import FILE_VARIABLE, SettingsError, load
from tests.support.environment import as_environment

SECRET = "correct horse battery staple, 32 bytes"


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[server]\nport = 1001\n\n[downloads]\nslots = 7\n")

    settings = load({FILE_VARIABLE: str(file), "VASSET_SERVER__PORT": "1002"})

    assert settings.server.port == 1002
    assert settings.downloads.slots == 7


def test_the_command_line_lies_over_the_environment() -> None:
    settings = load({"VASSET_SERVER__PORT": "1002"}, {"server": {"port": 1003}})

    assert settings.server.port == 1003


@pytest.mark.parametrize("name", ["VASSET_SERVER__PROT", "VASSET_SERVRE__PORT", "VASSET_PORT"])
def test_an_unknown_key_in_the_environment_is_named(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: "1"})

    assert name in str(caught.value)


def test_an_unknown_key_in_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[downloads]\nslot = 7\n")

    with pytest.raises(SettingsError) as caught:
        load({FILE_VARIABLE: str(file)})

    assert "downloads.slot: unknown key" in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VASSET_DOWNLOADS__SLOTS", "many"),
        ("VASSET_DOWNLOADS__SLOTS", "0"),
        ("VASSET_EGRESS__ALLOW_PRIVATE", "[oops"),
        ("VASSET_EGRESS__ALLOW_PRIVATE", '["everywhere"]'),
        ("VASSET_PROXY__PROVIDER", "magic"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_place(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: text})

    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"/nowhere\.toml"):
        load({FILE_VARIABLE: "/nowhere.toml"})


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, {"auth": {"secret": [SECRET]}})

    assert SECRET not in str(caught.value)


def test_no_secret_stands_in_the_representation() -> None:
    settings = load(
        {
            "VASSET_AUTH__SECRET": SECRET,
            "VASSET_DATABASE__URL": f"postgresql://u:{SECRET}@h/d",
            "VASSET_PROXY__API_KEY": SECRET,
            "VASSET_PROXY__LIST": f'["http://u:{SECRET}@h:1"]',
        }
    )

    assert SECRET not in f"{settings!r} {settings} {settings.proxy!r}"


def test_an_environment_made_for_a_child_says_the_same() -> None:
    values = {"egress": {"allow_private": ["127.0.0.0/8"]}, "downloads": {"slots": 3}}

    settings = load(as_environment(values))

    assert settings == load({}, values)

"""A setting whose value stands in a file of its own, as a secret does."""

from pathlib import Path

import pytest

from runtime.settings import Settings
from runtime.settings_layers import FROM_FILE, SettingsError, load

SECRET = "correct horse battery staple, 32 bytes"
VARIABLE = "VASSET_AUTH__SECRET_FILE"


def test_its_content_is_the_value_without_the_end_of_the_line(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f" {SECRET} \n")
    ports = tmp_path / "ports"
    ports.write_text("[443]\n")

    settings = load({VARIABLE: str(file), "VASSET_EGRESS__PORTS_FILE": str(ports)})

    assert settings.auth.secret.get_secret_value() == f" {SECRET} "
    assert settings.egress.ports == (443,)


def test_a_value_and_a_file_for_one_setting_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)

    with pytest.raises(SettingsError, match="both VASSET_AUTH__SECRET and") as caught:
        load({VARIABLE: str(file), "VASSET_AUTH__SECRET": SECRET})

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named_with_its_variable(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        load({VARIABLE: str(file)})

    assert VARIABLE in str(caught.value)
    assert str(file) in str(caught.value)


def test_an_unknown_setting_in_a_file_is_named_by_its_variable(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)

    with pytest.raises(SettingsError, match=r"unknown key .*VASSET_AUTH__SECRT_FILE") as caught:
        load({"VASSET_AUTH__SECRT_FILE": str(file)})

    assert SECRET not in str(caught.value)


def test_no_setting_itself_ends_as_those_variables_do() -> None:
    keys = [key for section in load({}).model_dump().values() for key in section]

    assert len(keys) > len(Settings.model_fields)
    assert [key for key in keys if f"_{key}".upper().endswith(FROM_FILE)] == []

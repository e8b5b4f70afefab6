"""What the doctor finds out about RabbitMQ, yt-dlp and the secret."""

import os
import time
from pathlib import Path

import pytest

from gateways.ytdlp.versions import FLOOR
from runtime.settings_layers import load
from tests.support.rabbit import Rabbit
from vasset import rabbit as looking
from vasset import surroundings, tooling


def given_control(folder: Path, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a rabbitmqctl on PATH that asks the tests' own server."""
    script = folder / "rabbitmqctl"
    script.write_text(rabbit.control_script())
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")


@pytest.mark.parametrize(("limit_s", "is_well"), [(1799, True), (1800, False)])
def test_a_broker_that_takes_messages_back_too_soon_is_found(
    limit_s: int,
    is_well: bool,  # noqa: FBT001 - a case of the table
    rabbit: Rabbit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_control(tmp_path, rabbit, monkeypatch)
    settings = load({}, {"broker": {"url": rabbit.url}, "downloads": {"time_limit_s": limit_s}})

    found = looking.look(settings)

    assert found.ok is is_well
    assert f"{rabbit.consumer_timeout_s} s" in found.text
    assert ("consumer_timeout" in found.remedy) is not is_well


def test_a_broker_that_cannot_be_asked_is_told_what_to_see_to(
    rabbit: Rabbit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = looking.look(load({}, {"broker": {"url": rabbit.url}}))

    assert found.ok
    assert found.text.startswith("RabbitMQ ")
    assert "consumer_timeout is above 21600 s" in found.text


def using(root: Path, number: str) -> Path:
    """Return a storage root whose node uses a version."""
    home = root / ".ytdlp"
    (home / number).mkdir(parents=True)
    (home / "current").symlink_to(number)
    return root


def test_a_yt_dlp_with_known_holes_is_wrong_and_an_old_one_is_told(tmp_path: Path) -> None:
    today = time.strftime("%Y.%-m.%-d", time.gmtime())

    holed = tooling.ytdlp(using(tmp_path / "a", "2024.1.1"))
    old = tooling.ytdlp(using(tmp_path / "b", ".".join(map(str, FLOOR))))
    new = tooling.ytdlp(using(tmp_path / "c", today))

    assert (holed.ok, old.ok, new.ok) == (False, True, True)
    assert "2024.1.1 has known holes" in holed.text
    assert "vasset ytdlp upgrade" in holed.remedy
    assert "days old; sites change: vasset ytdlp upgrade" in old.text
    assert new.text.startswith(f"{today}, ")
    assert "old" not in new.text


def test_a_secret_that_is_missing_or_short_is_wrong_and_never_shown() -> None:
    short, long = "a" * 31, "correct horse battery staple, 32 bytes"

    found = [surroundings.secret(load({}, {"auth": {"secret": it}})) for it in ("", short, long)]

    assert [one.ok for one in found] == [False, False, True]
    assert not [one for one in found if short in one.text or long in one.text]

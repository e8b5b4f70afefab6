"""The settings of one `up` as a file."""

import os
from pathlib import Path

from runtime.settings_layers import load
from storage.files import MARKER
from vasset.datadir import DataDir
from vasset.resolved import resolve


def made(root: Path) -> DataDir:
    data = DataDir(root)
    data.create()
    return data


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    awkward = 'a "quoted" \\ text\twith \x7f and ü'
    settings = load(
        {
            "VASSET_PROXY__API_KEY": awkward,
            "VASSET_PROXY__LIST": '["http://u:p@h:1", "socks5://h:2"]',
            "VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8", "fd00::/8"]',
            "VASSET_DOWNLOADS__BACKOFF_S": '{"min": 1, "max": 9}',
        }
    )

    resolved = resolve(settings, made(tmp_path / "d"))

    assert resolved.proxy == settings.proxy
    assert resolved.egress == settings.egress
    assert resolved.downloads == settings.downloads
    assert resolved.proxy.api_key.get_secret_value() == awkward


def test_the_file_with_the_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    data = made(tmp_path / "d")

    resolved = resolve(load({}), data)

    assert resolved.auth.secret.get_secret_value() in data.settings.read_text()
    assert data.settings.stat().st_mode & 0o077 == 0
    assert (data.root / "secret").stat().st_mode & 0o077 == 0


def test_the_secret_stays_the_same_over_starts(tmp_path: Path) -> None:
    data = made(tmp_path / "d")

    first, second = resolve(load({}), data), resolve(load({}), data)

    assert first.auth.secret == second.auth.secret
    assert len(first.auth.secret.get_secret_value()) >= 32


def test_a_server_that_is_set_stays(tmp_path: Path) -> None:
    mine = "postgresql://me@elsewhere/mine"

    resolved = resolve(load({"VASSET_DATABASE__URL": mine}), made(tmp_path / "d"))

    assert resolved.database.url.get_secret_value() == mine
    assert resolved.redis.url.get_secret_value().startswith("unix://")


def test_a_storage_root_keeps_its_node_when_the_host_is_renamed(tmp_path: Path) -> None:
    data = made(tmp_path / "d")
    (data.files / MARKER).write_text("yesterday")

    resolved = resolve(load({}), data)

    assert resolved.storage.node == "yesterday"
    assert resolved.storage.root == data.files


def test_a_long_path_puts_the_sockets_elsewhere(tmp_path: Path) -> None:
    data = made(tmp_path / ("long" * 25))

    sockets = data.sockets()

    assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= 107
    data.remove_sockets()
    assert not sockets.exists()


def test_a_path_that_needs_quoting_puts_the_sockets_elsewhere(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "my videos, all of them")

    assert data.sockets().parent != data.root

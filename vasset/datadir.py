"""The data directory of `vasset up`: what lies where, the lock, the secret, short sockets."""

import fcntl
import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from runtime.settings import MIN_SECRET_BYTES
from vasset.faults import CommandError

_LONGEST_SOCKET = 107
"""Bytes of a Unix socket's path. Source: unix(7), ``sun_path``."""

_LONGEST_NAME = len("/.s.PGSQL.5432")

# Anything else would need quoting in a URL or in PostgreSQL's list of folders.
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class DataDir:
    """Where one installation keeps everything."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """The append-only file."""
        return self.root / "valkey"

    @property
    def files(self) -> Path:
        """The storage root, unless the settings name another."""
        return self.root / "files"

    @property
    def logs(self) -> Path:
        """One log for each part."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is worth something only while it runs."""
        return self.root / "run"

    @property
    def settings(self) -> Path:
        """The settings as the running parts see them; written anew by each start."""
        return self.run / "settings.toml"

    def sockets(self) -> Path:
        """Return the folder of the embedded servers' sockets, which need a short, plain path."""
        if _fits(self.run):
            return self.run
        name = hashlib.sha256(bytes(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"vasset-{os.geteuid()}-{name}"

    def remove_sockets(self) -> None:
        """Remove the folder for sockets if it stands outside and nothing is left in it."""
        if self.sockets() != self.run:
            with suppress(OSError):
                self.sockets().rmdir()

    def create(self) -> None:
        """Make the folders, for their owner only.

        Raises:
            CommandError: A folder cannot be made, or the one for sockets is somebody else's.
        """
        try:
            for folder in (self.root, self.valkey, self.files, self.logs, self.run):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sockets = self.sockets()
            sockets.mkdir(mode=0o700, exist_ok=True)
            # In a folder for everybody somebody else may have made it first, to listen in.
            found = sockets.lstat()
        except OSError as error:
            message = f"cannot use the data directory {self.root}: {error.strerror}"
            raise CommandError(message) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o77:
            message = f"{sockets} must be a folder that only you can enter: remove it"
            raise CommandError(message)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the data directory; the kernel lets go of it when the process ends.

        Raises:
            CommandError: Another `up` holds it.
        """
        try:
            lock = (self.root / "lock").open("w", encoding="ascii")
        except OSError as error:
            message = f"cannot use the data directory {self.root}: {error.strerror}"
            raise CommandError(message) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"another `vasset up` is running on {self.root}: stop it or use --data"
                raise CommandError(message) from error
            yield

    def is_locked(self) -> bool:
        """Return whether an `up` holds the data directory."""
        try:
            with (self.root / "lock").open(encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def secret(self) -> str:
        """Return the key of every token, made once.

        Raises:
            CommandError: It cannot be read, or was cut short.
        """
        file = self.root / "secret"
        try:
            if not file.exists():
                draft = self.run / "secret.new"
                write_private(draft, secrets.token_urlsafe(2 * MIN_SECRET_BYTES))
                draft.rename(file)
            secret = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            message = f"cannot read {file}: {error}"
            raise CommandError(message) from error
        if len(secret) < MIN_SECRET_BYTES:
            message = f"{file} is damaged: remove it, and everybody logs in again"
            raise CommandError(message)
        return secret


def choose(option: Path | None) -> DataDir:
    """Return the data directory of ``--data`` or VASSET_DATA, else the user's own."""
    root = option or platformdirs.user_data_path("vasset", appauthor=False)
    return DataDir(root.resolve())


def write_private(file: Path, text: str) -> None:
    """Write a file that from its first moment only its owner can read, and sync it."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _fits(folder: Path) -> bool:
    length = len(bytes(folder)) + _LONGEST_NAME
    return length <= _LONGEST_SOCKET and _PLAIN.fullmatch(str(folder)) is not None

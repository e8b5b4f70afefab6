"""The files that a child may see, by Landlock."""

import sys
from collections.abc import Iterable
from pathlib import Path

from landlockpy import AccessFS, AccessNet, Ruleset, Scope, abi_version

ROOT = Path(__file__).parents[2]

_READ = AccessFS.READ_FILE | AccessFS.READ_DIR
_RUN = AccessFS.READ_FILE | AccessFS.EXECUTE
# No links, pipes, sockets or devices: what the fetch leaves is plain files in plain folders.
_WRITE = (
    _READ
    | AccessFS.WRITE_FILE
    | AccessFS.TRUNCATE
    | AccessFS.REMOVE_DIR
    | AccessFS.REMOVE_FILE
    | AccessFS.MAKE_DIR
    | AccessFS.MAKE_REG
    | AccessFS.REFER
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
# Libraries, certificates and what names the types of files; nothing that names people or hosts.
_SYSTEM = (
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib32", "/lib64"),
    *("/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo"),
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/localtime"),
    *("/etc/mime.types", "/usr/share/mime"),
)
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-*.so.1")

MIN_ABI_FOR_TCP = 4


def raise_walls(
    folder: Path | None, *, programs: Iterable[Path], port: int | None, writes: bool
) -> None:
    """Leave this process one folder, the libraries, the given programs and one port to call.

    Args:
        folder: None for none at all.
        writes: Whether the folder may be changed.
        port: None for none at all.

    Raises:
        LandlockError: The kernel does not take the rules.
    """
    scope = Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL
    with Ruleset(scoped=scope) as rules:
        if folder is not None:
            rules.allow_path(folder, _WRITE if writes else _READ)
        for path in (*_existing(_SYSTEM), *_own_code()):
            rules.allow_path(path, _READ if path.is_dir() else AccessFS.READ_FILE)
        for path in _existing(_DEVICES):
            rules.allow_path(path, AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        for path in (*programs, *_existing(_LOADERS)):
            rules.allow_path(path, _RUN)
        if port is not None:
            rules.allow_port(port, AccessNet.CONNECT_TCP)
        rules.restrict()


def abi() -> int:
    """Return the version of Landlock in the kernel, 0 for none."""
    return abi_version()


def _own_code() -> Iterable[Path]:
    """Return where Python's and our own modules are; some are imported only when needed."""
    ours = [ROOT / name for name in ("domain", "gateways")]
    folders = {Path(entry) for entry in sys.path if entry}
    if ROOT.name not in ("site-packages", "dist-packages"):
        # In a checkout our packages lie beside folders that are no code.
        folders.discard(ROOT)
    return [path for path in (*ours, *folders) if path.exists()]


def _existing(paths: Iterable[str]) -> Iterable[Path]:
    for text in paths:
        path = Path(text)
        if "*" in text:
            yield from path.parent.glob(path.name)
        elif path.exists():
            yield path

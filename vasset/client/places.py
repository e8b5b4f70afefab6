"""Places: which server a call speaks to."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vasset import faults
from vasset.client import credentials
from vasset.client.api import Place
from vasset.faults import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a command line says of the server."""

    url: str | None
    key: str | None
    data: Path | None
    account: str | None = None


@contextmanager
def opened(asked: Asked, *, starts: bool = False) -> Generator[Place]:
    """Yield the server that is named, else the login's, else (or with --data) this machine's own.

    Args:
        starts: Whether this machine's own is started if it does not run.

    Raises:
        CommandError: There is no key for it, or it does not run or start.
    """
    if asked.account and asked.url:
        message = "--account is for this machine's own server, not for another (--url, VASSET_URL)"
        raise CommandError(message)
    known = None if (asked.data or asked.account) and not asked.url else _known(asked)
    if known is not None:
        yield known
        return
    from vasset import datadir  # noqa: PLC0415 - the databases' library comes with it
    from vasset.client import local  # noqa: PLC0415

    data = datadir.choose(asked.data)
    own = local.opened(data, _tell, asked.account) if starts else local.found(data, asked.account)
    with own as place:
        yield place


def _known(asked: Asked) -> Place | None:
    login = credentials.kept()
    url = asked.url or (login.url if login else None)
    if url is None:
        if asked.key is None:
            return None
        message = "there is a key, but for which server? --url or VASSET_URL says it"
        raise CommandError(message)
    warn_if_open(url)
    key = asked.key or (login.key if login and login.url == url else None)
    if key is None:
        message = f"there is no key for {url}: `vasset login {url}`, or VASSET_KEY"
        raise CommandError(message)
    return Place(url=url, credential=lambda: key)


def warn_if_open(url: str) -> None:
    """Say so if everybody on the way to a server can read the key and the files."""
    if url.startswith("http:") and not Place(url=url, credential=str).is_loopback:
        faults.say(f"warning: everybody on the way to {url} can read what is sent; use https")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

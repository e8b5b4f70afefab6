"""The login that `vasset login` keeps: a server and a key for it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from pydantic import TypeAdapter, ValidationError

from vasset.datadir import write_private
from vasset.faults import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A server and what opens it.

    Attributes:
        key_id: Of a key that was made for this login, so that a logout ends it; None for a key
            that somebody brought.
    """

    url: str
    key: str = field(repr=False)
    key_id: int | None = None


_LOGIN = TypeAdapter(Login)


def place() -> Path:
    """Return the file of the login."""
    return platformdirs.user_config_path("vasset", appauthor=False) / "login.json"


def kept() -> Login | None:
    """Return the login, or None if there is none.

    Raises:
        CommandError: It cannot be read.
    """
    try:
        return _LOGIN.validate_json(place().read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        why = getattr(error, "strerror", None) or "it is damaged"
        message = f"cannot read {place()}: {why}; `vasset login URL` writes it anew"
        raise CommandError(message) from None


def keep(login: Login) -> None:
    """Write the login, for its owner only; whoever reads meanwhile has the old one or the new.

    Raises:
        CommandError: It cannot be written.
    """
    file = place()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        write_private(draft, _LOGIN.dump_json(login).decode())
        draft.replace(file)
    except OSError as error:
        message = f"cannot write {file}: {error.strerror}"
        raise CommandError(message) from error


def forget() -> None:
    """Remove the login; nothing happens if there is none."""
    place().unlink(missing_ok=True)


def checked_url(text: str) -> str:
    """Return a server's address in its one form; a bare name is taken for https.

    Raises:
        ValueError: It is none.
    """
    url = (text if "://" in text else f"https://{text}").rstrip("/").removesuffix("/api/v1")
    parts = urlsplit(url)
    odd = parts.username or parts.query or parts.fragment or not url.isprintable() or " " in url
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        message = "is not the address of a server, such as https://vasset.example"
        raise ValueError(message)
    # Raises ValueError for what is no number.
    _ = parts.port
    return url

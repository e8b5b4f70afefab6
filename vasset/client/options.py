"""Arguments and options of the client's commands, and how they are judged."""

from pathlib import Path
from typing import Annotated

import typer

from domain.states import Status


def checked(url: str | None) -> str | None:
    """Return a server's address in its one form.

    Raises:
        BadParameter: It is none.
    """
    from vasset.client.credentials import checked_url  # noqa: PLC0415 - --help needs none of it

    try:
        return None if url is None else checked_url(url)
    except ValueError as error:
        message = f"{url!r}: {error}"
        raise typer.BadParameter(message) from error


def checked_status(name: str | None) -> str | None:
    """Return the name of a status unchanged.

    Raises:
        BadParameter: It is none.
    """
    if name is not None and name not in status_names():
        message = f"{name!r} is none of {', '.join(status_names())}"
        raise typer.BadParameter(message)
    return name


def status_names() -> list[str]:
    """Return the names that a status may have, also for the shell to complete."""
    return [status.label for status in Status]


Url = Annotated[
    str | None,
    typer.Option(
        envvar="VASSET_URL",
        show_default="the login's, else this machine's own",
        help="Server to speak to.",
        callback=checked,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="VASSET_KEY",
        show_default="the login's",
        help="API key; rather in the environment, since others see a command line.",
    ),
]

Account = Annotated[
    str | None,
    typer.Option(
        metavar="EMAIL",
        show_default="the first administrator",
        help="Whom to act for on this machine's own server.",
    ),
]

Server = Annotated[str, typer.Argument(metavar="URL", help="The server.", callback=checked)]
Addresses = Annotated[
    list[str],
    typer.Argument(
        metavar="URL",
        help="Addresses of videos, ids of earlier downloads, or - for addresses from standard"
        " input, one a line.",
    ),
]
Folder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        file_okay=False,
        help="Folder to save into, made if it is not there.",
    ),
]
StatusName = Annotated[
    str | None,
    typer.Option(help="Only of this status.", callback=checked_status, autocompletion=status_names),
]

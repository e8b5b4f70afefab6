"""Arguments and options of the client's commands, and how they are judged."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.requests import (
    MAX_AUDIO_KBPS,
    MIN_AUDIO_KBPS,
    Container,
    Live,
    Quality,
    form_fault,
)
from domain.states import Mode, Status

if TYPE_CHECKING:
    from vasset.client.submission import Form

if TYPE_CHECKING:
    from vasset.client.lists import Choice


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


def form_of(
    mode: Mode,
    quality: Quality,
    container: Container | None,
    bitrate_kbps: int | None,
    format_id: str | None,
    live: Live | None,
) -> "Form":
    """Return the form in which every file is wanted.

    Raises:
        BadParameter: It contradicts itself.
    """
    from vasset.client.submission import Form  # noqa: PLC0415 - --help needs none of it

    fault = form_fault(quality, container, bitrate_kbps)
    if fault is not None:
        raise typer.BadParameter(fault)
    return Form(
        mode=mode,
        quality=quality,
        container=container,
        bitrate_kbps=bitrate_kbps,
        format_id=format_id,
        live=live,
    )


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
        help="The account to act for on this machine's own server.",
    ),
]
Wrapping = Annotated[
    Container | None,
    typer.Option(help="Container of the file; mp3, m4a, opus, flac and wav need --quality audio."),
]
Bitrate = Annotated[
    int | None,
    typer.Option(
        metavar="KBPS",
        min=MIN_AUDIO_KBPS,
        max=MAX_AUDIO_KBPS,
        help="Upper bound for mp3, m4a and opus; sound with less is kept as it is.",
    ),
]
FormatIds = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="ID",
        help="A format id of the site, or VIDEO+AUDIO; replaces --quality.",
    ),
]

LiveStreams = Annotated[Live | None, typer.Option(help="A stream on air is recorded, not refused.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Only submit, and write the ids.")]

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


def checked_entries(text: str | None) -> str | None:
    """Return positions of a list unchanged.

    Raises:
        BadParameter: They are not positions.
    """
    from vasset.client.lists import spans_of  # noqa: PLC0415 - --help needs none of it

    try:
        if text is not None:
            spans_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


def choice_of(entries: str | None, *, is_first: bool, is_agreed: bool) -> "Choice":
    """Return which videos of a list are wanted.

    Raises:
        BadParameter: Both --first and --entries are given.
    """
    from vasset.client.lists import Choice, spans_of  # noqa: PLC0415 - --help needs none of it

    if is_first and entries is not None:
        message = "--first and --entries exclude each other"
        raise typer.BadParameter(message)
    spans = None if entries is None else spans_of(entries)
    return Choice(is_first=is_first, spans=spans, is_agreed=is_agreed)


First = Annotated[bool, typer.Option("--first", help="Download only the first video of a list.")]
Entries = Annotated[
    str | None,
    typer.Option(
        metavar="1-3,7",
        help="Download only these videos of a list, by their positions.",
        callback=checked_entries,
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Download all videos of a list without asking.")
]
StatusName = Annotated[
    str | None,
    typer.Option(help="Only of this status.", callback=checked_status, autocompletion=status_names),
]

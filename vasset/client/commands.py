"""The commands of the client: login, logout, get, ls, rm."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from domain.requests import Quality
from domain.states import Mode
from vasset import texts
from vasset.client.options import (
    Account,
    Addresses,
    Bitrate,
    Entries,
    First,
    Folder,
    FormatIds,
    Key,
    LiveStreams,
    NoWait,
    Server,
    StatusName,
    Url,
    Wrapping,
    Yes,
    choice_of,
    form_of,
)
from vasset.options import Data, Json, PasswordStdin

KEY_PREFIX = "vst_"

app = typer.Typer()


class _Words(TypedDict):
    urls: list[str]
    history_ids: list[int]


@app.command(short_help="Log in to a server for `get`, `ls` and `rm`.")
def login(
    url: Server,
    email: Annotated[str | None, typer.Option(help="The account; asked for without.")] = None,
    *,
    password_stdin: PasswordStdin = False,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read an API key (vst_...) from standard input.")
    ] = False,
) -> None:
    """Log in to a server: `get`, `ls` and `rm` speak to it from then on.

    What is kept is an API key, made for this machine with the scopes read, submit and deliver;
    `vasset logout` ends it. The password is kept nowhere.

    Example: vasset login https://vasset.example --email ada@example.org
    """
    from vasset.client import logins, places

    places.warn_if_open(url)
    if key_stdin:
        key = sys.stdin.readline().strip()
        if not (key.startswith(KEY_PREFIX) and key.isascii() and key.isprintable()):
            message = f"standard input has no API key ({KEY_PREFIX}...)"
            raise typer.BadParameter(message)
        logins.take_key(url, key)
    else:
        account = email or typer.prompt("E-mail")
        logins.log_in(url, account, _password(from_stdin=password_stdin))
    typer.echo(f"Logged in to {url}.")


@app.command()
def logout() -> None:
    """Forget the login and end the key that was made for it.

    Example: vasset logout
    """
    from vasset.client import logins

    typer.echo("Logged out." if logins.log_out() else "There was no login.")


@app.command(short_help="Download videos and save them here.")
def get(  # noqa: PLR0913 - its options
    addresses: Addresses,
    mode: Annotated[Mode, typer.Option(help="How long the server keeps it.")] = Mode.QUICK,
    quality: Annotated[Quality, typer.Option(help="The best there is, up to this.")] = Quality.BEST,
    output: Folder = Path(),
    entries: Entries = None,
    *,
    container: Wrapping = None,
    bitrate: Bitrate = None,
    format_id: FormatIds = None,
    live: LiveStreams = None,
    first: First = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    url: Url = None,
    key: Key = None,
    data: Data = None,
    account: Account = None,
    json: Json = False,
) -> None:
    """Download videos: submit, watch, save each file and check its MD5.

    Exit status 0 only if every file arrived and matched. What breaks off goes on where it was.
    Of an address with several videos it saves all; a terminal is asked first. Without a login it
    uses this machine's own `vasset up`, started if none runs, as its first administrator.

    Example: vasset get https://video.example/watch/1 --quality 720p -o ~/Videos
    """
    from vasset.client import calls, getting, places

    wanted = getting.Wanted(
        **_sorted_out(addresses),
        form=form_of(mode, quality, container, bitrate, format_id, live),
        folder=output,
        is_awaited=not no_wait,
        choice=choice_of(entries, is_first=first, is_agreed=yes),
    )
    asked = places.Asked(url=url, key=key, data=data, account=account)
    raise typer.Exit(calls.run(asked, wanted, as_json=json))


@app.command(short_help="List downloads, newest first.")
def ls(  # noqa: PLR0913 - its options
    status: StatusName = None,
    mode: Annotated[Mode | None, typer.Option(help="Only of this mode.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only with this in title or address.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    *,
    url: Url = None,
    key: Key = None,
    data: Data = None,
    account: Account = None,
    json: Json = False,
) -> None:
    """List downloads, newest first; in a pipe with tabs: id, status, mode, bytes, time, name.

    Example: vasset ls --status completed --search holiday
    """
    from vasset.client import listing
    from vasset.client.listing import Filters
    from vasset.client.places import Asked, opened

    filters = Filters(status=status, mode=mode, search=search, limit=limit)
    with opened(Asked(url=url, key=key, data=data, account=account)) as place:
        found = listing.rows(place, filters)
    listing.write(found, as_json=json)


@app.command(short_help="Delete downloads with their files at the server.")
def rm(
    history_ids: Annotated[
        list[int],
        typer.Argument(metavar="ID", min=1, help="Downloads, by their ids of `vasset ls`."),
    ],
    url: Url = None,
    key: Key = None,
    data: Data = None,
    account: Account = None,
) -> None:
    """Delete downloads with their files at the server; what still works is cancelled.

    Example: vasset rm 17 18
    """
    from vasset.client import listing
    from vasset.client.places import Asked, opened

    with opened(Asked(url=url, key=key, data=data, account=account)) as place:
        is_done = listing.remove(place, history_ids)
    raise typer.Exit(0 if is_done else 1)


def _sorted_out(words: Sequence[str]) -> _Words:
    """Return the addresses and the ids among words; ``-`` is for lines of standard input."""
    from vasset.client import submission

    found = submission.addresses(words, texts.lines(sys.stdin.buffer))
    ids = [int(word) for word in found if _is_id(word)]
    return {"urls": [word for word in found if not _is_id(word)], "history_ids": ids}


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True)
    return password

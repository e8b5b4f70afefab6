"""The commands of `vasset cookies`: what downloads of one site show to it."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import json as json_module
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from vasset.faults import CommandError
from vasset.options import Data, Json

Site = Annotated[str, typer.Argument(metavar="SITE", help="A site's host, such as video.example.")]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="A cookies.txt, or - for standard input.")
]

_MAX_SHOWN = 10

app = typer.Typer(help="Cookies of sites, kept encrypted: add, list, rm.")


@app.command(short_help="Show a site these cookies from now on.")
def add(site: Site, file: File, data: Data = None) -> None:
    """Show a site these cookies from the next download on; others of the file are left out.

    They go to the child that fetches from this very site, to no other, and into no log.

    Example: vasset cookies add video.example cookies.txt
    """
    from domain.cookies import CookiesError, of_site
    from storage.cookies import SiteCookies
    from vasset.asking import ask_database
    from vasset.texts import decoded

    name, secret = _site(site), _secret(data)
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        cookies = of_site(decoded(raw), name, now=time.time())
    except (OSError, UnicodeError) as error:
        message = f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise CommandError(message) from error
    except CookiesError as error:
        raise CommandError(str(error)) from error
    ask_database(
        data, lambda db: SiteCookies(db, secret).put(name, cookies.text, number=cookies.number)
    )
    typer.echo(f"{cookies.number} cookies are shown to {name} from now on.")
    if cookies.expired:
        typer.echo(f"{cookies.expired} more have expired and were left out.")
    if cookies.left_out:
        lines = ", ".join(map(str, cookies.left_out[:_MAX_SHOWN]))
        typer.echo(f"Left out because they are not cookies: lines {lines}.")


@app.command("list")
def list_(data: Data = None, *, json: Json = False) -> None:
    """List the sites that have cookies; never the cookies.

    Example: vasset cookies list --json
    """
    from storage.cookies import SiteCookies
    from vasset.asking import ask_database

    secret = _secret(data)
    rows = ask_database(data, lambda db: SiteCookies(db, secret).all())
    if json:
        typer.echo(json_module.dumps([dict(row) for row in rows], default=str))
        return
    for row in rows:
        typer.echo(f"{row['site']:<32}  {row['number']:>3}  since {row['added_at']:%Y-%m-%d}")


@app.command()
def rm(site: Site, data: Data = None) -> None:
    """Show a site no cookies any more.

    Example: vasset cookies rm video.example
    """
    from storage.cookies import SiteCookies
    from vasset.asking import ask_database

    name, secret = _site(site), _secret(data)
    if not ask_database(data, lambda db: SiteCookies(db, secret).remove(name)):
        message = f"{name} has no cookies: see `vasset cookies list`"
        raise CommandError(message)
    typer.echo(f"{name} is shown no cookies any more.")


def _site(text: str) -> str:
    from domain.requests import site_of

    return site_of(text if "//" in text else f"//{text}")


def _secret(data: Path | None) -> str:
    """Return the server's secret.

    Raises:
        CommandError: It is not set.
    """
    from vasset import configured

    secret = configured.of_anything(data).auth.secret.get_secret_value()
    if not secret:
        message = "auth.secret is not set: it encrypts the cookies, and the workers need the same"
        raise CommandError(message)
    return secret

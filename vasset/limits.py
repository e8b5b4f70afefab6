"""The commands of `vasset limit`: what may run at once and start a minute, name by name."""

# ruff: noqa: PLC0415 - a command imports what it needs, so that --help is quick.

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from vasset.options import Data, Json

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A site's host, or with --provider a provider.")
]
Provider = Annotated[bool, typer.Option("--provider", help="NAME is a proxy provider's.")]
Active = Annotated[int | None, typer.Option(min=1, help="Downloads at once, over all nodes.")]
Starts = Annotated[int | None, typer.Option(min=1, help="Starts in a minute, over all nodes.")]

app = typer.Typer(help="Limits of sites and of the proxy provider: list, set, clear.")


@app.command("list", short_help="List what is limited, busy or left alone.")
def list_(data: Data = None, *, json: Json = False) -> None:
    """List the names that have a limit of their own, have started under one, or cool down.

    Example: vasset limit list --json
    """
    from storage.limits import Limits
    from vasset.asking import ask_database

    rows = ask_database(data, lambda db: Limits(db).all())
    if json:
        typer.echo(json_module.dumps([dict(row) for row in rows], default=str))
        return
    for row in rows:
        told = [f"{row['running']} running"]
        if row["max_active"] is not None:
            told.append(f"at most {row['max_active']}")
        if row["max_starts"] is not None:
            told.append(f"{row['max_starts']} starts a minute")
        if row["cooling_until"] is not None:
            told.append(f"cools down until {row['cooling_until']:%H:%M:%S} UTC")
        typer.echo(f"{row['kind']:<8}  {row['name']:<32}  {', '.join(told)}")


@app.command("set", short_help="Limit a site or a provider from now on.")
def set_(
    name: Name,
    data: Data = None,
    *,
    active: Active = None,
    starts: Starts = None,
    provider: Provider = False,
) -> None:
    """Limit one site or provider from now on; what is not given is as in the settings.

    Example: vasset limit set video.example --active 2 --starts 30
    """
    _set(data, name, provider=provider, active=active, starts=starts)
    typer.echo(f"{name} is limited from now on.")


@app.command()
def clear(name: Name, data: Data = None, *, provider: Provider = False) -> None:
    """Let the settings alone limit a site or provider again.

    Example: vasset limit clear video.example
    """
    _set(data, name, provider=provider, active=None, starts=None)
    typer.echo(f"{name} is limited as the settings say.")


def _set(
    data: Path | None, name: str, *, provider: bool, active: int | None, starts: int | None
) -> None:
    from domain.requests import site_of
    from storage.limits import Limited, Limits
    from vasset.asking import ask_database

    kind = Limited.PROVIDER if provider else Limited.SITE
    known = name if provider else site_of(name if "//" in name else f"//{name}")
    ask_database(data, lambda db: Limits(db).set(kind, known, max_active=active, max_starts=starts))
